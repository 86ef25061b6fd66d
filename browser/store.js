// @ts-check
/** A small key-value store in IndexedDB; memory where the browser refuses one (private mode, policy). */

import { VALUES, openDatabase, result } from "./database.js";

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
      const found = await database.run(VALUES, "", async (table) => ({ value: await result(table.get(key)) }));
      return found === null ? memory.get(key) : found.value;
    },

    async update(key, change) {
      // "strict": a number that was given out must not be given out again after a power cut.
      const done = await database.run(VALUES, "strict", async (table) => {
        const value = change(await result(table.get(key)));
        table.put(value, key);
        return { value };
      });
      if (done !== null) return done.value;
      const value = change(memory.get(key));
      memory.set(key, value);
      return value;
    },

    lasts: database.lasts,
  };
}
