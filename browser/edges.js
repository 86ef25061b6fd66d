// @ts-check
/** The edges of the pool: what is known about each, and a way to ask one that always comes to an end. */

import { isEdges } from "./genuine.js";
import { NetworkFailure } from "./network.js";
import { answered, failed, newMember, overtaken } from "./pool.js";
import { DEADLINE, PATH } from "./protocol.js";

/** @typedef {import("./network.js").Sender} Sender */
/** @typedef {import("./pool.js").Member} Member */

const SLOWEST_UPLOAD = 32; // bytes/ms

/**
 * Where a request may go: "" is our own origin. One release may serve several sites, each an edge to the others.
 *
 * @param {Pick<import("./protocol.js").Manifest, "edges">} [manifest]
 * @param {string} [origin]   the site's own
 */
export function basesOf({ edges = [] } = {}, origin = "") {
  return ["", ...edges.filter((edge) => edge !== origin)];
}

/**
 * @param {object} parts
 * @param {string[]} parts.bases   what stands before a path; "" is our own origin
 * @param {import("./protocol.js").Fetch} parts.fetch
 * @param {() => number} parts.now   ms
 * @param {() => number} parts.random
 * @param {(error: unknown) => void} parts.note   takes what went wrong
 */
export function createEdges({ bases, fetch, now, random, note }) {
  const members = bases.map(newMember);
  /** @type {Map<string, Promise<boolean>>} */
  const probes = new Map();

  /** Whether an edge that keeps us waiting is there at all. One question at a time for all who wait. @param {string} base */
  function isAlive(base) {
    let probe = probes.get(base);
    if (probe === undefined) {
      const signal = AbortSignal.timeout(DEADLINE.probe);
      probe = fetch(base + PATH.health, { cache: "no-store", credentials: base === "" ? "same-origin" : "omit", signal }).then(
        (response) => (void response.body?.cancel(), isEdges(response)),
        () => false,
      );
      probes.set(base, probe);
      void probe.finally(() => probes.delete(base));
    }
    return probe;
  }

  /**
   * Rejects when the edge is gone or takes too long; slow and gone are told apart by asking for its health.
   *
   * @param {string} base
   * @param {number} extra   ms, for the way up
   * @param {AbortSignal} signal
   * @returns {{lost: Promise<never>, clear: () => void}}
   */
  function watch(base, extra, signal) {
    /** @type {(() => void)[]} */
    const undo = [];
    /** @type {Promise<never>} */
    const lost = new Promise((_, reject) => {
      const give = (/** @type {string} */ why) => reject(new NetworkFailure(why));
      const suspect = setTimeout(async () => {
        if (!(await isAlive(base))) give("it does not even answer whether it is there");
      }, DEADLINE.suspect + extra);
      const late = setTimeout(give, DEADLINE.network + extra, "no answer in time");
      const gone = () => give("nobody waits for it any more");
      signal.addEventListener("abort", gone);
      undo.push(() => clearTimeout(suspect), () => clearTimeout(late), () => signal.removeEventListener("abort", gone));
    });
    return { lost, clear: () => undo.forEach((step) => step()) };
  }

  return {
    /** @returns {readonly Member[]} */
    members: () => members,

    /**
     * The answer of the edge `index`; null if it cannot be reached, has none for this request, or `signal` was aborted.
     *
     * @param {number} index
     * @param {Sender} sender
     * @param {AbortSignal} signal
     * @returns {Promise<Response | null>}
     */
    async ask(index, sender, signal) {
      const { base } = /** @type {Member} */ (members[index]);
      /** @param {(member: Member) => Member} change */
      const update = (change) => void (members[index] = change(/** @type {any} */ (members[index])));
      const began = now();
      const stop = new AbortController();
      const watched = watch(base, sender.size / SLOWEST_UPLOAD, signal);
      try {
        const answer = sender.send(base, AbortSignal.any([signal, stop.signal]));
        answer.then((late) => void (stop.signal.aborted && late?.body?.cancel()), () => {}); // see network.js, navigations
        const response = await Promise.race([answer, watched.lost]);
        if (response !== null) update((member) => answered(member, sender.safe ? now() - began : (member.latency ?? 0), now()));
        return response;
      } catch (error) {
        if (!(error instanceof NetworkFailure)) throw error;
        stop.abort();
        if (signal.aborted) {
          update((member) => overtaken(member, now() - began, now()));
        } else {
          update((member) => failed(member, now(), random()));
          note(`edge ${base || "here"}: ${error.message}`);
        }
        return null;
      } finally {
        watched.clear();
      }
    },
  };
}
