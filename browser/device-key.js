// @ts-check
/**
 * The key of this device: made once, on first need. It cannot be exported, not even by us: IndexedDB keeps the
 * `CryptoKey` itself. Sessions that are bound to it are of no use to whoever steals their cookies.
 */

import { encode } from "./base64url.js";

const ES256 = { name: "ECDSA", namedCurve: "P-256" };
const KEPT = "device";

/**
 * @typedef {{crv: string, kty: string, x: string, y: string}} PublicKey   its members in the order of RFC 7638
 * @typedef {{privateKey: CryptoKey, jwk: PublicKey, jkt: string}} DeviceKey   jkt: thumbprint (RFC 7638)
 */

/**
 * A way to this device's key. It gives undefined where no key can be kept: one that is lost with the worker
 * would take the sessions with it that were bound to it.
 *
 * @param {import("./store.js").Store} store
 * @returns {() => Promise<DeviceKey | undefined>}   never rejects
 */
export function createDeviceKey(store) {
  /** @type {Promise<DeviceKey | undefined> | undefined} */
  let key;
  return async () => {
    key ??= findOrMake(store).catch(() => undefined);
    const found = await key;
    if (found === undefined) key = undefined; // perhaps the database was only late
    return found;
  };
}

/** The key that is there. @param {import("./store.js").Store} store @returns {Promise<DeviceKey | undefined>} */
export async function findDeviceKey(store) {
  const kept = await store.get(KEPT);
  return isDeviceKey(kept) ? kept : undefined;
}

/** @param {import("./store.js").Store} store */
async function findOrMake(store) {
  const found = await findDeviceKey(store);
  if (found !== undefined || !(await store.lasts())) return found;
  const made = await make();
  // A page, or the worker of another release, may have been quicker.
  return store.update(KEPT, (old) => (isDeviceKey(old) ? old : made));
}

/** @returns {Promise<DeviceKey>} */
async function make() {
  const pair = await crypto.subtle.generateKey(ES256, false, ["sign", "verify"]);
  const { crv = "", kty = "", x = "", y = "" } = await crypto.subtle.exportKey("jwk", pair.publicKey);
  const jwk = { crv, kty, x, y };
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(JSON.stringify(jwk)));
  return { privateKey: pair.privateKey, jwk, jkt: encode(digest) };
}

/** Script of a page can write to IndexedDB. @param {any} value @returns {value is DeviceKey} */
function isDeviceKey(value) {
  return value?.privateKey instanceof CryptoKey && !value.privateKey.extractable && typeof value.jkt === "string";
}
