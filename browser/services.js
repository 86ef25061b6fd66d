// @ts-check
/** What the app's host may ask of the browser. Counterpart: edge/hosts/_js.py. */

import { flatHeaders, parseHeaders } from "./bridge.js";
import { CATALOG_CACHE, DEADLINE } from "./protocol.js";

/** @typedef {import("./protocol.js").Reply} Reply */
/** @typedef {{fetch: import("./protocol.js").Fetch, caches: CacheStorage}} Platform */
/** @typedef {(path: string, init: RequestInit) => Promise<Response>} AsUser   sends a proof of this device along */
/** @typedef {ReturnType<typeof import("./personal.js").createPersonal>} Personal */

const EDGE = "/_edge";
/** @type {Reply} */
const UNREACHABLE = [0, "", new Uint8Array()];

/**
 * @param {Platform & {asUser?: AsUser, personal?: Personal, development: boolean, onPersonal?: () => void,
 *   files?: Record<string, string>}} platform
 *   `onPersonal`: the network has told Python something about the user. `files`: the manifest's static files
 * @returns {import("./protocol.js").Services}
 */
export function createServices({ development, files = {}, onPersonal = () => {}, asUser, personal, ...platform }) {
  return {
    config: JSON.stringify({ origin: true, keys: null, development, static: files }),
    publicFetch: (path, etag) => publicFetch(platform, EDGE + path, etag),
    async userFetch(method, target, headers) {
      if (method !== "GET") return UNREACHABLE; // only an edge may write
      const [path, name] = [EDGE + target, (await personal?.who()) ?? ""];
      const reply = await readRecord(asUser ?? platform.fetch, path, parseHeaders(headers));
      if (reply[0] !== 0 && reply[0] < 500) {
        onPersonal();
        if (reply[0] === 200) void personal?.keep(name, path, copyOf(reply));
        return reply;
      }
      const kept = await personal?.find(name, path);
      return kept === undefined ? reply : replyOf(kept);
    },
  };
}

/**
 * GET without credentials: what comes back is the same for everybody and may be kept. Network first; the
 * kept answer serves while there is no network.
 *
 * @param {Platform} platform
 * @param {string} path
 * @param {string | undefined} etag
 * @returns {Promise<Reply>}
 */
async function publicFetch({ fetch, caches }, path, etag) {
  const cache = await caches.open(CATALOG_CACHE);
  try {
    const response = await fetch(path, {
      headers: etag ? { "if-none-match": etag } : {},
      credentials: "omit",
      cache: "no-store",
      redirect: "error",
      signal: AbortSignal.timeout(DEADLINE.catalog),
    });
    const reply = await replyOf(response);
    if (response.status < 500) {
      if (response.status === 200 && isShareable(response.headers)) await cache.put(path, copyOf(reply));
      return reply;
    }
  } catch {
    // Fall through to what is kept.
  }
  const kept = await cache.match(path);
  if (kept === undefined) return UNREACHABLE;
  if (etag && kept.headers.get("etag") === etag) return [304, flatHeaders(kept.headers), new Uint8Array()];
  return replyOf(kept);
}

/**
 * GET as the user, whom the edge knows by a cookie.
 *
 * @param {AsUser} asUser
 * @param {string} path
 * @param {Headers} headers
 * @returns {Promise<Reply>}
 */
async function readRecord(asUser, path, headers) {
  try {
    const response = await asUser(path, {
      headers,
      credentials: "same-origin",
      cache: "no-store",
      redirect: "error",
      signal: AbortSignal.timeout(DEADLINE.catalog),
    });
    return await replyOf(response);
  } catch {
    return UNREACHABLE;
  }
}

/** @param {Response} response @returns {Promise<Reply>} */
async function replyOf(response) {
  return [response.status, flatHeaders(response.headers), new Uint8Array(await response.arrayBuffer())];
}

/** @param {Reply} reply */
function copyOf([status, headers, body]) {
  return new Response(/** @type {Uint8Array<ArrayBuffer>} */ (body), { status, headers: parseHeaders(headers) });
}

/** @param {Headers} headers */
function isShareable(headers) {
  return !/\b(private|no-store)\b/i.test(headers.get("cache-control") ?? "") && headers.get("vary") !== "*";
}
