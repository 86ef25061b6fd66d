// @ts-check
/** One write that waits for an edge: as it is kept, and as the request that it stands for. */

import { madeOf, standsFor } from "./as-sent.js";
import { HEADER } from "./protocol.js";
import { rebuilt } from "./writes.js";

/** What an outbox may hold. */
export const ROOM = Object.freeze({ rows: 1_000, bytes: 20_000_000 });

/** How long edges may have trouble with a write until it is put aside, so that those behind it can go on. */
export const LONGEST_TROUBLE = 24 * 3_600_000; // ms

const INLINE = 65_536; // bytes; below, a copy is cheaper than a file
// Rows lie on a disk, perhaps for days: who asks is added when they are sent.
const CREDENTIALS = ["authorization", "cookie", HEADER.proof, HEADER.client, HEADER.author, HEADER.sent];

/**
 * @typedef {object} Author   whose write it is
 * @property {string} sub
 * @property {string} sid
 * @property {boolean} guest
 * @property {string} [frm]   what marks the forms of the session: shows that it was this browser's
 *
 * @typedef {object} Draft
 * @property {string} key   its idempotency key; "": that is in the form
 * @property {string} bd   digest of its body, as proofs name it
 * @property {string} method
 * @property {string} path   with the query
 * @property {[string, string][]} headers   no credentials
 * @property {ArrayBuffer | Blob | null} body
 * @property {number} size   bytes of the body
 * @property {number} time   ms since 1970; when the user acted
 * @property {number} [wall]   the same, as this device's clock said it
 * @property {import("./as-sent.js").Made} [made]   how the page made it; rows of older releases do not say
 *
 * @typedef {object} Kept
 * @property {number} seq   their order
 * @property {Author} author
 * @property {string} effects   JSON of what it changes here, "" if that is not known
 * @property {import("./verdict.js").Outcome | null} foretold   how it was answered here
 * @property {number} shown   the status that the user has seen, whatever is foretold later
 * @property {string} release   id of the one that answered it
 * @property {string} basis   on what state both rest, "" if they have to be found out again
 * @property {number} tries   how often the app itself has failed at it
 * @property {Trouble} [trouble]   why no edge has had a last word yet, if it is this write that edges have trouble with
 * @property {"waiting" | "rejected"} state
 * @property {Refusal} [refusal]   only if it was rejected
 *
 * @typedef {{status: number, why: string, since: number}} Trouble   of the latest answer; since: ms since 1970
 * @typedef {{status: number, type: string, body: ArrayBuffer, at: number}} Refusal   type: of the body; at: ms since 1970
 * @typedef {Draft & Kept} Row
 */

/**
 * Reads the body of a request, which then must not be read again.
 *
 * @param {Request} request
 * @param {() => Promise<string>} mintKey
 * @param {Pick<ReturnType<typeof import("./clock.js").createClock>, "now" | "wall">} clock
 * @returns {Promise<Draft>}
 */
export async function draftOf(request, mintKey, clock) {
  const [time, wall] = [clock.now(), clock.wall()];
  const { init, size, write } = await rebuilt(request, mintKey);
  const headers = new Headers(init.headers);
  for (const name of CREDENTIALS) headers.delete(name);
  // What is sent later is no navigation, but the answer to it is to be the same.
  if (request.mode === "navigate") headers.set("upgrade-insecure-requests", "1");
  const blob = /** @type {Blob | null} */ (init.body ?? null);
  const { pathname, search } = new URL(request.url);
  return {
    key: write.ik,
    bd: write.bd,
    method: request.method,
    path: pathname + search,
    headers: [...headers],
    body: blob !== null && size <= INLINE ? await blob.arrayBuffer() : blob,
    size,
    time,
    wall,
    made: { ...madeOf(request), size },
  };
}

/**
 * The request, as apps are to see it wherever they run.
 *
 * @param {Draft & {author?: Author}} draft
 * @param {string} origin   the site's own
 * @param {number | null} [time]   ms since 1970; null for one that was not answered here
 */
export function requestOf({ method, path, headers, body, made, time: acted, author }, origin, time = acted) {
  const sent = new Headers(headers);
  if (time !== null) sent.set(HEADER.time, String(time));
  // What was made of the guest's name (ids, links) stays as it is, even if the next guest sends it.
  if (author?.guest && author.frm) sent.set(HEADER.author, `${author.sid}.${author.frm}`);
  return standsFor(new Request(new URL(path, origin), { method, headers: sent, body, mode: "same-origin", redirect: "manual" }), made);
}

/** A write of which nothing is known yet, here or at an edge. @param {string} release   id of the one that answers it */
export function untold(release) {
  return { state: /** @type {const} */ ("waiting"), release, tries: 0, shown: 0, foretold: null, effects: "", basis: "" };
}

/** Whether one is the other once more: a second click, or a form that was gone back to. @param {Draft} a @param {Draft} b */
export function isRepeated(a, b) {
  return a.key === b.key && a.bd === b.bd && a.method === b.method && a.path === b.path;
}

/**
 * Whether it is for whoever is here now to send a write. What a guest wrote whose session got lost, with its
 * cookies, could never be sent otherwise: it is the next guest's.
 *
 * @param {Row} row @param {Author | undefined} author   who is here now
 */
export function isBy({ author: { sub, guest } }, author) {
  return author !== undefined && (guest ? author.guest : sub === author.sub);
}

/** Whether there is room for one more. @param {Iterable<Row>} rows @param {number} size   bytes */
export function hasRoom(rows, size) {
  const sizes = Array.from(rows, (row) => row.size);
  return sizes.length < ROOM.rows && sizes.reduce((sum, one) => sum + one, size) <= ROOM.bytes;
}
