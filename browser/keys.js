// @ts-check
/** Idempotency keys: a new one, or the one that a form brings along. */

import { encode } from "./base64url.js";
import { KEY_FIELD } from "./protocol.js";

const PIECE = 1_048_576; // bytes
const LATIN1 = new TextDecoder("latin1");
const FORM = /^(application\/x-www-form-urlencoded|multipart\/form-data)\b/i;

/**
 * A key that no other request of any browser has: 16 random bytes, kept, and a number that only grows.
 *
 * @param {import("./store.js").Store} store
 */
export async function mintKey(store) {
  const { id, seq } = await store.update("client", (old) => ({ id: old?.id ?? randomId(), seq: (old?.seq ?? 0) + 1 }));
  return `${id}.${seq}`;
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
