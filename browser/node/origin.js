// @ts-check
/** What the app's host may ask of Node.js: the origin. Counterpart: edge/hosts/_js.py. */

import { flatHeaders, parseHeaders } from "../bridge.js";

/** @typedef {import("../protocol.js").Reply} Reply */

const TIMEOUT = 10_000; // ms

/**
 * @param {string | undefined} origin   base URL
 * @param {object} config   see `Services.config`
 * @returns {import("../protocol.js").Services}
 */
export function originServices(origin, config) {
  const base = origin?.replace(/\/+$/, "");
  return {
    config: JSON.stringify(config),
    publicFetch: (path, etag) => ask(base, path, { headers: etag ? { "if-none-match": etag } : {} }),
    async userFetch(method, target, headers, body) {
      /** @type {RequestInit} */
      const call = { method, headers: parseHeaders(headers) };
      if (body !== undefined && body.byteLength > 0) call.body = /** @type {Uint8Array<ArrayBuffer>} */ (body);
      const reply = await ask(base, target, call);
      // Reads and keyed commits may be repeated, so a connection that broke costs one more try.
      return reply === UNAVAILABLE ? ask(base, target, call) : reply;
    },
  };
}

/** An answer of ours in place of the origin's. @type {Reply} */
const UNAVAILABLE = [
  503,
  "content-type\0application/problem+json",
  new TextEncoder().encode(JSON.stringify({ code: "origin-unavailable", status: 503 })),
];

/** @param {string | undefined} base @param {string} target @param {RequestInit} call @returns {Promise<Reply>} */
async function ask(base, target, call) {
  if (base === undefined) return UNAVAILABLE;
  try {
    const response = await fetch(base + target, { ...call, redirect: "error", signal: AbortSignal.timeout(TIMEOUT) });
    return [response.status, flatHeaders(response.headers), new Uint8Array(await response.arrayBuffer())];
  } catch {
    return UNAVAILABLE;
  }
}
