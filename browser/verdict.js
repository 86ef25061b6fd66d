// @ts-check
/** What an edge's answer to a write of the outbox means. Pure. */

import { HEADER } from "./protocol.js";

/**
 * @typedef {"applied" | "replayed" | "rejected"} Verdict   replayed: it had been applied before
 * @typedef {{verdict: Verdict} | {again: string, after: number, failed?: boolean, own?: boolean}} Judgement   again: why
 *   there is no verdict yet; after: ms for which the edge wants to be left alone; failed: the app itself has failed;
 *   own: it is this write that edges have trouble with, as far as one can tell
 *
 * @typedef {object} Answer   complete
 * @property {number} status   the real one, of a redirect too
 * @property {Headers} headers
 * @property {ArrayBuffer} body
 *
 * @typedef {object} Outcome   what two answers to one request must have in common
 * @property {number} status
 * @property {string} location   "" if there is none
 * @property {string} digest   of the body
 * @property {string | null} state   JSON of the user's state afterwards; null: as before
 * @property {string} [body]   in development, to be shown
 */

const ENOUGH = 5; // failures of the app itself: the next one will not differ
const LATER = new Set([408, 425, 429, 502, 503, 504]);
const KIT = "urn:problem-type:edgekit:";
// Of a user who has to sign in again, and of an origin that is away: with any other write it would be the same.
const NOT_THE_WRITE = new Set(["device-proof", "device-required", "session-ended", "unauthorized", "origin-unavailable"]);
// Refusals that say something of who asks or when, not of what was asked.
const NOT_YET = new Set(["version-conflict", "device-proof", "device-required", "session-ended", "unauthorized"]);

/**
 * Whether an answer is the last word. Only what an edge says counts: a proxy, a portal of a hotel or a server
 * that is going down answers as well.
 *
 * @param {Answer} answer
 * @param {number} tries   failures of the app itself so far
 * @returns {Judgement}
 */
export function judge({ status, headers, body }, tries) {
  if (!headers.has(HEADER.host)) return again(`an answer ${status} that no edge has given`, headers);
  if (status < 400) return { verdict: headers.get(HEADER.replayed) === "true" ? "replayed" : "applied" };
  const { type = "", retryable = false } = problemOf(headers, body) ?? {};
  const code = type.startsWith(KIT) ? type.slice(KIT.length) : "";
  if (status === 401 || LATER.has(status) || NOT_YET.has(code) || retryable === true) {
    return { ...again(code || `an answer ${status}`, headers), own: status !== 401 && !NOT_THE_WRITE.has(code) };
  }
  if (status >= 500 && tries + 1 < ENOUGH) return { ...again(code || `an answer ${status}`, headers), failed: true, own: true };
  return { verdict: "rejected" };
}

/** @param {string} why @param {Headers} headers */
function again(why, headers) {
  const seconds = Number(headers.get("retry-after") ?? 0); // a date, which nobody sends here, counts as none
  return { again: why, after: seconds > 0 ? seconds * 1000 : 0 };
}

/**
 * A problem document (RFC 9457), if that is what an answer holds.
 *
 * @param {Headers} headers
 * @param {ArrayBuffer} body
 * @returns {{type?: string, title?: string, detail?: string, retryable?: boolean} | undefined}
 */
export function problemOf(headers, body) {
  if (!/^application\/problem\+json\b/i.test(headers.get("content-type") ?? "")) return undefined;
  try {
    const value = JSON.parse(new TextDecoder().decode(body));
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * How the edge's outcome differs from what was foretold, a line for each difference.
 *
 * @param {Outcome} foretold
 * @param {Outcome} found
 * @returns {string[]}
 */
export function differences(foretold, found) {
  /** @type {[string, unknown, unknown][]} */
  const pairs = [
    ["status", foretold.status, found.status],
    ["location", foretold.location, found.location],
    ["state", canonical(foretold.state), canonical(found.state)],
  ];
  const lines = pairs.filter(([, here, there]) => here !== there).map(([what, here, there]) => `${what}: here ${here}, at the edge ${there}`);
  if (foretold.digest !== found.digest) lines.push(`body: ${firstDifference(foretold.body, found.body)}`);
  return lines;
}

/** @param {string} [here] @param {string} [there] */
function firstDifference(here, there) {
  if (here === undefined || there === undefined) return "not the same";
  const [ours, theirs] = [here.split("\n"), there.split("\n")];
  const at = ours.findIndex((line, i) => line !== theirs[i]);
  const line = at < 0 ? ours.length : at;
  return `line ${line + 1}: here ${JSON.stringify(ours[line] ?? "")}, at the edge ${JSON.stringify(theirs[line] ?? "")}`;
}

/** The same text for the same JSON, however it is written. @param {string | null} json */
function canonical(json) {
  const sorted = (/** @type {string} */ _key, /** @type {any} */ value) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value;
  return json === null ? "as before" : JSON.stringify(JSON.parse(json), sorted);
}
