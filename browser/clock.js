// @ts-check
/**
 * The time as edges have it: a device's own clock may be wrong by days. How far, each answer of an edge says in `Date`
 * (RFC 9110, section 6.6.1).
 */

import { isEdges } from "./genuine.js";

const KEY = "clock";
const EXACT = 5_000; // ms; clocks that differ by less need no correction

/**
 * @param {object} parts
 * @param {import("./store.js").Store} parts.store
 * @param {() => number} parts.wall   ms since 1970, as this device counts them
 */
export function createClock({ store, wall }) {
  let [skew, isLearnt] = [0, false];
  const loaded = store.get(KEY).then((kept) => void (isLearnt || (skew = Number(kept?.skew ?? 0))), () => {});

  return {
    /** Before it nothing is known of what an earlier worker has learnt. */
    loaded,

    /** ms since 1970 */
    now: () => wall() + skew,

    /** As this device counts them. */
    wall,

    /** @param {Pick<Response, "headers">} response   not from a cache */
    learn(response) {
      const there = isEdges(response) ? Date.parse(response.headers.get("date") ?? "") : Number.NaN;
      if (Number.isNaN(there)) return;
      const ahead = Math.abs(there - wall()) > EXACT ? there - wall() : 0;
      isLearnt = true;
      if (Math.abs(ahead - skew) < EXACT && (ahead === 0) === (skew === 0)) return;
      skew = ahead;
      store.update(KEY, () => ({ skew: ahead })).catch(() => {}); // then it is learnt again
    },
  };
}
