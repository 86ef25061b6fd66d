// @ts-check
/** A whole file as the answer to a request for it, or for a part of it (RFC 9110, sections 13 and 14). */

import { securityHeaders } from "./security-headers.js";

const ONE_RANGE = /^bytes=(\d*)-(\d*)$/;

/**
 * @param {Request} request   GET or HEAD
 * @param {Response} stored   the file, with its type
 * @param {string} etag   with its quotes
 * @param {HeadersInit} own   headers that every answer gets
 * @returns {Promise<Response>}
 */
export async function fileAnswer(request, stored, etag, own) {
  const headers = new Headers(stored.headers);
  const secure = securityHeaders(headers.get("content-type") ?? "", request.url);
  for (const [name, value] of [...Object.entries(secure), ...new Headers(own)]) headers.set(name, value);
  headers.set("accept-ranges", "bytes");
  headers.set("etag", etag);
  if (names(request.headers.get("if-none-match"), etag)) return new Response(null, { status: 304, headers });
  if (request.method === "HEAD") return new Response(null, { headers });

  const wanted = parse(request.headers.get("range") ?? "");
  const condition = request.headers.get("if-range");
  if (wanted === undefined || (condition !== null && condition !== etag)) return new Response(stored.body, { headers });
  const whole = await stored.blob();
  const range = slice(wanted, whole.size);
  if (range === undefined) {
    headers.set("content-range", `bytes */${whole.size}`);
    headers.delete("content-length");
    return new Response(null, { status: 416, headers });
  }
  const [start, end] = range;
  headers.set("content-range", `bytes ${start}-${end - 1}/${whole.size}`);
  headers.set("content-length", String(end - start));
  return new Response(whole.slice(start, end), { status: 206, headers });
}

/** Whether a list of entity tags names this one; weak ones count too. @param {string | null} list @param {string} etag */
function names(list, etag) {
  if (list === null) return false;
  return list.trim() === "*" || list.split(",").some((tag) => tag.trim().replace(/^W\//, "") === etag);
}

/**
 * What is not one valid range of bytes is ignored.
 *
 * @param {string} text
 * @returns {[first: string, last: string] | undefined} positions; no first: the last so many bytes
 */
function parse(text) {
  const [matched, first = "", last = ""] = ONE_RANGE.exec(text) ?? [];
  if (matched === undefined || first + last === "") return undefined;
  return first !== "" && last !== "" && Number(last) < Number(first) ? undefined : [first, last];
}

/**
 * @param {[first: string, last: string]} wanted
 * @param {number} size
 * @returns {[start: number, end: number] | undefined} undefined: there is no such part
 */
function slice([first, last], size) {
  const start = first === "" ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === "" || last === "" ? size : Math.min(size, Number(last) + 1);
  return start < end ? [start, end] : undefined;
}
