// @ts-check
/**
 * When to start Python: its start keeps the thread busy that every request of every page goes through. So a
 * page that is just loading gets its files first.
 */

const QUIET = 150; // ms without a request
const ENOUGH = 3_000; // ms; a page that never stops asking must not put it off for ever

/**
 * @param {() => number} now   ms
 * @param {(ms: number) => Promise<void>} delay
 */
export function createLull(now, delay) {
  let open = 0;
  let last = now();
  /** @type {Promise<void> | undefined} */
  let waiting;

  /** @param {number} rest @param {number} longest @param {number} [since] */
  async function wait(rest, longest, since = Number.NEGATIVE_INFINITY) {
    const latest = now() + longest;
    while (now() < latest && (open > 0 || now() - Math.max(last, since) < rest)) await delay(rest / 3);
  }

  return {
    /** Watch a request until it is answered. @template T @param {Promise<T>} answer @returns {Promise<T>} */
    async during(answer) {
      open += 1;
      try {
        return await answer;
      } finally {
        open -= 1;
        last = now();
      }
    },

    /** Resolves when no request is open and none was a moment ago. */
    quiet() {
      return (waiting ??= wait(QUIET, ENOUGH).then(() => (waiting = undefined)));
    },

    /** Resolves when nobody has asked for anything for `ms` from now, or after `longest`. @param {number} ms @param {number} longest */
    rest: (ms, longest) => wait(ms, longest, now()),
  };
}
