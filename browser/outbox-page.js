// @ts-check
/**
 * `/_edge/outbox`: what this browser has not sent yet and what was refused, for whose it is. Plain forms, so that it
 * works with a keyboard, a screen reader, without scripts and without the network.
 */

import { LONGEST_TROUBLE } from "./outbox-row.js";
import { PATH } from "./protocol.js";
import { content, refusalText, sentText } from "./row-text.js";
import { answer, escape, kitPage } from "./unavailable.js";

/** @typedef {import("./outbox-row.js").Row} Row */
/** @typedef {{waiting: Row[], rejected: Row[], others: number, halted: string}} Listed   others: how many are somebody else's */

/**
 * @typedef {object} Acts   each for the number of a row
 * @property {(seq: number) => Promise<void>} retry
 * @property {(seq: number) => Promise<void>} discard
 * @property {() => Promise<void>} send   all that wait
 */

const SHOWN = 160; // characters of a body
const SIGN_IN = "Sign in again, and what is waiting will be sent.";
const HALTED = new Map([
  ["session-ended", `Your session has ended. ${SIGN_IN}`],
  ["device-required", `This needs a session that is bound to your device. ${SIGN_IN}`],
]);
const SCRIPTS = ["page.js", "strip.js"].map((name) => `<script type="module" src="${PATH.reserved}${name}"></script>`).join("");

/**
 * GET lists; `?answer=<number>` is what the server said, `?export` all of it as a file. POST acts.
 *
 * @param {Request} request
 * @param {() => Promise<Listed>} list
 * @param {Acts} acts
 * @returns {Promise<Response>}
 */
export async function outboxPage(request, list, acts) {
  if (request.method === "POST") return act(request, acts);
  const [{ searchParams }, listed] = [new URL(request.url), await list()];
  if (searchParams.has("export")) return exported(request, listed);
  const { refusal } = listed.rejected.find(({ seq }) => String(seq) === searchParams.get("answer")) ?? {};
  if (refusal !== undefined) return answer(request, refusal.body, refusal.type || "text/plain", 200);
  const isEmpty = listed.waiting.length + listed.rejected.length === 0;
  return kitPage(request, isEmpty ? "Everything is sent" : "Changes on this device", await page(listed), 200);
}

/** @param {Request} request @param {Acts} acts */
async function act(request, acts) {
  const form = await request.formData();
  const [what, seq] = [form.get("do"), Number(form.get("seq"))];
  if (what === "discard") await acts.discard(seq);
  if (what === "retry") await acts.retry(seq);
  if (what !== "discard") await acts.send();
  const response = answer(request, null, "text/plain", 303);
  response.headers.set("location", PATH.outbox);
  return response;
}

/** @param {Listed} listed */
async function page({ waiting, rejected, others, halted }) {
  const count = waiting.length + rejected.length;
  return [
    count === 0 ? "<p>Nothing that you did here is waiting, and nothing was refused.</p>" : "",
    waiting.length === 0 ? "" : `<h2>Not sent yet</h2><p>${whatNext(waiting.length, halted)}</p>${form("send", "Send now", "")}
<ol class="cards">${(await Promise.all(waiting.map(waitingItem))).join("")}</ol>`,
    rejected.length === 0 ? "" : `<h2>Refused</h2><p>The server did not do this.</p>
<ol class="cards">${(await Promise.all(rejected.map(rejectedItem))).join("")}</ol>`,
    others === 0 ? "" : `<p>${others === 1 ? "One change" : `${others} changes`} of somebody else will be sent when they sign in here.</p>`,
    count === 0 ? "" : `<p><a href="${PATH.outbox}?export" download="changes.json">Save all of this as a file</a></p>`,
    `<p><a href="/">Back to the start</a></p><edgekit-strip></edgekit-strip>${SCRIPTS}`,
  ].join("\n");
}

/** @param {number} count @param {string} halted */
function whatNext(count, halted) {
  if (HALTED.has(halted)) return HALTED.get(halted);
  const what = count === 1 ? "One change is kept on this device. It is sent" : `${count} changes are kept on this device. They are sent in this order`;
  return `${what} as soon as the server can be reached.`;
}

/** @param {Row} row */
export async function waitingItem(row) {
  return `<li>${await head(row)}${row.trouble ? `<p class="reason">${trouble(row.trouble)}</p>` : ""}${discard(row)}</li>`;
}

/** @param {import("./outbox-row.js").Trouble} trouble */
function trouble({ status, since }) {
  const until = since + LONGEST_TROUBLE;
  return `Since ${timeOf(since)} the server has not been able to do this (${status}), and what comes after it waits. It is tried
until ${timeOf(until)}; then it is put aside here.`;
}

/** @param {number} ms */
function timeOf(ms) {
  const text = new Date(ms).toISOString();
  return `<time datetime="${text}">${text.slice(0, 16).replace("T", " ")} UTC</time>`;
}

/** @param {Row} row */
async function rejectedItem(row) {
  const { seq, refusal } = row;
  const link = refusal && refusal.body.byteLength > 0 ? ` <a href="${PATH.outbox}?answer=${seq}">What the server answered</a>` : "";
  const reason = `<p class="reason">${escape(refusal ? refusalText(refusal) : "")}${link}</p>`;
  return `<li>${await head(row)}${reason}${form("retry", "Send again", row)}${discard(row)}</li>`;
}

/** @param {Row} row */
async function head(row) {
  const text = await sentText(row);
  const shown = text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
  return `<h3>${escape(nameOf(row))}</h3><p class="status">${timeOf(row.time)}</p>
${shown === "" ? "" : `<p class="sent">${escape(shown)}</p>`}`;
}

/** Two steps, because it cannot be undone. @param {Row} row */
function discard(row) {
  return `<details><summary aria-label="${escape(`Discard: ${nameOf(row)}, number ${row.seq}`)}">Discard…</summary><p>It will be forgotten here. What a server has done already stays done.</p>${form("discard", "Discard for good", row)}</details>`;
}

/** A button; what it is for is read aloud with it. @param {keyof Acts} what @param {string} label @param {Row | ""} row */
function form(what, label, row) {
  const about = row === "" ? "" : ` aria-label="${escape(`${label}: ${nameOf(row)}, number ${row.seq}`)}"`;
  const seq = row === "" ? "" : `<input type="hidden" name="seq" value="${row.seq}">`;
  return `<form method="post" action="${PATH.outbox}">${seq}<button class="button" name="do" value="${what}"${about}>${label}</button></form>`;
}

/** @param {Row} row */
function nameOf({ method, path }) {
  return `${method} ${path}`;
}

/** @param {Request} request @param {Listed} listed */
async function exported(request, { waiting, rejected }) {
  const rows = [...waiting, ...rejected].map(async ({ seq, key, method, path, headers, time, state, body, refusal }) => ({
    ...{ seq, key, method, path, headers, state, time: new Date(time).toISOString(), body: await content(body) },
    ...(refusal && { refusal: { status: refusal.status, type: refusal.type, at: new Date(refusal.at).toISOString(), body: await content(refusal.body) } }),
  }));
  return answer(request, JSON.stringify(await Promise.all(rows), null, 1), "application/json", 200);
}
