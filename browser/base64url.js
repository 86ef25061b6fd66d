// @ts-check
/** Base64url without padding (RFC 7515, section 2). */

/** @param {ArrayBuffer | Uint8Array} data */
export function encode(data) {
  const bytes = data instanceof Uint8Array ? data : new Uint8Array(data);
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** The one canonical reading, or null. @param {string} segment   of the right alphabet */
export function decode(segment) {
  if (segment.length % 4 === 1) return null;
  const binary = atob(segment.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  return encode(bytes) === segment ? bytes : null;
}
