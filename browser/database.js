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

/** @typedef {() => Promise<IDBDatabase | null>} Database   null: this browser keeps nothing (private mode, policy) */

/**
 * @param {IDBFactory | undefined} factory
 * @returns {Database}
 */
export function openDatabase(factory) {
  /** @type {Promise<IDBDatabase | null> | undefined} */
  let opening;
  /** @type {Promise<null> | undefined} */
  let late;
  return () => {
    opening ??= open(factory, () => (opening = undefined)).catch(() => null);
    // Some browsers never answer instead of refusing. Whoever asks after that waits no more, until it is there.
    late ??= delay(PATIENCE).then(() => null);
    return Promise.race([opening, late]);
  };
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
export function finished(transaction) {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
}
