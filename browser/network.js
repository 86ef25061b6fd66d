// @ts-check
/** How a request goes to an edge, and how the edge's answer reaches the page. */

import { HEADER } from "./protocol.js";
import { isChallenge } from "./prover.js";
import { asNobody, carrying, forEverybody } from "./reads.js";
import { rebuilt } from "./writes.js";

/** No edge has answered. */
export class NetworkFailure extends Error {}

const SAFE = new Set(["GET", "HEAD", "OPTIONS"]); // RFC 9110 section 9.2.1
const GATEWAY = new Set([502, 503, 504]); // what a proxy says in place of an edge that is gone

/** @param {string} method */
export function isSafe(method) {
  return SAFE.has(method);
}

/** Whether the page wants no cookies to be sent, nor any to be taken. @param {Request} request */
export function isAnonymous({ credentials }) {
  return credentials === "omit";
}

/**
 * @typedef {object} Sender   one request, as something that can be sent more than once
 * @property {boolean} safe
 * @property {number} size   bytes of the body
 * @property {(base: string, signal: AbortSignal) => Promise<Response | null>} send   `base`: what stands before the
 *   path, "" for our own origin. Null: that edge has nothing for this request. Rejects with `NetworkFailure`.
 */

/**
 * @param {object} parts
 * @param {import("./protocol.js").Fetch} parts.fetch
 * @param {ReturnType<typeof import("./prover.js").createProver>} parts.prover
 * @param {() => Promise<string>} parts.mintKey
 * @param {Pick<ReturnType<typeof import("./user.js").createUser>, "accept" | "refresh" | "session" | "isGuest">} parts.user
 * @returns {(request: Request, options?: {raw?: boolean}) => Promise<Sender>}   reads the body of a request that
 *   changes something. raw: answers come as the edge has given them, and nothing is learnt from them
 */
export function createNetwork({ fetch, prover, mintKey, user }) {
  /** @param {() => Promise<Response>} go */
  async function attempt(go) {
    const response = await go().catch((error) => {
      throw new NetworkFailure(String(error), { cause: error });
    });
    if (GATEWAY.has(response.status) && !response.headers.has(HEADER.host)) {
      response.body?.cancel().catch(() => {}); // nobody reads it, and it would keep its connection
      throw new NetworkFailure(`a gateway answered ${response.status}`);
    }
    return response;
  }

  /** @param {Request} request @param {() => Promise<Response>} go */
  async function own(request, go) {
    const response = await attempt(go);
    if (!isAnonymous(request)) await user.accept(response.headers.get(HEADER.view));
    return forPage(response);
  }

  /**
   * As it is, unless it goes with a session that is bound to this device. A request that is given any option
   * stops being what it was (a navigation, one with hints of the user agent), so it cannot be aborted: an answer that
   * comes too late is thrown away instead.
   *
   * @param {Request} request
   * @param {AbortSignal} signal
   */
  async function read(request, signal) {
    if (isAnonymous(request)) return fetch(request);
    const { ath, jkt } = await user.session();
    const proven = () => prover.send(request.url, carrying(request, signal), { ath });
    const isKnown = await prover.owns(jkt);
    const response = await (isKnown ? proven() : fetch(request));
    // A redirect that nobody but the browser may read is followed by nobody else.
    if (response.type === "opaqueredirect" && request.redirect !== "manual") return fetch(request);
    if (isKnown || !isChallenge(response)) return response;
    // The session is bound, and this worker has not heard of it.
    void response.body?.cancel();
    await user.refresh();
    return prover.send(request.url, carrying(request, signal), await user.session());
  }

  /**
   * An edge with another origin, which knows nobody. What somebody asks who is signed in stays at home, the address too.
   *
   * @param {Request} request
   * @param {string} base
   * @param {AbortSignal} signal
   */
  async function abroad(request, base, signal) {
    const init = asNobody(request, signal);
    if (init === null || !(await user.isGuest())) return null;
    const { pathname, search } = new URL(request.url);
    return forEverybody(await attempt(() => fetch(base + pathname + search, init)), request.url);
  }

  return async (request, { raw = false } = {}) => {
    if (isSafe(request.method)) {
      return {
        safe: true,
        size: 0,
        send: (base, signal) => (base === "" ? own(request, () => read(request, signal)) : abroad(request, base, signal)),
      };
    }
    const { init, size, write } = await rebuilt(request, mintKey);
    return {
      safe: false,
      size,
      send(_base, signal) {
        const go = async () => prover.send(request.url, { ...init, signal }, { ...(await user.session()), write });
        return raw ? attempt(go) : own(request, go);
      },
    };
  };
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
