// @ts-check
/**
 * The policy of the pool: who answers a request, in which order and after how long. Pure: time, chance and
 * what is known about the members are parameters. Imports nothing, so that edges can use the same.
 */

const BACK_OFF = Object.freeze({ first: 1_000, longest: 60_000 }); // ms
const PATIENCE = Object.freeze({ least: 300, times: 3, most: 1_500 }); // ms, times the latency, ms
const WEIGHT = 0.3; // of the newest measurement
const KEPT = 60_000; // ms; an older measurement is forgotten, so that a slow edge gets another chance

/** How long a ready local host has for status and headers before an edge is asked as well, in ms. */
export const LOCAL_LIMIT = 2_000;
/** Beginning of a step that is only for when all before it have failed. */
export const IF_ALL_FAIL = Number.POSITIVE_INFINITY;

/**
 * @typedef {object} Member   an edge, as the pool knows it
 * @property {string} base   what stands before a path: "" is our own origin
 * @property {number} failures   in a row
 * @property {number} notBefore   ms; backing off until then
 * @property {number | undefined} latency   ms until status and headers, averaged; infinite: longer than
 *   anybody wanted to wait
 * @property {number} measured   ms; when
 *
 * @typedef {"ready" | "startable" | "down"} Local   down: failed, and backing off
 * @typedef {{to: "local" | number, after: number}} Step   `to`: the local host, or the edge of this index;
 *   `after`: ms after the step before it began. It begins earlier when all before it have failed.
 */

/** @param {string} base @returns {Member} */
export function newMember(base) {
  return { base, failures: 0, notBefore: Number.NEGATIVE_INFINITY, latency: undefined, measured: 0 };
}

/**
 * How long to leave a member alone after `failures` in a row; spread, so that many clients do not come back
 * at one moment.
 *
 * @param {number} failures   1 for the first
 * @param {number} random   0 ≤ random < 1
 * @returns {number} ms
 */
export function backOff(failures, random) {
  return Math.min(BACK_OFF.longest, BACK_OFF.first * 2 ** (failures - 1)) * (0.5 + random / 2);
}

/** It answered after `ms`. @param {Member} member @param {number} ms @param {number} now @returns {Member} */
export function answered(member, ms, now) {
  const old = latencyOf(member, now);
  const latency = old === undefined || !Number.isFinite(old) ? ms : old + WEIGHT * (ms - old);
  return { ...member, failures: 0, notBefore: Number.NEGATIVE_INFINITY, latency, measured: now };
}

/**
 * It was given up after `ms`, because another answered first. No estimate comes of that; but who was given
 * its time and did not use it is not waited for again.
 *
 * @param {Member} member @param {number} ms @param {number} now @returns {Member}
 */
export function overtaken(member, ms, now) {
  return ms < patience(member, now) ? member : { ...member, latency: Number.POSITIVE_INFINITY, measured: now };
}

/** It cannot be reached. @param {Member} member @param {number} now @param {number} random @returns {Member} */
export function failed(member, now, random) {
  const failures = member.failures + 1;
  return { ...member, failures, notBefore: now + backOff(failures, random) };
}

/** @param {Member} member @param {number} now */
export function isHealthy(member, now) {
  return now >= member.notBefore;
}

/**
 * How long an edge may take before somebody else is asked as well. An edge that is known to be slower than
 * anybody waits for is not waited for at all.
 *
 * @param {Member} member @param {number} now
 * @returns {number} ms
 */
export function patience(member, now) {
  const latency = latencyOf(member, now) ?? 0;
  return latency > PATIENCE.most ? 0 : Math.min(PATIENCE.most, Math.max(PATIENCE.least, PATIENCE.times * latency));
}

/**
 * The plan for one request.
 *
 * @param {object} facts
 * @param {boolean} facts.safe   whether it may be run more than once, or in vain
 * @param {boolean} facts.anywhere   whether the placement allows the local host
 * @param {boolean} facts.slow   whether the local host was too slow for this route lately
 * @param {Local} facts.local
 * @param {readonly Member[]} facts.edges
 * @param {boolean} facts.online   false: the browser says that there is no network
 * @param {number} facts.now   ms
 * @returns {Step[]}
 */
export function order({ safe, anywhere, slow, local, edges, online, now }) {
  const ranked = rank(edges, now);
  if (!safe) {
    // Only our own origin knows the user. The key makes a second try harmless, so there is one.
    const own = ranked.filter((index) => edges[index]?.base === "");
    return [...own, ...own.slice(0, 1)].map((to) => ({ to, after: IF_ALL_FAIL }));
  }
  const [best] = ranked;
  const wait = best === undefined ? IF_ALL_FAIL : patience(/** @type {Member} */ (edges[best]), now);
  const reachable = online && best !== undefined && isHealthy(/** @type {Member} */ (edges[best]), now);
  /** @param {number} first @param {number} next @returns {Step[]} */
  const toEdges = (first, next) => ranked.map((to, i) => ({ to, after: i === 0 ? first : next }));

  if (!anywhere || local === "down") return toEdges(0, wait);
  if (local === "ready" && !slow) return [{ to: "local", after: 0 }, ...toEdges(LOCAL_LIMIT, IF_ALL_FAIL)];
  // A handler that is slow keeps the thread busy: only if there is nobody else.
  if (slow && reachable) return [...toEdges(0, wait), { to: "local", after: IF_ALL_FAIL }];
  if (!reachable) return [{ to: "local", after: 0 }, ...toEdges(0, IF_ALL_FAIL)];
  const [first, ...others] = toEdges(0, IF_ALL_FAIL);
  return [/** @type {Step} */ (first), { to: "local", after: wait }, ...others];
}

/** Healthy ones first; then our own origin, since no other sees the user; then the quickest. @param {readonly Member[]} edges @param {number} now */
function rank(edges, now) {
  /** @param {number} index */
  const marks = (index) => {
    const edge = /** @type {Member} */ (edges[index]);
    return [isHealthy(edge, now) ? 0 : 1, edge.base === "" ? 0 : 1, latencyOf(edge, now) ?? 0];
  };
  return [...edges.keys()].sort((a, b) => {
    const [one, two] = [marks(a), marks(b)];
    const at = one.findIndex((mark, i) => mark !== two[i]);
    return at < 0 ? a - b : Number(one[at]) - Number(two[at]);
  });
}

/** @param {Member} member @param {number} now */
function latencyOf({ latency, measured }, now) {
  return now - measured > KEPT ? undefined : latency;
}
