// @ts-check
/** The outbox on disk: an object store of IndexedDB in which rows have growing numbers. */

import { OUTBOX, openDatabase, result } from "./database.js";

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

  /** @template T @param {IDBTransactionDurability} durability @param {(table: IDBObjectStore) => Promise<T>} work @returns {Promise<T>} */
  async function write(durability, work) {
    const done = await database.run(OUTBOX, durability, async (table) => ({ value: await work(table) }));
    if (done === null) throw new Error("this browser keeps nothing");
    return done.value;
  }

  /** Its number, once it is on disk. @param {Omit<Row, "seq">} row @param {number} [old]   that it takes the place of */
  const insert = (row, old) =>
    // "strict": the user is told that it is done, so it has to be there after a power cut.
    write("strict", async (table) => {
      if (old !== undefined) table.delete(old);
      return Number(await result(table.add(row)));
    });

  return {
    all: async () => (await database.run(OUTBOX, "", (table) => result(table.getAll()))) ?? [],

    add: (row) => insert(row),
    replace: (old, row) => insert(row, old),

    // What gets lost below is found out again: nothing is sent twice with an effect.
    put: (rows) =>
      write("relaxed", async (table) => {
        for (const row of rows) {
          table.getKey(row.seq).onsuccess = ({ target }) => {
            if (/** @type {IDBRequest} */ (target).result !== undefined) table.put(row);
          };
        }
      }),

    remove: (seq) => write("relaxed", async (table) => void table.delete(seq)),
  };
}
