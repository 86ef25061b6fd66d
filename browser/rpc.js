// @ts-check
/** The worker's end of `edgekit.fetch`: answers of the local host without the way through the browser's fetch. */

/** @typedef {import("./protocol.js").Call} Call */
/** @typedef {import("./protocol.js").Result} Result */

/**
 * Answer calls on a port, as long as this worker lives.
 *
 * @param {MessagePort} port
 * @param {string} origin   the site's own origin
 * @param {(request: Request) => Promise<Response | null>} ifReady   the local host, where it is ready and may
 */
export function answerCalls(port, origin, ifReady) {
  port.onmessage = async ({ data }) => {
    const result = await answerCall(data, origin, ifReady).catch(() => refused(data?.id));
    port.postMessage(result, result.body ? [result.body] : []);
  };
}

/** @param {Call} call @param {string} origin @param {(request: Request) => Promise<Response | null>} ifReady @returns {Promise<Result>} */
async function answerCall({ id, path, method, headers }, origin, ifReady) {
  const url = new URL(path, origin);
  const response = url.origin === origin ? await ifReady(new Request(url, { method, headers })) : null;
  if (response === null) return refused(id);
  return { id, status: response.status, headers: [...response.headers], body: response.body && (await response.arrayBuffer()) };
}

/** @param {number} id @returns {Result} */
function refused(id) {
  return { id, status: 0, headers: [], body: null };
}
