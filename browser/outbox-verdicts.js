// @ts-check
/** Ends of writes in the outbox: by an edge's verdict, or because their author says so. */

import { outcomeOf } from "./foretell.js";
import { LONGEST_TROUBLE, isBy, untold } from "./outbox-row.js";
import { authorOf } from "./outbox-rows.js";
import { HEADER } from "./protocol.js";
import { differences, judge } from "./verdict.js";

// As edge/intake.py has it.
const LONGEST_WAIT = 7 * 86_400_000; // ms
const STRANGER = new Set([401, 412]); // the session has ended, or is not the one that we know

/** @typedef {import("./outbox-row.js").Row} Row */
/** @typedef {import("./verdict.js").Answer} Answer */
/** @typedef {import("./verdict.js").Verdict} Verdict */
/** @typedef {{again: string, after: number, failed?: boolean, own?: boolean}} Hold   no verdict yet; see `Judgement` in verdict.js */

/**
 * @param {object} parts
 * @param {import("./outbox-rows.js").Rows} parts.rows
 * @param {Pick<ReturnType<typeof import("./user.js").createUser>, "known" | "accept" | "refresh">} parts.user
 * @param {(json: string) => string} parts.basisOf   see outbox.js
 * @param {() => Promise<string>} parts.mintKey
 * @param {string} parts.origin   the site's own
 * @param {string} parts.release   id
 * @param {() => boolean} parts.development
 * @param {Pick<ReturnType<typeof import("./clock.js").createClock>, "now" | "wall" | "learn">} parts.clock
 * @param {(error: unknown) => void} parts.note
 * @param {(effects: string) => void} [parts.onApplied]   gets JSON of what an edge has confirmed
 */
export function createVerdicts({ rows, user, basisOf, mintKey, origin, release, development, clock, note, onApplied = () => {} }) {
  const counts = { applied: 0, replayed: 0, rejected: 0, unforeseen: 0 };

  /** @param {Row} row @param {Answer} answer @param {string | undefined} before @param {string | undefined} after */
  async function isForetold({ foretold, basis, method, path }, answer, before, after) {
    // A write that was run on another state says nothing about how well we foretell.
    if (foretold === null || before === undefined || basis !== basisOf(before)) return false;
    const outcome = await outcomeOf(answer, stateOf(after), { origin, development: development() });
    const lines = differences({ ...foretold, state: foretold.state ?? stateOf(before) }, outcome);
    if (lines.length === 0) return true;
    counts.unforeseen += 1;
    note([`${method} ${path} went otherwise than foretold`, ...lines].join("\n  "));
    return false;
  }

  /** @param {Row} row @param {Answer} answer @param {Verdict} verdict */
  async function close({ seq }, answer, verdict) {
    const before = await user.known();
    await user.accept(answer.headers.get(HEADER.view));
    const after = await user.known();
    const row = rows.get(seq);
    if (row === undefined) return; // discarded meanwhile
    counts[verdict] += 1;
    const asForetold = await isForetold(row, answer, before, after);
    if (asForetold && before !== undefined && after !== undefined) {
      for (const other of rows.of(after)) if (other.basis === basisOf(before)) other.basis = basisOf(after);
    } else {
      rows.outdate(seq);
    }
    // A refusal that the user has seen needs no second word.
    if (verdict !== "rejected" || row.shown === answer.status) {
      await rows.drop(seq);
    } else {
      const refusal = { status: answer.status, type: answer.headers.get("content-type") ?? "", body: answer.body, at: clock.now() };
      await rows.change([{ ...row, state: "rejected", refusal }]);
    }
    const { key, method, path } = row;
    rows.announce(after, [{ seq, key, method, path, verdict, asForetold }]);
    if (verdict !== "rejected" && row.effects !== "") onApplied(row.effects);
  }

  /** @param {Row} row @param {Answer} answer @param {Verdict} verdict @returns {Promise<undefined>} */
  async function end(row, answer, verdict) {
    await rows.turn(() => close(row, answer, verdict));
  }

  /**
   * Whether edges have had trouble with a write for so long that those behind it should not wait any longer. Then it is
   * put aside and shown, as one that was refused. @param {Row} row @param {Answer} answer @param {string} why
   */
  function isOver(row, { status }, why) {
    row.trouble = { status, why, since: row.trouble?.since ?? clock.now() };
    return clock.now() - row.trouble.since >= LONGEST_TROUBLE;
  }

  /**
   * Whether a write counts as too old only because this device's clock was wrong when the user acted, or has been set
   * right since. How long it has waited that clock knows all the same. Then it is dated anew.
   *
   * @param {Row} row @param {Answer} answer
   */
  function isWronglyDated(row, { status, headers }) {
    const [there, waited] = [Date.parse(headers.get("date") ?? ""), clock.wall() - (row.wall ?? Number.NaN)];
    const isFresh = status === 410 && waited >= 0 && waited < LONGEST_WAIT && there - row.time > LONGEST_WAIT;
    if (isFresh) Object.assign(row, { time: there - waited, basis: "" });
    return isFresh;
  }

  /** Change a row of whoever is here now. @param {number} seq @param {(row: Row) => Promise<void>} change */
  const own = (seq, change) =>
    rows.turn(async () => {
      const [json, row] = [await user.known(), rows.get(seq)];
      if (row === undefined || json === undefined || !isBy(row, authorOf(json))) return;
      await change(row);
      rows.announce(json);
    });

  return {
    /** What became of the writes since this worker started; `unforeseen`: foretold otherwise. */
    counts: () => ({ ...counts }),

    /**
     * An edge has answered. If that was its last word the row goes, or becomes a rejected one.
     *
     * @param {Row} row
     * @param {Answer} answer
     * @returns {Promise<Hold | undefined>}
     */
    async settle(row, answer) {
      clock.learn(answer);
      const judged = judge(answer, row.tries);
      if ("again" in judged) {
        if (judged.failed) row.tries += 1;
        if (STRANGER.has(answer.status)) await user.refresh();
        else if (judged.own && isOver(row, answer, judged.again)) return end(row, answer, "rejected");
        rows.change([row]).catch(note);
        return judged;
      }
      if (isWronglyDated(row, answer)) {
        rows.change([row]).catch(note);
        return { again: "the clock of this device is wrong", after: 0 };
      }
      // Applied, but the answer that said what came of it got lost.
      const lacks = judged.verdict !== "rejected" && (row.foretold?.state ?? null) !== null && !answer.headers.has(HEADER.view);
      if (lacks && !(await user.refresh())) return { again: "what came of it is not known yet", after: 0 };
      return end(row, answer, judged.verdict);
    },

    /** Send a rejected write once more, as a new one. @param {number} seq */
    retry: (seq) =>
      own(seq, async (row) => {
        if (row.state !== "rejected") return;
        const key = await mintKey();
        const headers = new Headers(row.headers);
        headers.set(HEADER.key, key); // counts more than that of a form
        const { seq: _, refusal: __, trouble: ___, ...rest } = row;
        await rows.replace(seq, { ...rest, ...untold(release), key, headers: [...headers], time: clock.now(), wall: clock.wall() });
      }),

    /** Forget a write. @param {number} seq */
    discard: (seq) =>
      own(seq, async () => {
        rows.outdate(seq);
        await rows.drop(seq);
      }),
  };
}

/** @param {string | undefined} json   a view @returns {string | null} */
function stateOf(json) {
  return json === undefined ? null : JSON.stringify(JSON.parse(json).state);
}
