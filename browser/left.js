// @ts-check
/**
 * What a worker that has taken a request on leaves to the browser after all: the answer sends the browser to the same
 * address once more, and then the worker keeps out of it. What comes is what would have come without a worker.
 */

const LEFT = 10_000; // ms until the same request comes by once more

/** @param {() => number} now   ms */
export function createLeft(now) {
  /** Until when, ms. @type {Map<string, number>} */
  const left = new Map();
  const nameOf = (/** @type {Request} */ { method, url }) => `${method} ${url}`;

  return {
    /** Whether this is a request that was left to the browser. True once. @param {Request} request */
    isLeft(request) {
      const until = left.get(nameOf(request)) ?? Number.NEGATIVE_INFINITY;
      return left.delete(nameOf(request)) && now() < until;
    },

    /** The answer to a request that is to be left to the browser, its method and body too (RFC 9110, section 15.4.8). @param {Request} request */
    leave(request) {
      left.set(nameOf(request), now() + LEFT);
      return new Response(null, { status: 307, headers: { location: request.url } });
    },
  };
}
