// @ts-check
/**
 * Checks view tokens: compact JWS, ES256, signed by an edge (RFC 7515, RFC 8725). Counterpart of the
 * checker in edge/tokens.py, but for time: an old view still tells what the user last saw.
 */

import { decode } from "./base64url.js";

/**
 * @typedef {object} Claims
 * @property {string} sub   whose view it is
 * @property {string} sid   id of the session
 * @property {boolean} guest   whether nobody has signed in
 * @property {Record<string, unknown>} usr   what the app has said about the user
 * @property {string} [jkt]   thumbprint of the device key that the session is bound to
 * @property {string} frm   secret behind the keys of this user's forms
 * @property {number} ver   counts changes
 * @property {string[]} keys   newest idempotency keys whose effect is in `state`
 * @property {Record<string, unknown>} state
 * @property {number} iat   seconds
 * @property {number} exp   seconds
 *
 * @typedef {{claims: Claims, json: string}} View   `json` is the payload as it was signed: Python parses it
 *   itself, because JavaScript would round its numbers
 *
 * @typedef {(kid: string) => Promise<CryptoKey | undefined>} KeyFinder
 */

const TOKEN_LIMIT = 4096; // bytes
const VIEW_TYPE = "edgekit-view+jwt";
const VIEW_LIFE = 1_209_600; // seconds
const REFETCH_AFTER = 60_000; // ms between two tries to learn an unknown key

const ES256 = { name: "ECDSA", namedCurve: "P-256" };
const ID = /^[A-Za-z0-9_-]{22}$/; // 128 bits
const THUMBPRINT = /^[A-Za-z0-9_-]{43}$/;
const KID = /^[A-Za-z0-9_-]{1,43}$/;
const TOKEN = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{86}$/; // 86 digits are 64 bytes

/**
 * The view in a good token; null for every other input.
 *
 * @param {string} token
 * @param {KeyFinder} findKey
 * @returns {Promise<View | null>}
 */
export async function verifyView(token, findKey) {
  if (token.length > TOKEN_LIMIT || !TOKEN.test(token)) return null;
  const [head = "", payload = "", mark = ""] = token.split(".");
  const [header, body, signature] = [decode(head), decode(payload), decode(mark)];
  if (!header || !body || !signature) return null;
  const kid = keyId(text(header));
  const key = kid === null ? undefined : await findKey(kid);
  if (key === undefined) return null;
  const message = new TextEncoder().encode(`${head}.${payload}`);
  if (!(await crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, key, signature, message))) return null;
  const json = text(body);
  const claims = json === null ? null : parse(json);
  return json !== null && isClaims(claims) ? { claims, json } : null;
}

/**
 * Finds keys in the set that the edges publish. An unknown key id fetches the set again, once a minute at
 * most, so that made-up ids cannot make it busy.
 *
 * @param {() => Promise<{keys: (JsonWebKey & {kid?: string})[]}>} fetchSet
 * @param {() => number} now   ms
 * @returns {KeyFinder}
 */
export function keyRing(fetchSet, now) {
  /** @type {Map<string, CryptoKey>} */
  let keys = new Map();
  let asked = Number.NEGATIVE_INFINITY;
  /** @type {Promise<void>} */
  let flight = Promise.resolve();

  async function refresh() {
    try {
      const { keys: set } = await fetchSet();
      const entries = set.map(async ({ kid = "", kty, crv, x, y }) => {
        const key = await crypto.subtle.importKey("jwk", { kty, crv, x, y }, ES256, false, ["verify"]);
        return /** @type {const} */ ([kid, key]);
      });
      keys = new Map(await Promise.all(entries));
    } catch {
      asked = Number.NEGATIVE_INFINITY; // nothing was learnt: the next question may ask again
    }
  }

  return async (kid) => {
    if (!keys.has(kid) && now() - asked >= REFETCH_AFTER) {
      asked = now();
      flight = refresh();
    }
    if (!keys.has(kid)) await flight;
    return keys.get(kid);
  };
}

/**
 * The key id of a header with exactly the expected members. They are compared as text: that leaves no
 * room for further, repeated or reordered ones.
 *
 * @param {string | null} header
 */
function keyId(header) {
  const found = header === null ? null : parse(header);
  const kid = isObject(found) ? found.kid : undefined;
  if (typeof kid !== "string" || !KID.test(kid)) return null;
  return header === JSON.stringify({ alg: "ES256", kid, typ: VIEW_TYPE }) ? kid : null;
}

/** @param {unknown} value @returns {value is Claims} */
function isClaims(value) {
  if (!isObject(value)) return false;
  const { sub, sid, guest, usr, jkt, frm, ver, keys, state, iat, exp } = value;
  if (typeof sub !== "string" || !matches(ID, sid) || typeof guest !== "boolean" || !isObject(usr)) return false;
  if (!matches(ID, frm) || (jkt !== undefined && !matches(THUMBPRINT, jkt))) return false;
  if (!Number.isSafeInteger(ver) || !isObject(state)) return false;
  if (!Array.isArray(keys) || !keys.every((key) => typeof key === "string")) return false;
  if (!Number.isSafeInteger(iat) || !Number.isSafeInteger(exp)) return false;
  const life = Number(exp) - Number(iat);
  return life > 0 && life <= VIEW_LIFE;
}

/** @param {RegExp} pattern @param {unknown} value */
function matches(pattern, value) {
  return typeof value === "string" && pattern.test(value);
}

/** @param {unknown} value @returns {value is Record<string, unknown>} */
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @param {string} json @returns {unknown} */
function parse(json) {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}

/** Strict UTF-8. @param {Uint8Array} bytes */
function text(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}
