// @ts-check
/**
 * Sends what is in the outbox: in order, one at a time, in one worker at a time, until an edge has said its last
 * word on each. Whatever stops it, it goes on by itself: after a while, longer each time, or when somebody calls.
 */

import { backOff } from "./pool.js";

/** @typedef {import("./outbox-row.js").Row} Row */
/** @typedef {import("./outbox-verdicts.js").Hold} Hold */
/** @typedef {<T>(mode: "exclusive" | "shared", work: () => Promise<T>, signal?: AbortSignal) => Promise<T>} Lock   held by all workers of this origin */

/**
 * @param {object} parts
 * @param {() => Promise<Row | undefined>} parts.next   the write whose turn it is
 * @param {(row: Row) => Promise<Hold | undefined>} parts.deliver   undefined: it is done with
 * @param {Lock} parts.lock
 * @param {() => number} parts.now   ms
 * @param {() => number} parts.random
 * @param {(work: () => void, ms: number) => void} parts.wait   calls `work` later, if this worker lives that long
 * @param {(why: string) => void} parts.onHalt   "": it goes on
 */
export function createLine({ next, deliver, lock, now, random, wait, onHalt }) {
  /** @type {Promise<void> | undefined} */
  let running;
  let wanted = false;
  let failures = 0;
  let notBefore = Number.NEGATIVE_INFINITY;

  /** @param {Hold} hold */
  function halt({ again, after }) {
    failures += 1;
    const pause = Math.max(after, backOff(failures, random()));
    notBefore = now() + pause;
    wait(() => void flush(), pause);
    onHalt(again);
  }

  function goOn() {
    if (failures > 0) onHalt("");
    failures = 0;
    notBefore = Number.NEGATIVE_INFINITY;
  }

  async function work() {
    do {
      wanted = false; // whoever calls from now on may have added something
      for (let row = await next(); row !== undefined; row = await next()) {
        const hold = await deliver(row).catch((error) => ({ again: String(error), after: 0 }));
        if (hold !== undefined) {
          wanted = false;
          return halt(hold);
        }
        goOn();
      }
    } while (wanted);
  }

  async function run() {
    await lock("exclusive", work).catch((error) => halt({ again: String(error), after: 0 }));
    running = undefined;
    if (wanted) await flush(); // called between the last look and the end of the lock
  }

  /**
   * Send what can be sent; resolves when nothing is left, or something is in the way.
   *
   * @param {{urgent?: boolean}} [options]   urgent: also while we leave the edges alone after a failure
   * @returns {Promise<void>}
   */
  function flush({ urgent = false } = {}) {
    if (running === undefined && !urgent && now() < notBefore) return Promise.resolve();
    wanted = true;
    running ??= run();
    return running;
  }

  return {
    flush,

    /**
     * A request that goes to an edge by itself: never beside one from the outbox. Rejects with a TimeoutError if
     * its turn does not come in `ms`.
     *
     * @template T @param {() => Promise<T>} work @param {number} ms
     */
    beside: (work, ms) => lock("shared", work, AbortSignal.timeout(ms)),
  };
}

/** Web Locks; where there are none, one worker has to do. @param {LockManager | undefined} locks @param {string} name @returns {Lock} */
export function webLock(locks, name) {
  return (mode, work, signal) =>
    locks === undefined ? work() : /** @type {Promise<any>} */ (locks.request(name, { mode, ...(signal ? { signal } : {}) }, work));
}
