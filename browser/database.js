// @ts-check
/**
 * The kit's one database: values by name, and the outbox. It outlives every release, so whoever opens it takes
 * what is there and adds the tables that are missing.
 */

import { DATABASE } from "./protocol.js";

export const VALUES = "values";
export const OUTBOX = "outbox";
export const NOTES = "notes"; // of its own: no transaction that waits for us can be in its way
const TABLES = Object.freeze({ [VALUES]: {}, [OUTBOX]: { keyPath: "seq", autoIncrement: true }, [NOTES]: {} });

const PATIENCE = 2_000; // ms
// What a connection that somebody else has closed says; on iOS not even an event tells of it.
const LOST = new Set(["InvalidStateError", "AbortError", "UnknownError"]);

/**
 * @typedef {object} Database
 * @property {() => Promise<IDBDatabase | null>} connect   the connection itself, which somebody may close; null: as below
 * @property {() => Promise<boolean>} lasts   whether this browser keeps anything (not in private mode, or by policy)
 * @property {<T>(table: string, durability: IDBTransactionDurability | "", work: (table: IDBObjectStore) => Promise<T>) => Promise<T | null>} run
 *   one transaction, its end included: to read ("") or to write. `work` runs once more if the connection is lost, which
 *   undoes what it has done; so a row may be added twice, if only word of its end got lost. Null: nothing is kept here
 */

/**
 * @param {IDBFactory | undefined} factory
 * @returns {Database}
 */
export function openDatabase(factory) {
  /** @type {{db: Promise<IDBDatabase | null>, soon: Promise<IDBDatabase | null>} | undefined} */
  let opening;

  function connect() {
    if (opening !== undefined) return opening.soon;
    const forget = () => {
      if (opening === mine) opening = undefined;
    };
    const db = open(factory, forget).catch(() => (forget(), null));
    // Some browsers never answer instead of refusing. Whoever asks after that waits no more, until it is there.
    const mine = { db, soon: Promise.race([db, delay(PATIENCE).then(() => null)]) };
    void db.then((found) => (mine.soon = Promise.resolve(found)));
    opening = mine;
    return mine.soon;
  }

  /** @param {IDBDatabase} db */
  async function drop(db) {
    const known = opening;
    if (known !== undefined && (await known.db) === db && opening === known) opening = undefined;
    db.close();
  }

  /** @type {Database["run"]} */
  async function run(name, durability, work) {
    for (let isAgain = false; ; isAgain = true) {
      const db = await connect();
      if (db === null) return null;
      try {
        const transaction = db.transaction(name, durability === "" ? "readonly" : "readwrite", durability === "" ? {} : { durability });
        const [value] = await Promise.all([work(transaction.objectStore(name)), finished(transaction)]);
        return value;
      } catch (error) {
        if (isAgain || !LOST.has(/** @type {Error} */ (error)?.name)) throw error;
        await drop(db);
      }
    }
  }

  return { run, connect, lasts: async () => (await connect()) !== null };
}

/** @param {IDBFactory | undefined} factory @param {() => void} onClose @returns {Promise<IDBDatabase>} */
async function open(factory, onClose) {
  if (factory === undefined) throw new Error("no IndexedDB");
  let db = await upgraded(factory.open(DATABASE));
  if (Object.keys(TABLES).some((name) => !db.objectStoreNames.contains(name))) {
    db.close(); // made by an older release
    db = await upgraded(factory.open(DATABASE, db.version + 1));
  }
  db.onclose = onClose; // the user cleared the site's data
  db.onversionchange = () => {
    db.close(); // another release adds a table; holding on would block it for ever
    onClose();
  };
  return db;
}

/** @param {IDBOpenDBRequest} request */
function upgraded(request) {
  request.onupgradeneeded = () => {
    for (const [name, options] of Object.entries(TABLES)) {
      if (!request.result.objectStoreNames.contains(name)) request.result.createObjectStore(name, options);
    }
  };
  return result(request);
}

/** @param {number} ms @returns {Promise<void>} */
function delay(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
export function result(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** Until it is on disk, if that is what the transaction asks for. @param {IDBTransaction} transaction @returns {Promise<void>} */
function finished(transaction) {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new DOMException("the connection was closed", "AbortError"));
  });
}
