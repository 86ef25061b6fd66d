// @ts-check
/**
 * What a release has taught us about its routes: which handlers are too slow here, and which have answered
 * without the network. Keys are the patterns of the placement table. It outlives the worker, not the release.
 */

const SLOW_FOR = 600_000; // ms

/** @typedef {{release: string, slow: Record<string, number>, alone: string[]}} Kept   slow: pattern → until, ms */

/**
 * @param {object} parts
 * @param {import("./store.js").Store} parts.store
 * @param {string} parts.release
 * @param {() => number} parts.now   ms
 */
export function createExperience({ store, release, now }) {
  /** @type {Kept} */
  let known = { release, slow: {}, alone: [] };
  /** @type {Promise<void>} */
  const loaded = store.get("routes").then(
    (/** @type {Kept | undefined} */ kept) => {
      if (kept?.release !== release) return;
      known = { ...kept, slow: { ...kept.slow, ...known.slow }, alone: [...new Set([...kept.alone, ...known.alone])] };
    },
    () => {},
  );

  /** @param {Partial<Kept>} change */
  function keep(change) {
    known = { ...known, ...change };
    loaded.then(() => store.update("routes", () => known)).catch(() => {}); // then it is learnt again
  }

  return {
    loaded,
    /** @returns {Readonly<Kept>} */
    known: () => known,

    /** Whether the local host was too slow for this route lately. @param {string} pattern */
    isSlow: (pattern) => (known.slow[pattern] ?? 0) > now(),

    /** @param {string} pattern */
    wasSlow(pattern) {
      keep({ slow: { ...known.slow, [pattern]: now() + SLOW_FOR } });
    },

    /** Whether this route answered, and needed no network for it. @param {string} pattern @param {boolean} alone */
    answered(pattern, alone) {
      if (known.alone.includes(pattern) === alone) return;
      const others = known.alone.filter((one) => one !== pattern);
      keep({ alone: alone ? [...others, pattern] : others });
    },
  };
}
