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

  async function wait() {
    const latest = now() + ENOUGH;
    while (now() < latest && (open > 0 || now() - last < QUIET)) await delay(QUIET / 3);
    waiting = undefined;
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
      return (waiting ??= wait());
    },
  };
}
