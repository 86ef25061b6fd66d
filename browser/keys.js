// @ts-check
/** Idempotency keys: a new one, or the one that a form brings along. */

import { encode } from "./base64url.js";
import { KEY_FIELD } from "./protocol.js";

const BLOCK = 32; // numbers
const PIECE = 1_048_576; // bytes
const LATIN1 = new TextDecoder("latin1");
const FORM = /^(application\/x-www-form-urlencoded|multipart\/form-data)\b/i;

/**
 * Makes keys that no other request of any browser has: 16 random bytes, kept, and a number that only grows. Numbers
 * come from the disk in blocks, because each write there costs time; what a worker leaves of its block is skipped.
 *
 * @param {import("./store.js").Store} store
 * @returns {() => Promise<string>}
 */
export function keyMint(store) {
  const used = { id: "", next: 0, last: -1 };
  /** @type {Promise<unknown>} */
  let turn = Promise.resolve();

  async function mint() {
    if (used.next > used.last) {
      const { id, seq } = await store.update("client", (old) => ({ id: old?.id ?? randomId(), seq: (old?.seq ?? 0) + BLOCK }));
      Object.assign(used, { id, next: seq - BLOCK + 1, last: seq });
    }
    return `${used.id}.${used.next++}`;
  }

  return () => {
    // Where nothing can be kept (a full disk) a random key has to do. It is as good, as long as origins keep outcomes.
    const key = turn.then(mint).catch(randomId);
    turn = key;
    return key;
  };
}

/** 128 random bits, in 22 characters. */
export function randomId() {
  return encode(crypto.getRandomValues(new Uint8Array(16)));
}

/**
 * Whether a form has a key of its own: that is the same on a double click, one from here would not be.
 * Looked for as text, piece by piece: a form may carry a large file.
 *
 * @param {Headers} headers
 * @param {Blob} body
 */
export async function hasFormKey(headers, body) {
  const type = headers.get("content-type") ?? "";
  if (!FORM.test(type)) return false;
  const boundary = /boundary="?([^";]+)/i.exec(type)?.[1];
  const field = boundary ? `--${boundary}\r\nContent-Disposition: form-data; name="${KEY_FIELD}"\r\n` : `&${KEY_FIELD}=`;
  let kept = boundary ? "" : "&";
  for (let at = 0; at < body.size; at += PIECE) {
    const text = kept + LATIN1.decode(await body.slice(at, at + PIECE).arrayBuffer());
    if (text.includes(field)) return true;
    kept = text.slice(-field.length);
  }
  return false;
}
