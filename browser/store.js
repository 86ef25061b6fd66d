// @ts-check
/** A small key-value store in IndexedDB; memory where the browser refuses one (private mode, policy). */

import { VALUES, finished, openDatabase, result } from "./database.js";

/**
 * @typedef {object} Store
 * @property {(key: string) => Promise<any>} get   undefined when absent
 * @property {(key: string, change: (old: any) => any) => Promise<any>} update
 *   one transaction; resolves to the new value once it is on disk
 * @property {() => Promise<boolean>} lasts   whether what is kept here outlives this worker
 */

/**
 * @param {IDBFactory | undefined} factory
 * @returns {Store}
 */
export function openStore(factory) {
  const database = openDatabase(factory);
  const memory = new Map();
  return {
    async get(key) {
      const db = await database();
      if (db === null) return memory.get(key);
      return result(db.transaction(VALUES).objectStore(VALUES).get(key));
    },

    async update(key, change) {
      const db = await database();
      if (db === null) {
        const value = change(memory.get(key));
        memory.set(key, value);
        return value;
      }
      // "strict": a number that was given out must not be given out again after a power cut.
      const transaction = db.transaction(VALUES, "readwrite", { durability: "strict" });
      const table = transaction.objectStore(VALUES);
      const value = change(await result(table.get(key)));
      table.put(value, key);
      await finished(transaction);
      return value;
    },

    lasts: async () => (await database()) !== null,
  };
}
