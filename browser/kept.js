// @ts-check
/** What people read about writes that are kept on this device because nobody could be asked. */

import { PATH } from "./protocol.js";
import { sentText } from "./row-text.js";
import { answer, escape, kitPage, wayBack } from "./unavailable.js";

/** @typedef {Pick<import("./outbox-row.js").Row, "headers" | "body" | "time">} Written */

const LISTED = 5; // the newest
const SHOWN = 160; // characters of one

/** How many, and what becomes of them: HTML; "" if there are none. @param {readonly Written[]} rows   oldest first */
export async function keptNote(rows) {
  if (rows.length === 0) return "";
  const what = rows.length === 1 ? "What you did is kept on this device and is" : `The last ${rows.length} things that you did are kept on this device and are`;
  const items = await Promise.all(rows.slice(-LISTED).reverse().map(item));
  return `<p><strong>${what} sent as soon as there is a connection.</strong> You need not do it again.</p>
<ol class="cards">${items.join("")}</ol><p><a href="${PATH.outbox}">Everything that waits</a></p>`;
}

/**
 * The answer to a write that is kept and that nobody could run yet.
 *
 * @param {Request} request
 * @param {Written} row
 * @returns {Promise<Response>} 202 (RFC 9110 section 15.3.3)
 */
export async function keptAnswer(request, row) {
  if (request.mode !== "navigate") {
    const told = { status: "kept", detail: "It is kept on this device and sent as soon as there is a connection." };
    return answer(request, JSON.stringify(told), "application/json", 202);
  }
  return kitPage(request, "Kept on this device", `${await keptNote([row])}${wayBack(request)}`, 202);
}

/** @param {Written} row */
async function item(row) {
  const text = await sentText(row);
  const [at, shown] = [new Date(row.time).toISOString(), text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text];
  return `<li><p class="status"><time datetime="${at}">${at.slice(0, 16).replace("T", " ")} UTC</time></p>${shown === "" ? "" : `<p class="sent">${escape(shown)}</p>`}</li>`;
}
