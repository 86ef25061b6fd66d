// @ts-check
/** Request → the app's `handle` → Response. Counterpart: edge/hosts/bridge.py. */

import { bodyOf } from "./request-body.js";

/** @typedef {import("./protocol.js").Reply} Reply */

/** Statuses whose answers have no body (Fetch standard, "null body status"). */
const NO_BODY = new Set([101, 103, 204, 205, 304]);

export const AHEAD = 262_144; // bytes that an answer may be ahead of its reader
export const LIGHTEST = 1_024; // bytes that the smallest part counts as, so that parts without end stop too
const UNREAD = 8; // parts of a body that HEAD does not get, until the app hears that nobody reads it

/**
 * @typedef {object} Work   a request that Python has not finished
 * @property {(response: Response | null) => void} resolve
 * @property {(reason: Error) => void} reject
 * @property {boolean} bodiless
 * @property {boolean} open   the answer is not complete, and somebody waits for it
 * @property {boolean} full   Python waits until the reader has caught up
 * @property {number} unread
 * @property {import("./request-body.js").RequestBody} body
 * @property {ReadableStreamDefaultController<Uint8Array>} [controller]
 * @property {() => void} release   forget the listener on the signal
 * @property {() => void} [finish]   the app's work has ended, what it does in the background too
 */

/**
 * Make the function that answers requests. It resolves to null when this host lacks what the request
 * needs (escalate), rejects with the reason of `signal` when that is aborted before there is an answer,
 * and with anything else when the host itself is broken. `later` gets a promise that lasts as long as the
 * app works on the request: while its answer is read, and on what it does after that.
 *
 * @param {import("./protocol.js").Entry} app
 * @param {(request: Request) => [name: string, value: string][]} [added]   headers that the request itself does not show
 * @returns {(request: Request, view?: string, signal?: AbortSignal, later?: (work: Promise<void>) => void) => Promise<Response | null>}
 */
export function createBridge({ handle, cancel, feed, resume }, added = () => []) {
  /** @type {Map<number, Work>} */
  const live = new Map();
  let last = 0;

  /** @param {Work} work */
  function close(work) {
    work.open = false;
    work.release();
  }

  /** @type {import("./protocol.js").Port} */
  const port = {
    head(id, status, headers) {
      const work = live.get(id);
      if (!work?.open) return;
      if (status === 0) {
        close(work);
        work.resolve(null);
        return;
      }
      const body = work.bodiless || NO_BODY.has(status) ? null : stream(id, work);
      const response = responseOf(body, status, headers);
      if (response === null) leave(id, work);
      work.resolve(response);
    },

    chunk(id, bytes, more) {
      const work = live.get(id);
      if (!work?.open) return true;
      const { controller } = work;
      if (bytes !== undefined && bytes.byteLength > 0) controller?.enqueue(bytes);
      if (more) {
        if (controller === undefined && ++work.unread > UNREAD) leave(id, work);
        work.full = controller !== undefined && (controller.desiredSize ?? 0) <= 0;
        return !work.full;
      }
      close(work);
      controller?.close();
      return true;
    },

    want(id) {
      const work = live.get(id);
      work?.body
        .next()
        .then((part) => live.has(id) && feed(id, part, part !== undefined))
        .catch((reason) => abort(id, reason));
    },

    done(id) {
      const work = live.get(id);
      if (work === undefined) return;
      if (work.open) {
        close(work);
        work.controller?.error(new Error("the app broke its answer off"));
      }
      forget(id, work);
    },
  };

  /** @param {number} id @param {Work} work */
  function forget(id, work) {
    live.delete(id);
    work.body.cancel();
    work.finish?.();
  }

  /** @param {number} id @param {Work} work @returns {ReadableStream<Uint8Array<ArrayBuffer>>} */
  function stream(id, work) {
    return new ReadableStream(
      {
        start(controller) {
          work.controller = controller;
        },
        pull() {
          if (!work.full) return;
          work.full = false;
          resume(id);
        },
        cancel() {
          if (work.open) leave(id, work);
        },
      },
      { highWaterMark: AHEAD, size: (part) => Math.max(part.byteLength, LIGHTEST) },
    );
  }

  /** Nobody reads the answer (any more). @param {number} id @param {Work} work */
  function leave(id, work) {
    close(work);
    cancel(id);
  }

  /** @param {number} id @param {Error} reason */
  function abort(id, reason) {
    const work = live.get(id);
    if (!work?.open) return;
    leave(id, work);
    work.reject(reason);
    work.controller?.error(reason);
  }

  return async (request, view, signal = request.signal, later) => {
    const url = new URL(request.url);
    const bodiless = request.method === "HEAD";
    const body = await bodyOf(request);
    signal.throwIfAborted();
    const id = ++last;
    return new Promise((resolve, reject) => {
      const onAbort = () => abort(id, signal.reason);
      signal.addEventListener("abort", onAbort);
      const release = () => signal.removeEventListener("abort", onAbort);
      /** @type {Work} */
      const work = { resolve, reject, bodiless, open: true, full: false, unread: 0, body, release };
      live.set(id, work);
      const keepAlive = () => later?.(new Promise((finish) => (work.finish = finish)));
      try {
        const [scheme, path, query] = [url.protocol.slice(0, -1), url.pathname, url.search.slice(1)];
        const headers = requestHeaders(request, url.host, added(request));
        const { first, more } = body;
        const reply = handle(id, request.method, scheme, url.host, path, query, headers, first, more, view, port);
        if (reply === undefined) {
          if (live.has(id)) keepAlive();
          return;
        }
        close(work);
        if (reply[3]) keepAlive();
        else forget(id, work);
        resolve(reply[0] === 0 ? null : whole(reply, bodiless));
      } catch (error) {
        close(work);
        forget(id, work);
        reject(error);
      }
    });
  };
}

/** @param {Reply} reply @param {boolean} bodiless */
function whole([status, headers, bytes], bodiless) {
  const body = bodiless || NO_BODY.has(status) ? null : /** @type {Uint8Array<ArrayBuffer>} */ (bytes);
  return responseOf(body, status, headers);
}

/**
 * Null if no `Response` can hold it (a line break in a header): a mistake of the app, which an edge tells best.
 *
 * @param {BodyInit | null} body @param {number} status @param {string} headers
 */
function responseOf(body, status, headers) {
  try {
    return new Response(body, { status, headers: parseHeaders(headers) });
  } catch {
    return null;
  }
}

/**
 * Headers as one string.
 *
 * @param {Request} request
 * @param {string} host
 * @param {[name: string, value: string][]} added
 */
function requestHeaders(request, host, added) {
  // A browser has no Host among the headers; a server does, and there it is what has been asked for.
  const named = request.headers.has("host") ? [] : [["host", host]];
  return [...request.headers, ...named, ...added].flat().join("\0");
}

/** @param {string} text "name\0value\0name\0value" */
export function parseHeaders(text) {
  const headers = new Headers();
  const parts = text === "" ? [] : text.split("\0");
  for (let i = 0; i < parts.length; i += 2) headers.append(parts[i] ?? "", parts[i + 1] ?? "");
  return headers;
}

/** @param {Headers} headers */
export function flatHeaders(headers) {
  return [...headers].flat().join("\0");
}
