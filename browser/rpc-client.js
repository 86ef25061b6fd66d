// @ts-check
/**
 * The page's end of `edgekit.fetch`. Imports nothing, because it is served as /_edge/rpc-client.js.
 *
 * A port dies silently with the worker that holds its other end, so every call has a deadline, after which
 * the request goes the ordinary way. It is safe, so nobody minds should it be answered twice.
 */

/** @typedef {import("./protocol.js").Result} Result */

const DEADLINE = 1_000; // ms
const NO_BODY = new Set([204, 205, 304]); // Fetch standard, "null body status"

/** @param {() => ServiceWorker | null | undefined} worker   the one that controls this page */
export function createClient(worker) {
  /** @type {Map<number, (result: Result | null) => void>} */
  const waiting = new Map();
  /** @type {MessagePort | undefined} */
  let port;
  /** @type {ServiceWorker | undefined} */
  let other;
  let last = 0;

  function hangUp() {
    port?.close();
    port = undefined;
    for (const resolve of waiting.values()) resolve(null);
    waiting.clear();
  }

  /** @param {ServiceWorker} to */
  function connect(to) {
    if (port !== undefined && other === to) return port;
    hangUp();
    const channel = new MessageChannel();
    port = channel.port1;
    other = to;
    port.onmessage = ({ data }) => waiting.get(data.id)?.(data);
    to.postMessage({ type: "port" }, [channel.port2]);
    return port;
  }

  /** @param {Request} request @returns {Promise<Result | null>} */
  function call({ url, method, headers }) {
    const to = worker();
    if (!to) return Promise.resolve(null);
    const id = ++last;
    const used = connect(to);
    return new Promise((resolve) => {
      const late = setTimeout(hangUp, DEADLINE);
      waiting.set(id, (result) => {
        clearTimeout(late);
        waiting.delete(id);
        resolve(result);
      });
      used.postMessage({ id, path: url, method, headers: [...headers] });
    });
  }

  return {
    /** A worker that was stopped and has started again does not know the port. */
    hangUp,

    /** Like `fetch`. @param {RequestInfo | URL} input @param {RequestInit} [init] @returns {Promise<Response>} */
    async fetch(input, init) {
      const request = new Request(input, init);
      const plain = ["GET", "HEAD"].includes(request.method) && !init?.signal && request.cache === "default";
      const result = plain ? await call(request) : null;
      if (result === null || result.status === 0) return fetch(request);
      const { status, headers, body } = result;
      return new Response(NO_BODY.has(status) ? null : body, { status, headers });
    },
  };
}
