// @ts-check
/** Whether a new release may take over from the one before it without asking. */

const KEY = "protocol";

/**
 * @param {import("./store.js").Store} store
 * @param {number} protocol   of this worker
 */
export function createTakeover(store, protocol) {
  return {
    /** @param {boolean} first   no other worker is there @returns {Promise<boolean>} */
    async isSilent(first) {
      return first || (await store.get(KEY).catch(() => undefined)) === protocol;
    },

    /** This worker has taken over. */
    async done() {
      await store.update(KEY, () => protocol).catch(() => {}); // the next one then asks, to be safe
    },
  };
}
