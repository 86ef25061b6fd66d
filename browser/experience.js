// @ts-check
/**
 * What a release has taught us about its routes: which handlers are too slow here, which have killed the worker, and
 * which have answered without the network. Keys are the patterns of the placement table, for writes with the method
 * in front. It outlives the worker, not the release.
 *
 * A handler that never returns (a loop without an end, hours within one call of C) takes the thread with it, until the
 * browser kills the worker. So what is being run is noted first. What an earlier worker has noted and not erased is left
 * to edges: for ten minutes, since the browser itself may have been closed just then, and each time for twice as long.
 */

const SLOW_FOR = 600_000; // ms
const DEADLY_FOR = Object.freeze({ first: 600_000, longest: 86_400_000 }); // ms

/**
 * @typedef {{until: number, times: number}} Deaths   until, ms
 * @typedef {{release: string, slow: Record<string, number>, deadly: Record<string, Deaths>, alone: string[]}} Kept
 *   slow: pattern → until, ms
 */

/**
 * @param {object} parts
 * @param {import("./store.js").Store} parts.store
 * @param {string} parts.release
 * @param {import("./notes.js").Notes} parts.notes
 * @param {() => number} parts.now   ms
 */
export function createExperience({ store, release, notes, now }) {
  /** @type {Kept} */
  let known = { release, slow: {}, deadly: {}, alone: [] };
  /** @type {Map<string, number>} */
  const running = new Map();
  /** @type {Promise<void>} */
  const loaded = Promise.all([store.get("routes").catch(() => undefined), notes.all().catch(() => [])]).then(([kept, left]) => {
    if (kept?.release === release) {
      const { slow, alone, deadly = {} } = /** @type {Kept} */ (kept);
      known = { ...known, slow: { ...slow, ...known.slow }, deadly, alone: [...new Set([...alone, ...known.alone])] };
    }
    for (const name of left) {
      const [of, ...pattern] = name.split(" ");
      if (of === release && !running.has(pattern.join(" "))) died(pattern.join(" "));
      if (of !== release || !running.has(pattern.join(" "))) notes.erase(name);
    }
  });

  /** @param {string} pattern */
  function died(pattern) {
    const times = (known.deadly[pattern]?.times ?? 0) + 1;
    const until = now() + Math.min(DEADLY_FOR.first * 2 ** (times - 1), DEADLY_FOR.longest);
    known = { ...known, deadly: { ...known.deadly, [pattern]: { until, times } } };
    store.update("routes", () => known).catch(() => {});
  }

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

    /** Whether this route has killed a worker lately. @param {string} pattern */
    isDeadly: (pattern) => (known.deadly[pattern]?.until ?? 0) > now(),

    /** The local host is about to run this route. @param {string} pattern @returns {() => void}   once it has answered */
    begins(pattern) {
      const name = `${release} ${pattern}`;
      const others = running.get(pattern) ?? 0;
      running.set(pattern, others + 1);
      if (others === 0) notes.write(name);
      return () => {
        const left = (running.get(pattern) ?? 1) - 1;
        if (left > 0) {
          running.set(pattern, left);
          return;
        }
        running.delete(pattern);
        notes.erase(name);
      };
    },

    /** Whether this route answered, and needed no network for it. @param {string} pattern @param {boolean} alone */
    answered(pattern, alone) {
      if (known.alone.includes(pattern) === alone) return;
      const others = known.alone.filter((one) => one !== pattern);
      keep({ alone: alone ? [...others, pattern] : others });
    },
  };
}
