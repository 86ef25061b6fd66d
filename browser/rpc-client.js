// @ts-check
/**
 * The page's end of `edgekit.fetch`. Imports nothing, because it is served as /_edge/rpc-client.js.
 *
 * A port dies silently with the worker that holds its other end, so every call has a deadline, after which
 * the request goes the ordinary way. Only what is safe is called, so nobody minds should it be answered twice.
 */

/** @typedef {import("./protocol.js").Result} Result */
/** @typedef {{address: string, policy: string}} Sender   a page: its URL, and its referrer policy */

const DEADLINE = 1_000; // ms; rpc.js waits a little longer
const PATIENCE = 3; // calls in a row without an answer: the port is dead
const LONGEST = 4_096; // characters of a referrer (Referrer Policy, section 8.4)
const REFERRER_POLICY = "/_edge/browser?referrer-policy";
const NO_BODY = new Set([204, 205, 304]); // Fetch standard, "null body status"

/**
 * @param {() => ServiceWorker | null | undefined} worker   the one that controls this page
 * @param {() => Sender | undefined} sender   this page; undefined: not known yet, so the call has to be an ordinary one
 */
export function createClient(worker, sender) {
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
  function call(request) {
    const { url, method, mode, headers } = request;
    const [to, page] = [worker(), sender()];
    if (!to || page === undefined) return Promise.resolve(null);
    const referrer = refererOf(request, page);
    const id = ++last;
    const used = connect(to);
    return new Promise((resolve) => {
      const late = setTimeout(timeOut, DEADLINE, id);
      waiting.set(id, (result) => {
        clearTimeout(late);
        waiting.delete(id);
        resolve(result);
      });
      used.postMessage({ id, path: url, method, headers: [...headers], referrer, mode });
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

/**
 * The worker answers as the user, from no cache; and what it answers may be asked for twice. Only the browser compares
 * digests and tells redirects apart.
 *
 * @param {Request} request
 */
function isPlain({ method, cache, credentials, integrity, redirect }) {
  return ["GET", "HEAD"].includes(method) && cache === "default" && credentials !== "omit" && integrity === "" && redirect === "follow";
}

/**
 * What is left of the referrer of a request to our own origin (Referrer Policy, section 8.3), "" if nothing is.
 *
 * @param {Request} request @param {Sender} page
 */
function refererOf({ referrer, referrerPolicy }, page) {
  const policy = referrerPolicy || page.policy;
  if (referrer === "" || policy === "no-referrer") return "";
  const { origin, pathname, search } = new URL(referrer === "about:client" ? page.address : referrer);
  const whole = origin + pathname + search;
  return policy === "origin" || policy === "strict-origin" || whole.length > LONGEST ? `${origin}/` : whole;
}

/** Only the browser can follow one as it should be. @param {Result} result */
function isRedirect({ status }) {
  return status >= 300 && status < 400 && status !== 304;
}

/**
 * Finds out what no script can read: the referrer policy of its page. The worker sees it on a request that has none of
 * its own.
 *
 * @param {() => ServiceWorker | null | undefined} worker
 * @param {() => string} address   of this page
 * @returns {() => Sender | undefined}
 */
export function pageAsSender(worker, address) {
  /** @type {string | undefined} */
  let policy;
  let isAsking = false;

  async function ask() {
    isAsking = true;
    const response = await fetch(REFERRER_POLICY).catch(() => undefined);
    if (response?.headers.get("edgekit-host") === "browser") policy = await response.text();
    isAsking = false;
  }

  return () => {
    if (policy === undefined && !isAsking && worker()) void ask();
    return policy === undefined ? undefined : { address: address(), policy };
  };
}
