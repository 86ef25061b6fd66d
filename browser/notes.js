// @ts-check
/**
 * Notes that reach the disk although this thread may never run again: each is on its way before the call returns,
 * and nobody waits for it. Where IndexedDB is refused, or not open yet, there are none.
 */

import { NOTES, openDatabase, result } from "./database.js";

/**
 * @typedef {object} Notes
 * @property {(name: string) => void} write
 * @property {(name: string) => void} erase
 * @property {() => Promise<string[]>} all   what was written and not erased, by whichever worker; opens the database
 */

/** @param {IDBFactory | undefined} factory @returns {Notes} */
export function openNotes(factory) {
  const database = openDatabase(factory);
  /** @type {IDBDatabase | null} */
  let open = null;

  /** @param {(table: IDBObjectStore) => unknown} change */
  function go(change) {
    try {
      const transaction = open?.transaction(NOTES, "readwrite", { durability: "relaxed" });
      if (transaction === undefined) return;
      change(transaction.objectStore(NOTES));
      transaction.commit(); // by itself it would come to that only when this thread has time
    } catch {
      open = null; // it was closed
      void all().catch(() => {});
    }
  }

  /** @returns {Promise<string[]>} */
  async function all() {
    const names = await database.run(NOTES, "", (table) => result(table.getAllKeys())); // opens it again if need be
    open = await database.connect();
    return (names ?? []).map(String);
  }

  return {
    write: (name) => go((table) => table.put(true, name)),
    erase: (name) => go((table) => table.delete(name)),
    all,
  };
}
