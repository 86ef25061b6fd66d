// @ts-check
/**
 * What an `EventSource` needs to connect again by itself, as it does without a service worker: Chromium closes it for
 * good when the body of a worker's answer breaks, Firefox when a worker answers with a network error.
 */

/** Whether an `EventSource` asks; scripts that read events themselves want to know how a stream ended. @param {Request} request */
export function isEventSource({ method, mode, cache, headers }) {
  return method === "GET" && mode === "cors" && cache === "no-store" && headers.get("accept") === "text/event-stream";
}

/**
 * The same answer, whose body ends instead of breaking: to an `EventSource` both say that it has to connect again.
 *
 * @param {Response} response
 * @param {(work: Promise<unknown>) => void} later   gets what lasts as long as the body does
 */
export function endingWell(response, later) {
  const reader = response.body?.getReader();
  if (reader === undefined) return response;
  later(reader.closed.catch(() => {}));
  /** @type {ReadableStream<Uint8Array<ArrayBuffer>>} */
  const body = new ReadableStream({
    async pull(controller) {
      const { value, done } = await reader.read().catch(() => ({ value: undefined, done: true }));
      if (done || value === undefined) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  });
  return new Response(body, response);
}
