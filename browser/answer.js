// @ts-check
/** Who answers a request: the release, the local host, an edge, or, when nobody can, an honest page. */

import { DEADLINE, HEADER } from "./protocol.js";
import { NetworkFailure, isSafe } from "./network.js";
import { fixedRoutes, match, storedPath } from "./placement.js";
import { unavailable } from "./unavailable.js";

/**
 * @param {object} parts
 * @param {string} parts.origin   the site's own origin
 * @param {() => Promise<import("./release.js").Release | undefined>} parts.release   undefined: not there (any more)
 * @param {import("./local-host.js").LocalHost} parts.host
 * @param {() => Promise<unknown>} parts.startSoon   start the local host when it disturbs nobody
 * @param {() => Promise<string | undefined>} parts.view
 * @param {(request: Request) => Promise<Response>} parts.network
 * @returns {(request: Request, later: (work: Promise<unknown>) => void) => Promise<Response>}
 *   `later` keeps the worker alive for work that the answer does not wait for
 */
export function createAnswer({ origin, release, host, startSoon, view, network }) {
  /** @param {Request} request */
  const locally = async (request) => host.answer(request, await view());

  /** @param {Request} request */
  async function fromEdge(request) {
    try {
      return await network(request);
    } catch (error) {
      if (error instanceof NetworkFailure) return null;
      throw error;
    }
  }

  return async (request, later) => {
    const found = await release();
    if (found === undefined) {
      later(startSoon()); // fetches it again
      return (await fromEdge(request)) ?? unavailable(request, []);
    }
    const { manifest, read } = found;
    const url = new URL(request.url);
    const placement = match(manifest, request.method, url, origin);
    const stored = storedPath(manifest, url.pathname);
    if (placement === "static" && stored !== undefined && !request.headers.has("range")) {
      return file(await read(stored), request);
    }
    const local = placement === "anywhere" && isSafe(request.method);
    const ready = host.ready();
    if (local && !ready) later(startSoon());
    return (
      (local && ready ? await locally(request) : null) ??
      (await fromEdge(request)) ??
      // The edge is gone: a host that was still booting is worth waiting for.
      (local && !ready && (await soon(host.start())) ? await locally(request) : null) ??
      unavailable(request, host.ready() ? fixedRoutes(manifest) : [])
    );
  };
}

/** @param {Response} stored @param {Request} request */
function file(stored, request) {
  const headers = new Headers(stored.headers);
  headers.set("x-content-type-options", "nosniff");
  headers.set(HEADER.host, "browser");
  return new Response(request.method === "HEAD" ? null : stored.body, { headers });
}

/** `work`, or false at the deadline. @param {Promise<boolean>} work @returns {Promise<boolean>} */
function soon(work) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(false), DEADLINE.boot);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
