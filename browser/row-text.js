// @ts-check
/** Rows of the outbox as people can read them, and as a file can hold them. */

import { problemOf } from "./verdict.js";

/** @typedef {import("./outbox-row.js").Row} Row */

/** What was sent; without what the kit or a form adds for itself. @param {Pick<Row, "headers" | "body">} row */
export async function sentText({ headers, body }) {
  if (body === null) return "";
  const type = new Headers(headers).get("content-type") ?? "";
  const content = new Response(body, { headers: { "content-type": type } });
  if (/^(application\/x-www-form-urlencoded|multipart\/form-data)\b/i.test(type)) {
    const fields = [...(await content.formData())].filter(([name]) => !name.startsWith("_"));
    return fields.map(([name, value]) => `${name}: ${typeof value === "string" ? value : value.name}`).join(", ");
  }
  return /^(text\/|application\/(.*\+)?json\b)/i.test(type) ? content.text() : `${type || "something"}, ${sizeOf(body)} bytes`;
}

/** Why it was refused. @param {import("./outbox-row.js").Refusal} refusal */
export function refusalText({ status, type, body }) {
  const { title = "", detail = "" } = problemOf(new Headers({ "content-type": type }), body) ?? {};
  if (title !== "") return [title, detail].filter((text) => text !== "").map((text) => `${text.replace(/\.$/, "")}.`).join(" ");
  const html = type.startsWith("text/html") ? new TextDecoder().decode(body.slice(0, 4096)) : "";
  const heading = unescaped(/<title[^>]*>([^<]*)<\/title>/i.exec(html)?.[1]?.trim() ?? "");
  return heading === "" ? `The server answered ${status}.` : `The server answered ${status}: ${heading}.`;
}

/** For JSON: text if it is text, else base64. @param {ArrayBuffer | Blob | null} body */
export async function content(body) {
  if (body === null) return null;
  const bytes = new Uint8Array(await new Response(body).arrayBuffer());
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return { base64: btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")) };
  }
}

/** @param {ArrayBuffer | Blob} body */
function sizeOf(body) {
  return body instanceof Blob ? body.size : body.byteLength;
}

/** The usual character references as text. @param {string} html */
function unescaped(html) {
  const named = new Map([["amp", "&"], ["lt", "<"], ["gt", ">"], ["quot", '"']]);
  return html.replace(/&(?:#(\d{1,5})|(amp|lt|gt|quot));/g, (_, code, name) => (code ? String.fromCodePoint(Number(code)) : (named.get(name) ?? "")));
}
