// @ts-check
/** The outbox on disk: an object store of IndexedDB in which rows have growing numbers. */

import { OUTBOX, finished, openDatabase, result } from "./database.js";

/** @typedef {import("./outbox-row.js").Row} Row */

/**
 * @typedef {object} Table
 * @property {() => Promise<Row[]>} all   in the order in which they were added
 * @property {(row: Omit<Row, "seq">) => Promise<number>} add   its number, once it is on disk; rejects if it
 *   cannot be kept
 * @property {(seq: number, row: Omit<Row, "seq">) => Promise<number>} replace   as `add`, and that one is gone
 * @property {(rows: Row[]) => Promise<void>} put   those that are still there
 * @property {(seq: number) => Promise<void>} remove
 */

/**
 * @param {IDBFactory | undefined} factory
 * @returns {Table}
 */
export function openTable(factory) {
  const database = openDatabase(factory);

  /** @param {IDBTransactionDurability} durability */
  async function begin(durability) {
    const db = await database();
    if (db === null) throw new Error("this browser keeps nothing");
    const transaction = db.transaction(OUTBOX, "readwrite", { durability });
    return { transaction, table: transaction.objectStore(OUTBOX) };
  }

  /** Its number, once it is on disk. @param {Omit<Row, "seq">} row @param {number} [old]   that it takes the place of */
  async function insert(row, old) {
    // "strict": the user is told that it is done, so it has to be there after a power cut.
    const { transaction, table } = await begin("strict");
    if (old !== undefined) table.delete(old);
    const adding = result(table.add(row));
    const [seq] = await Promise.all([adding, finished(transaction)]);
    return Number(seq);
  }

  return {
    async all() {
      const db = await database();
      return db === null ? [] : result(db.transaction(OUTBOX).objectStore(OUTBOX).getAll());
    },

    add: (row) => insert(row),
    replace: (old, row) => insert(row, old),

    // What gets lost below is found out again: nothing is sent twice with an effect.
    async put(rows) {
      const { transaction, table } = await begin("relaxed");
      for (const row of rows) {
        table.getKey(row.seq).onsuccess = ({ target }) => {
          if (/** @type {IDBRequest} */ (target).result !== undefined) table.put(row);
        };
      }
      await finished(transaction);
    },

    async remove(seq) {
      const { transaction, table } = await begin("relaxed");
      table.delete(seq);
      await finished(transaction);
    },
  };
}
