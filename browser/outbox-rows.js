// @ts-check
/** The rows of the outbox in memory and on disk, and what pages hear about them. */

import { isBy } from "./outbox-row.js";

/** @typedef {import("./outbox-row.js").Row} Row */
/** @typedef {import("./outbox-row.js").Author} Author */

/**
 * @typedef {import("./protocol.js").OutboxState} Told   what pages and other workers hear
 * @typedef {ReturnType<typeof createRows>} Rows
 */

/**
 * @param {object} parts
 * @param {import("./outbox-table.js").Table} parts.table
 * @param {(told: Told) => void} parts.tell
 * @param {(error: unknown) => void} parts.note
 */
export function createRows({ table, tell, note }) {
  /** @type {Map<number, Row>} */
  let rows = new Map();
  let halted = "";
  /** @type {Promise<unknown>} */
  let last = Promise.resolve();

  async function load() {
    rows = new Map((await table.all()).map((row) => [row.seq, row]));
  }

  /**
   * One step at a time: each rests on what the one before has left.
   *
   * @template T @param {() => Promise<T>} step @returns {Promise<T>}
   */
  function turn(step) {
    const result = last.then(step);
    last = result.catch(() => {});
    return result;
  }

  /** @param {string | undefined} json   the view of whoever is here now @param {Row["state"]} [state] @returns {Row[]} */
  function of(json, state = "waiting") {
    const author = json === undefined ? undefined : authorOf(json);
    return [...rows.values()].filter((row) => row.state === state && isBy(row, author));
  }

  const loaded = turn(load).catch(note);

  return {
    turn,
    of,

    /** Before it nothing is known of what an earlier worker has kept. */
    loaded,

    /** Another worker has changed what is on disk. */
    reload: () => turn(load),

    all: () => [...rows.values()],

    /** @param {number} seq */
    get: (seq) => rows.get(seq),

    /** Resolves once it cannot get lost any more; rejects if that fails. @param {Omit<Row, "seq">} row @returns {Promise<number>} */
    keep: (row) => table.add(row),

    /** What was kept counts from now on. @param {Row} row */
    enter: (row) => void rows.set(row.seq, row),

    /** One for another, never both and never none. @param {number} seq @param {Omit<Row, "seq">} row */
    async replace(seq, row) {
      const added = await table.replace(seq, row);
      rows.delete(seq);
      rows.set(added, { ...row, seq: added });
    },

    /** @param {number} seq */
    async drop(seq) {
      rows.delete(seq);
      await table.remove(seq);
    },

    /** @param {Row[]} changed */
    async change(changed) {
      for (const row of changed) if (rows.has(row.seq)) rows.set(row.seq, row);
      await table.put(changed);
    },

    /** What came after a write was run on something that is no longer so. @param {number} seq */
    outdate(seq) {
      for (const row of rows.values()) if (row.seq > seq) row.basis = "";
    },

    /** @param {string} why   they cannot be sent; "": they can */
    halt: (why) => void (halted = why),

    /** @param {string | undefined} json   the view of whoever is here now */
    list(json) {
      const [waiting, rejected] = [of(json), of(json, "rejected")];
      return { waiting, rejected, others: rows.size - waiting.length - rejected.length, halted };
    },

    /** @param {string | undefined} json   the view of whoever is here now @param {Told["verdicts"]} [verdicts] */
    announce: (json, verdicts = []) => tell({ waiting: of(json).length, rejected: of(json, "rejected").length, halted, verdicts }),
  };
}

/** @param {string} json   a view @returns {Author} */
export function authorOf(json) {
  const { sub, sid, guest, frm } = JSON.parse(json);
  return { sub, sid, guest, frm };
}
