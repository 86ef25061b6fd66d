// @ts-check
/** Carries out a plan of the pool: a staggered race (like RFC 8305) in which the first answer wins. */

/** @typedef {import("./pool.js").Step} Step */

/**
 * The first answer, or null when nobody has one. Whoever still runs then is aborted; an answer that comes all
 * the same is thrown away.
 *
 * @param {Step[]} plan
 * @param {(to: Step["to"], signal: AbortSignal) => Promise<Response | null>} attempt   null: cannot; rejects
 *   only for an error in our own code, which ends the race
 * @param {AbortSignal} signal   whoever asked has gone
 * @returns {Promise<Response | null>}
 */
export function race(plan, attempt, signal) {
  return new Promise((resolve, reject) => {
    /** @type {Set<AbortController>} */
    const running = new Set();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    let next = 0;
    let over = false;

    function end() {
      over = true;
      clearTimeout(timer);
      for (const controller of running) controller.abort();
    }

    function begin() {
      clearTimeout(timer);
      const step = plan[next++];
      if (step === undefined) {
        if (running.size > 0) return;
        end();
        resolve(null);
        return;
      }
      const controller = new AbortController();
      running.add(controller);
      attempt(step.to, AbortSignal.any([signal, controller.signal])).then(
        (answer) => {
          running.delete(controller);
          if (over) void answer?.body?.cancel().catch(() => {});
          else if (answer !== null) (end(), resolve(answer));
          else if (running.size === 0) begin();
        },
        (error) => {
          running.delete(controller);
          if (!over) (end(), reject(error));
        },
      );
      const after = plan[next]?.after;
      if (after !== undefined && Number.isFinite(after)) timer = setTimeout(begin, after);
    }

    begin();
  });
}
