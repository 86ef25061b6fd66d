// @ts-check
/** The worker's end of `edgekit.fetch`: answers of the local host without the way through the browser's fetch. */

import { standsFor } from "./as-sent.js";

/** @typedef {import("./protocol.js").Call} Call */
/** @typedef {import("./protocol.js").Gone} Gone */
/** @typedef {import("./protocol.js").Result} Result */

// A page gives up earlier (rpc-client.js) and says so, unless it was closed meanwhile.
const DEADLINE = 1_500; // ms

/**
 * Answer calls on a port, as long as this worker lives. Python stops working on an answer that nobody waits for.
 *
 * @param {MessagePort} port
 * @param {string} origin   the site's own origin
 * @param {(request: Request) => Promise<Response | null>} ifReady   the local host, where it is ready and may
 */
export function answerCalls(port, origin, ifReady) {
  /** @type {Map<number, AbortController>} */
  const running = new Map();

  /** @param {Call} call */
  async function run(call) {
    const stop = new AbortController();
    const late = setTimeout(() => stop.abort(), DEADLINE);
    running.set(call.id, stop);
    const result = await answerCall(call, origin, ifReady, stop.signal).catch(() => refused(call.id));
    clearTimeout(late);
    running.delete(call.id);
    port.postMessage(result, result.body ? [result.body] : []);
  }

  port.onmessage = (/** @type {MessageEvent<Call | Gone>} */ { data }) => {
    if ("gone" in data) running.get(data.id)?.abort();
    else void run(data);
  };
}

/**
 * @param {Call} call
 * @param {string} origin
 * @param {(request: Request) => Promise<Response | null>} ifReady
 * @param {AbortSignal} signal
 * @returns {Promise<Result>}
 */
async function answerCall({ id, path, method, headers, referrer, mode }, origin, ifReady, signal) {
  const url = new URL(path, origin);
  /** @type {Pick<Request, "referrerPolicy" | "destination" | "cache">} */
  const plain = { referrerPolicy: "", destination: "", cache: "default" };
  const request = () => standsFor(new Request(url, { method, headers, signal }), { ...plain, referrer, mode });
  const response = url.origin === origin ? await ifReady(request()) : null;
  if (response === null) return refused(id);
  if (isEndless(response)) {
    await response.body?.cancel();
    return refused(id);
  }
  return { id, status: response.status, headers: [...response.headers], body: response.body && (await response.arrayBuffer()) };
}

/** A call is answered as a whole, so never with events: fetch can stream them. @param {Response} response */
function isEndless({ headers }) {
  return /^text\/event-stream\b/i.test(headers.get("content-type") ?? "");
}

/** @param {number} id @returns {Result} */
function refused(id) {
  return { id, status: 0, headers: [], body: null };
}
