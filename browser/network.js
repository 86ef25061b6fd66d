// @ts-check
/** How a request goes to an edge, and how the edge's answer reaches the page. */

import { HEADER } from "./protocol.js";
import { rebuilt } from "./writes.js";

/** No edge has answered. */
export class NetworkFailure extends Error {}

const SAFE = new Set(["GET", "HEAD", "OPTIONS"]); // RFC 9110 section 9.2.1
const GATEWAY = new Set([502, 503, 504]); // what a proxy says in place of an edge that is gone

/** @param {string} method */
export function isSafe(method) {
  return SAFE.has(method);
}

/**
 * @typedef {object} Sender   one request, as something that can be sent more than once
 * @property {boolean} safe
 * @property {number} size   bytes of the body
 * @property {(base: string, signal: AbortSignal) => Promise<Response>} send   `base`: what stands before the
 *   path, "" for our own origin. Rejects with `NetworkFailure`.
 */

/**
 * @param {object} parts
 * @param {import("./protocol.js").Fetch} parts.fetch
 * @param {() => Promise<string>} parts.mintKey
 * @param {(view: string | null) => Promise<void>} parts.acceptView
 * @returns {(request: Request) => Promise<Sender>}   reads the body of a request that changes something
 */
export function createNetwork({ fetch, mintKey, acceptView }) {
  /** @param {() => Promise<Response>} go */
  async function attempt(go) {
    const response = await go().catch((error) => {
      throw new NetworkFailure(String(error), { cause: error });
    });
    if (GATEWAY.has(response.status) && !response.headers.has(HEADER.host)) {
      throw new NetworkFailure(`a gateway answered ${response.status}`);
    }
    return response;
  }

  /** @param {() => Promise<Response>} go */
  async function own(go) {
    const response = await attempt(go);
    await acceptView(response.headers.get(HEADER.view));
    return forPage(response);
  }

  return async (request) => {
    const safe = isSafe(request.method);
    if (safe) {
      return {
        safe,
        size: 0,
        send: (base, signal) =>
          base === "" ? own(() => fetch(request, untouched(request, signal))) : attempt(() => abroad(fetch, request, base, signal)),
      };
    }
    const init = await rebuilt(request, mintKey);
    const size = init.body?.size ?? 0;
    return { safe, size, send: (_base, signal) => own(() => fetch(request.url, { ...init, signal })) };
  };
}

/**
 * What makes a request abortable and changes nothing else. A navigation that is given any option stops being
 * one, so it cannot be aborted: an answer that comes too late is thrown away instead.
 *
 * @param {Request} request
 * @param {AbortSignal} signal
 * @returns {RequestInit | undefined}
 */
function untouched(request, signal) {
  if (request.mode === "navigate") return undefined;
  return { signal, referrer: request.referrer, referrerPolicy: request.referrerPolicy };
}

/**
 * An edge with another origin: it gets no cookies, so it answers as for anybody.
 *
 * @param {import("./protocol.js").Fetch} fetch
 * @param {Request} request
 * @param {string} base
 * @param {AbortSignal} signal
 */
async function abroad(fetch, request, base, signal) {
  const { pathname, search } = new URL(request.url);
  const headers = new Headers();
  for (const name of ["accept", "accept-language"]) headers.set(name, request.headers.get(name) ?? "*");
  const { method } = request;
  const response = await fetch(base + pathname + search, { method, headers, signal, mode: "cors", credentials: "omit", redirect: "error" });
  return new Response(response.body, response); // without its address, which is none of ours
}

/** What the page gets: the real redirect, and no token. @param {Response} response */
function forPage(response) {
  const { headers: from } = response;
  const [status, location] = [from.get(HEADER.status), from.get(HEADER.location)];
  if (status === null && !from.has(HEADER.view)) return response;
  const headers = new Headers(from);
  for (const name of [HEADER.view, HEADER.status, HEADER.location]) headers.delete(name);
  if (status === null) {
    return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
  }
  if (location !== null) headers.set("location", location);
  return new Response(null, { status: Number(status), headers });
}
