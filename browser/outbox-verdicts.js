// @ts-check
/** Ends of writes in the outbox: by an edge's verdict, or because their author says so. */

import { outcomeOf } from "./foretell.js";
import { isBy, untold } from "./outbox-row.js";
import { authorOf } from "./outbox-rows.js";
import { HEADER } from "./protocol.js";
import { differences, judge } from "./verdict.js";

const STRANGER = new Set([401, 412]); // the session has ended, or is not the one that we know

/** @typedef {import("./outbox-row.js").Row} Row */
/** @typedef {import("./verdict.js").Answer} Answer */
/** @typedef {import("./verdict.js").Verdict} Verdict */
/** @typedef {{again: string, after: number, failed?: boolean}} Hold   no verdict yet; see `Judgement` in verdict.js */

/**
 * @param {object} parts
 * @param {import("./outbox-rows.js").Rows} parts.rows
 * @param {Pick<ReturnType<typeof import("./user.js").createUser>, "known" | "accept" | "refresh">} parts.user
 * @param {(json: string) => string} parts.basisOf   see outbox.js
 * @param {() => Promise<string>} parts.mintKey
 * @param {string} parts.origin   the site's own
 * @param {string} parts.release   id
 * @param {() => boolean} parts.development
 * @param {() => number} parts.now   ms since 1970
 * @param {(error: unknown) => void} parts.note
 * @param {(effects: string) => void} [parts.onApplied]   gets JSON of what an edge has confirmed
 */
export function createVerdicts({ rows, user, basisOf, mintKey, origin, release, development, now, note, onApplied = () => {} }) {
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
      const refusal = { status: answer.status, type: answer.headers.get("content-type") ?? "", body: answer.body, at: now() };
      await rows.change([{ ...row, state: "rejected", refusal }]);
    }
    const { key, method, path } = row;
    rows.announce(after, [{ seq, key, method, path, verdict, asForetold }]);
    if (verdict !== "rejected" && row.effects !== "") onApplied(row.effects);
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
      const judged = judge(answer, row.tries);
      if ("again" in judged) {
        if (judged.failed) {
          row.tries += 1;
          rows.change([row]).catch(note);
        }
        if (STRANGER.has(answer.status)) await user.refresh();
        return judged;
      }
      // Applied, but the answer that said what came of it got lost.
      const lacks = judged.verdict !== "rejected" && (row.foretold?.state ?? null) !== null && !answer.headers.has(HEADER.view);
      if (lacks && !(await user.refresh())) return { again: "what came of it is not known yet", after: 0 };
      await rows.turn(() => close(row, answer, judged.verdict));
      return undefined;
    },

    /** Send a rejected write once more, as a new one. @param {number} seq */
    retry: (seq) =>
      own(seq, async (row) => {
        if (row.state !== "rejected") return;
        const key = await mintKey();
        const headers = new Headers(row.headers);
        headers.set(HEADER.key, key); // counts more than that of a form
        const { seq: _, refusal: __, ...rest } = row;
        await rows.replace(seq, { ...rest, ...untold(release), key, headers: [...headers], time: now() });
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
