// @ts-check
/** Request → the app's `handle` → Response. Counterpart: edge/hosts/fetch.py. */

/** @typedef {import("./protocol.js").Reply} Reply */

/** Statuses whose answers have no body (Fetch standard, "null body status"). */
const NO_BODY = new Set([101, 103, 204, 205, 304]);

/**
 * @typedef {object} Pending   an answer that Python has not finished
 * @property {(response: Response | null) => void} resolve
 * @property {(reason: Error) => void} reject
 * @property {boolean} bodiless
 * @property {ReadableStreamDefaultController<Uint8Array>} [controller]
 * @property {() => void} release   forget the listener on the signal
 */

/**
 * Make the function that answers requests. It resolves to null when this host lacks what the request
 * needs (escalate), rejects with the reason of `signal` when that is aborted before there is an answer,
 * and with anything else when the host itself is broken.
 *
 * @param {{handle: import("./protocol.js").Handle, cancel: import("./protocol.js").Cancel}} host
 * @returns {(request: Request, view?: string, signal?: AbortSignal) => Promise<Response | null>}
 */
export function createBridge({ handle, cancel }) {
  /** @type {Map<number, Pending>} */
  const live = new Map();
  let last = 0;

  /** @param {number} id @returns {Pending | undefined} */
  function forget(id) {
    const pending = live.get(id);
    live.delete(id);
    pending?.release();
    return pending;
  }

  /** @type {import("./protocol.js").Head} */
  function head(id, status, headers) {
    const pending = live.get(id);
    if (pending === undefined) return;
    if (status === 0) {
      forget(id);
      pending.resolve(null);
      return;
    }
    const body = pending.bodiless || NO_BODY.has(status) ? null : stream(id, pending);
    try {
      pending.resolve(new Response(body, { status, headers: parseHeaders(headers) }));
    } catch (error) {
      abort(id, error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** @type {import("./protocol.js").Chunk} */
  function chunk(id, bytes, more) {
    const controller = live.get(id)?.controller;
    if (bytes !== undefined && bytes.byteLength > 0) controller?.enqueue(bytes);
    if (more) return;
    forget(id);
    controller?.close();
  }

  /** @param {number} id @param {Pending} pending */
  function stream(id, pending) {
    return new ReadableStream({
      start(controller) {
        pending.controller = controller;
      },
      cancel() {
        if (forget(id) !== undefined) cancel(id);
      },
    });
  }

  /** @param {number} id @param {Error} reason */
  function abort(id, reason) {
    const pending = forget(id);
    if (pending === undefined) return;
    cancel(id);
    pending.reject(reason);
    pending.controller?.error(reason);
  }

  return async (request, view, signal = request.signal) => {
    const url = new URL(request.url);
    const bodiless = request.method === "HEAD";
    const body = request.body === null ? undefined : new Uint8Array(await request.arrayBuffer());
    signal.throwIfAborted();
    const id = ++last;
    return new Promise((resolve, reject) => {
      const onAbort = () => abort(id, signal.reason);
      signal.addEventListener("abort", onAbort);
      const release = () => signal.removeEventListener("abort", onAbort);
      live.set(id, { resolve, reject, bodiless, release });
      try {
        const [scheme, path, query] = [url.protocol.slice(0, -1), url.pathname, url.search.slice(1)];
        const headers = requestHeaders(request, url.host);
        const reply = handle(id, request.method, scheme, url.host, path, query, headers, body, view, head, chunk);
        if (reply === undefined) return;
        forget(id);
        resolve(reply[0] === 0 ? null : whole(reply, bodiless));
      } catch (error) {
        forget(id);
        reject(error);
      }
    });
  };
}

/** @param {Reply} reply @param {boolean} bodiless */
function whole([status, headers, bytes], bodiless) {
  const body = bodiless || NO_BODY.has(status) ? null : /** @type {Uint8Array<ArrayBuffer>} */ (bytes);
  return new Response(body, { status, headers: parseHeaders(headers) });
}

/**
 * Headers as one string. The browser hides Host and Sec-Fetch-* from a service worker, the app expects
 * them: they are said again from what the request shows.
 *
 * @param {Request} request
 * @param {string} host
 */
function requestHeaders(request, host) {
  const pairs = [...request.headers].filter(([name]) => name !== "host").flat();
  pairs.push("host", host);
  if (request.mode === "navigate") pairs.push("sec-fetch-dest", request.destination, "sec-fetch-mode", "navigate");
  return pairs.join("\0");
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
