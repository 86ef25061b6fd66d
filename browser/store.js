// @ts-check
/** A small key-value store in IndexedDB; memory where the browser refuses one (private mode, policy). */

import { DATABASE } from "./protocol.js";

const TABLE = "values";
const PATIENCE = 2_000; // ms

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
  /** @type {Promise<IDBDatabase | null> | undefined} */
  let opening;
  const memory = new Map();

  function database() {
    // Some browsers never answer instead of refusing.
    const late = delay(PATIENCE).then(() => null);
    opening ??= Promise.race([open(factory, () => (opening = undefined)), late]).catch(() => null);
    return opening;
  }

  return {
    async get(key) {
      const db = await database();
      if (db === null) return memory.get(key);
      return result(db.transaction(TABLE).objectStore(TABLE).get(key));
    },

    async update(key, change) {
      const db = await database();
      if (db === null) {
        const value = change(memory.get(key));
        memory.set(key, value);
        return value;
      }
      // "strict": a number that was given out must not be given out again after a power cut.
      const transaction = db.transaction(TABLE, "readwrite", { durability: "strict" });
      const table = transaction.objectStore(TABLE);
      const value = change(await result(table.get(key)));
      table.put(value, key);
      await finished(transaction);
      return value;
    },

    lasts: async () => (await database()) !== null,
  };
}

/** @param {IDBFactory | undefined} factory @param {() => void} onClose @returns {Promise<IDBDatabase>} */
async function open(factory, onClose) {
  if (factory === undefined) throw new Error("no IndexedDB");
  const request = factory.open(DATABASE, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(TABLE);
  const db = await result(request);
  db.onclose = onClose; // the user cleared the site's data
  db.onversionchange = () => {
    db.close(); // a later release changes the layout; holding on would block it for ever
    onClose();
  };
  return db;
}

/** @param {number} ms @returns {Promise<void>} */
function delay(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
function result(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** @param {IDBTransaction} transaction @returns {Promise<void>} */
function finished(transaction) {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
}
