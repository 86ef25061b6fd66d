// @ts-check
/** What the app's host may ask of the browser. Counterpart: edge/hosts/_js.py. */

import { flatHeaders, parseHeaders } from "./bridge.js";
import { isEdges, isEdgesJson, isWhole } from "./genuine.js";
import { inTime } from "./in-time.js";
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
 *   files?: Record<string, string>, now?: () => number}} platform
 *   `onPersonal`: the network has told Python something about the user that is not kept. `files`: the manifest's static files
 * @returns {import("./protocol.js").Services}
 */
export function createServices({ development, files = {}, onPersonal = () => {}, now = () => Date.now(), asUser, personal, ...platform }) {
  return {
    config: JSON.stringify({ origin: true, keys: null, development, static: files }),
    now,
    publicFetch: publicWay(platform),
    async userFetch(method, target, headers) {
      if (method !== "GET") return UNREACHABLE; // only an edge may write
      const [path, name] = [EDGE + target, (await personal?.who()) ?? ""];
      const reply = await readRecord(asUser ?? platform.fetch, path, parseHeaders(headers));
      if (reply[0] !== 0 && reply[0] < 500) {
        // What is kept is there the next time too, whether there is a network or not.
        if (reply[0] === 200 && name !== "") void personal?.keep(name, path, copyOf(reply));
        else onPersonal();
        return reply;
      }
      const kept = await personal?.find(name, path);
      return kept === undefined ? reply : replyOf(kept);
    },
  };
}

/**
 * The way to what is the same for everybody and may be kept: GET without credentials. Network first; the kept
 * answer serves while there is no network, or if that is slow. What has not changed is not transferred again.
 *
 * @param {Platform} platform
 * @returns {import("./protocol.js").Services["publicFetch"]}
 */
function publicWay({ fetch, caches }) {
  /**
   * What is on its way, by path, and for which tag it was asked. On a slow link it arrives when those who asked
   * have given up; then it is kept for the next.
   *
   * @type {Map<string, {known: string, reply: Promise<Reply | undefined>}>}
   */
  const flights = new Map();

  /** @param {string} path @param {string} known @param {Cache} cache @returns {Promise<Reply | undefined>} */
  async function ask(path, known, cache) {
    try {
      /** @param {RequestCredentials} credentials */
      const get = (credentials) =>
        fetch(path, {
          headers: known ? { "if-none-match": known } : {},
          credentials,
          cache: "no-store",
          redirect: "error",
          signal: AbortSignal.timeout(DEADLINE.network),
        });
      const first = await get("omit");
      // A proxy in front that asks everybody for a password is no edge; an edge makes nothing of who asks for this.
      const isGuarded = first.status === 401 && !isEdges(first);
      if (isGuarded) void first.body?.cancel().catch(() => {});
      const response = isGuarded ? await get("same-origin") : first;
      const reply = await replyOf(response);
      const { status, headers } = response;
      if (status === 304 && isEdges(response)) return reply;
      if (!isEdgesJson(response) || (status !== 200 && status !== 404) || !isWhole(headers, reply[2])) return undefined;
      if (status === 200 && isShareable(headers)) await cache.put(path, copyOf(reply)).catch(() => {});
      if (status === 404) await cache.delete(path);
      return reply;
    } catch {
      return undefined;
    }
  }

  return async (path, etag) => {
    const cache = await caches.open(CATALOG_CACHE);
    const kept = await cache.match(EDGE + path);
    const tag = kept?.headers.get("etag") ?? "";
    const flight = flights.get(path) ?? begin(path, etag || tag, cache); // a new interpreter holds nothing yet
    const reply = await inTime(flight.reply, DEADLINE.catalog, undefined);
    if (reply !== undefined && (reply[0] !== 304 || same(flight.known, etag))) return reply;
    if (kept === undefined || (reply !== undefined && !same(flight.known, tag))) return UNREACHABLE;
    return same(tag, etag) ? [304, flatHeaders(kept.headers), new Uint8Array()] : replyOf(kept);
  };

  /** @param {string} path @param {string} known @param {Cache} cache */
  function begin(path, known, cache) {
    const flight = { known, reply: ask(EDGE + path, known, cache).finally(() => flights.delete(path)) };
    flights.set(path, flight);
    return flight;
  }
}

/** By weak comparison (RFC 9110 section 8.8.3.2), because compression weakens a tag. @param {string} tag @param {string | undefined} other */
function same(tag, other) {
  return Boolean(other) && tag.replace(/^W\//, "") === other?.replace(/^W\//, "");
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
    const reply = await replyOf(response);
    return isEdgesJson(response) && isWhole(response.headers, reply[2]) ? reply : UNREACHABLE;
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
