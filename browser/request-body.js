// @ts-check
/** The body of a request on its way to Python: whole if it is small, else part by part, as Python asks. */

const WHOLE = 65_536; // bytes; below, one call is cheaper than asking
const LARGEST = 262_144; // bytes of one part

/**
 * @typedef {object} RequestBody
 * @property {Uint8Array | undefined} first   all of it, unless there is more
 * @property {boolean} more   whether `next` has (other) parts
 * @property {() => Promise<Uint8Array | undefined>} next   undefined at the end; rejects if the client is gone
 * @property {() => void} cancel   nobody wants the rest
 */

/** @type {RequestBody} */
const NONE = { first: undefined, more: false, next: async () => undefined, cancel() {} };

/** @param {Request} request @returns {Promise<RequestBody>} */
export async function bodyOf(request) {
  if (request.body === null) return NONE;
  const length = request.headers.get("content-length");
  // Where a browser shows no stream, the bytes are all there is.
  if (request.body === undefined || (length !== null && Number(length) <= WHOLE)) {
    return { ...NONE, first: new Uint8Array(await request.arrayBuffer()) };
  }
  return parts(request.body);
}

/** @param {ReadableStream<Uint8Array>} stream @returns {RequestBody} */
function parts(stream) {
  const reader = stream.getReader();
  /** @type {Uint8Array} */
  let rest = new Uint8Array();
  return {
    first: undefined,
    more: true,
    async next() {
      while (rest.byteLength === 0) {
        const { value, done } = await reader.read();
        if (done) return undefined;
        rest = value;
      }
      const part = rest.subarray(0, LARGEST);
      rest = rest.subarray(LARGEST);
      return part;
    },
    cancel: () => void reader.cancel().catch(() => {}), // it may have failed before
  };
}
