// @ts-check
/**
 * The page's end of `edgekit.fetch`. Imports nothing, because it is served as /_edge/rpc-client.js.
 *
 * A port dies silently with the worker that holds its other end, so every call has a deadline, after which
 * the request goes the ordinary way. Only what is safe is called, so nobody minds should it be answered twice.
 */

/** @typedef {import("./protocol.js").Result} Result */

const DEADLINE = 1_000; // ms; rpc.js waits a little longer
const PATIENCE = 3; // calls in a row without an answer: the port is dead
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
  let unanswered = 0; // in a row

  function hangUp() {
    for (const id of waiting.keys()) leave(id);
    port?.close();
    port = undefined;
    unanswered = 0;
  }

  /** One call is given up; the worker need not go on with it. @param {number} id */
  function leave(id) {
    port?.postMessage({ id, gone: true });
    waiting.get(id)?.(null);
  }

  /** @param {number} id */
  function timeOut(id) {
    leave(id);
    unanswered += 1;
    if (unanswered >= PATIENCE) hangUp();
  }

  /** @param {ServiceWorker} to */
  function connect(to) {
    if (port !== undefined && other === to) return port;
    hangUp();
    const channel = new MessageChannel();
    port = channel.port1;
    other = to;
    port.onmessage = ({ data }) => {
      unanswered = 0;
      waiting.get(data.id)?.(data);
    };
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
      const late = setTimeout(timeOut, DEADLINE, id);
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
      const result = isPlain(request) && !init?.signal ? await call(request) : null;
      if (result === null || result.status === 0 || isRedirect(result)) return fetch(request);
      const { status, headers, body } = result;
      return new Response(NO_BODY.has(status) ? null : body, { status, headers });
    },
  };
}

/** The worker answers as the user, from no cache; and what it answers may be asked for twice. @param {Request} request */
function isPlain({ method, cache, credentials }) {
  return ["GET", "HEAD"].includes(method) && cache === "default" && credentials !== "omit";
}

/** Only the browser can follow one as it should be. @param {Result} result */
function isRedirect({ status }) {
  return status >= 300 && status < 400 && status !== 304;
}
