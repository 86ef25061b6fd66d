// @ts-check
/**
 * Proofs that a request comes from the device to which its session is bound (DPoP, RFC 9449). Beyond the RFC they
 * name the query, and for a request that changes something its idempotency key and the digest of its body.
 * Counterpart: edge/proof.py.
 */

import { encode } from "./base64url.js";

const HASH = "SHA-256";
const PIECE = 1_048_576; // bytes

/**
 * @typedef {object} Facts   about one request
 * @property {string} method
 * @property {string} url   absolute
 * @property {string} jti   never used before
 * @property {number} at   ms since 1970
 * @property {string | undefined} nonce   what an edge gave out last
 * @property {string} ath   its session (see `sessionHash`), "" if none is known
 * @property {Write | undefined} write   only if it changes something
 *
 * @typedef {{ik: string, bd: string}} Write   ik: its idempotency key, "" if that is in the form; bd: `bodyDigest`
 */

/**
 * The value of the header `DPoP`.
 *
 * @param {import("./device-key.js").DeviceKey} key
 * @param {Facts} facts
 */
export async function makeProof({ privateKey, jwk }, { method, url, jti, at, nonce, ath, write }) {
  const { origin, pathname, search } = new URL(url);
  const htu = origin + pathname;
  const session = ath === "" ? undefined : ath;
  const claims = { jti, htm: method, htu, htq: search.slice(1), iat: Math.floor(at / 1000), nonce, ath: session, ...write };
  const message = `${segment({ alg: "ES256", jwk, typ: "dpop+jwt" })}.${segment(claims)}`;
  const signature = await crypto.subtle.sign({ name: "ECDSA", hash: HASH }, privateKey, bytes(message));
  return `${message}.${encode(signature)}`;
}

/** A session as proofs name it: its id would say more than they need. @param {string} sid */
export async function sessionHash(sid) {
  return encode(await crypto.subtle.digest(HASH, bytes(sid)));
}

/**
 * SHA-256 over the SHA-256 digests of the body's pieces of 1 MiB, since WebCrypto cannot hash a stream.
 *
 * @param {Blob | null} body
 */
export async function bodyDigest(body) {
  /** @type {ArrayBuffer[]} */
  const digests = [];
  for (let at = 0; body !== null && at < body.size; at += PIECE) {
    digests.push(await crypto.subtle.digest(HASH, await body.slice(at, at + PIECE).arrayBuffer()));
  }
  return encode(await crypto.subtle.digest(HASH, await new Blob(digests).arrayBuffer()));
}

/** @param {object} value   undefined members are left out */
function segment(value) {
  return encode(bytes(JSON.stringify(value)));
}

/** @param {string} text */
function bytes(text) {
  return new TextEncoder().encode(text);
}
