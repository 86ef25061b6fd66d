// @ts-check
/**
 * Answers writes before an edge has: the local host runs them on the state as it will be once all that is waiting
 * has happened. Each is kept first, so that it cannot get lost.
 */

import { foretell, tentative } from "./foretell.js";
import { draftOf, hasRoom, isRepeated, untold } from "./outbox-row.js";
import { authorOf } from "./outbox-rows.js";
import { HEADER } from "./protocol.js";

/** @typedef {import("./outbox-row.js").Row} Row */
/** @typedef {import("./outbox-row.js").Draft} Draft */
/** @typedef {(work: Promise<unknown>) => void} Later */

/**
 * @param {object} parts
 * @param {import("./outbox-rows.js").Rows} parts.rows
 * @param {Pick<ReturnType<typeof import("./user.js").createUser>, "current" | "known">} parts.user
 * @param {Pick<import("./local-host.js").LocalHost, "answer" | "ready" | "complete">} parts.host
 * @param {() => Promise<string>} parts.mintKey
 * @param {string} parts.origin   the site's own
 * @param {string} parts.release   id
 * @param {() => boolean} parts.development
 * @param {Pick<ReturnType<typeof import("./clock.js").createClock>, "now" | "wall">} parts.clock
 * @param {(error: unknown) => void} parts.note
 */
export function createOutbox({ rows, user, host, mintKey, origin, release, development, clock, note }) {
  /** On what an answer rests: the app and the state. @param {string} json */
  const basisOf = (json) => `${release} ${versionOf(json)}`;

  /** @param {Draft} draft @param {string} json @param {string[]} effects @param {Later} [later] */
  async function run(draft, json, effects, later) {
    const once = () => foretell(host, draft, tentative(json, effects), { origin, development: development(), ...(later ? { later } : {}) });
    return (await once()) ?? ((await host.complete()) ? once() : null);
  }

  /**
   * What the waiting writes change. Those that were run on another state are run again, in order (rebase).
   *
   * @param {string} json
   */
  async function effectsOn(json) {
    const [waiting, basis] = [rows.of(json), basisOf(json)];
    const at = waiting.findIndex((row) => row.basis !== basis);
    if (at < 0) return effectsIn(waiting);
    const effects = effectsIn(waiting.slice(0, at));
    for (const row of waiting.slice(at)) {
      const told = await run(row, json, effects);
      if (told === null && !host.ready()) return effectsIn(waiting);
      Object.assign(row, { basis, effects: told?.effects ?? "", foretold: told?.outcome ?? null });
      effects.push(...effectsIn([row]));
    }
    rows.change(waiting.slice(at)).catch(note);
    return effects;
  }

  /** @param {Draft} draft @param {string} json @param {Later} later @returns {Promise<Response | null>} */
  async function answer(draft, json, later) {
    const effects = await effectsOn(json);
    const waiting = rows.of(json);
    const twin = waiting.findIndex((row) => isRepeated(row, draft));
    if (twin >= 0) {
      // The same answer once more.
      return (await run(/** @type {Row} */ (waiting[twin]), json, effectsIn(waiting.slice(0, twin))))?.response ?? null;
    }
    if (!hasRoom(rows.all(), draft.size)) return null;
    const row = { ...draft, ...untold(release), author: authorOf(json) };
    // Beside each other: a row that has to be taken back harms nobody.
    const [seq, told] = await Promise.all([rows.keep(row).catch(note), run(draft, json, effects, later)]);
    if (seq === undefined) return null;
    if (told === null) {
      await rows.drop(seq);
      return null;
    }
    if (told.outcome.status >= 400) {
      await rows.drop(seq); // the user has been told no: it must not happen later
      return told.response;
    }
    const whole = { ...row, seq, effects: told.effects, foretold: told.outcome, shown: told.outcome.status, basis: basisOf(json) };
    rows.enter(whole);
    rows.change([whole]).catch(note); // what gets lost of that is found out again
    return told.response;
  }

  return {
    basisOf,

    /** How many writes of whoever is here no edge has confirmed. */
    async waiting() {
      await rows.loaded;
      return rows.of(await user.known()).length;
    },

    /** The write whose turn it is. @returns {Promise<Row | undefined>} */
    next: () => rows.turn(async () => rows.of(await user.known())[0]),

    /** @param {Request} request   its body is read */
    draft: (request) => draftOf(request, mintKey, clock),

    /**
     * The user's view as the local host is to see it, with all that is not confirmed yet, and how much that is.
     *
     * @returns {Promise<{view: string | undefined, pending: number}>}
     */
    async view() {
      const [json] = await Promise.all([user.current(), rows.loaded]);
      const waiting = rows.of(json);
      if (json === undefined || waiting.length === 0) return { view: json, pending: 0 };
      const isFresh = waiting.every(({ basis }) => basis === basisOf(json));
      if (isFresh) return { view: tentative(json, effectsIn(waiting)), pending: waiting.length };
      return rows.turn(async () => {
        const latest = (await user.known()) ?? json;
        return { view: tentative(latest, await effectsOn(latest)), pending: rows.of(latest).length };
      });
    },

    /**
     * The local host's answer to a write that from now on is kept, unless it is a refusal; null if it has none, or
     * there is no room: then nothing is kept.
     *
     * @param {Promise<Draft>} drafting   its turn begins now, even if its body is still on the way
     * @param {Later} later   gets what the app does after its answer
     */
    ahead: (drafting, later) =>
      rows.turn(async () => {
        const [draft, json] = await Promise.all([drafting, user.current()]);
        const response = json === undefined ? null : await answer(draft, json, later);
        if (response === null) return null;
        response.headers.set(HEADER.pending, String(rows.of(json).length));
        rows.announce(json);
        return response;
      }),

    /**
     * Keep a write that cannot be run here and now: an edge runs it later. Null if there is no room, or it is not
     * known whose it is.
     *
     * @param {Promise<Draft>} drafting
     * @returns {Promise<Draft | null>}
     */
    keep: (drafting) =>
      rows.turn(async () => {
        const [draft, json] = await Promise.all([drafting, user.current()]);
        if (json === undefined) return null;
        if (rows.of(json).some((row) => isRepeated(row, draft))) return draft;
        if (!hasRoom(rows.all(), draft.size)) return null;
        const row = { ...draft, ...untold(release), author: authorOf(json) };
        const seq = await rows.keep(row).catch(note);
        if (seq === undefined) return null;
        rows.enter({ ...row, seq });
        rows.announce(json);
        return draft;
      }),
  };
}

/** @param {Row[]} list */
export function effectsIn(list) {
  return list.map(({ effects }) => effects).filter((effects) => effects !== "");
}

/** @param {string} json   a view */
function versionOf(json) {
  const { sid, ver } = JSON.parse(json);
  return `${sid} ${ver}`;
}
