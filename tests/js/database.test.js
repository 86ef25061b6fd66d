// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { OUTBOX, VALUES, openDatabase, result } from "../../browser/database.js";

/** A request that is answered a moment later. @param {any} value */
function asking(value) {
  /** @type {any} */
  const request = { result: value };
  queueMicrotask(() => request.onsuccess?.());
  return request;
}

/** An IndexedDB whose connections a test can break. */
function fakeFactory() {
  /** @type {any[]} */
  const connections = [];
  const state = { breaks: false, values: new Map([["n", 1]]), reads: 0 };
  const factory = {
    open() {
      /** @type {any} */
      const db = {
        objectStoreNames: { contains: () => true },
        isClosed: false,
        breaks: false,
        close: () => void (db.isClosed = true),
        transaction() {
          if (db.isClosed) throw new DOMException("closing", "InvalidStateError");
          /** @type {any} */
          const transaction = { objectStore: () => ({ get: (/** @type {string} */ key) => (state.reads++, asking(state.values.get(key))) }) };
          setImmediate(() => (db.breaks || state.breaks ? transaction.onabort() : transaction.oncomplete()));
          transaction.error = null;
          return transaction;
        },
      };
      connections.push(db);
      return asking(db);
    },
  };
  const database = openDatabase(/** @type {any} */ (factory));
  return { database, connections, state, read: () => database.run(VALUES, "", (table) => result(table.get("n"))) };
}

// case H8
test("a connection that was closed from outside is opened again, with an event or without one", async () => {
  for (const close of [(/** @type {any} */ db) => db.onversionchange(), (/** @type {any} */ db) => db.onclose(), (/** @type {any} */ db) => db.close()]) {
    const { read, connections, database } = fakeFactory();
    assert.equal(await read(), 1);
    for (let i = 1; i <= 3; i += 1) {
      close(connections.at(-1));
      assert.equal(await read(), 1);
      assert.equal(connections.length, i + 1);
    }
    assert.equal(await database.lasts(), true);
  }
});

test("what a lost connection has undone is done once more, and not for ever", async () => {
  const { read, connections, state } = fakeFactory();
  assert.equal(await read(), 1);
  connections[0].breaks = true;
  assert.equal(await read(), 1);
  assert.deepEqual([connections.length, connections[0].isClosed, state.reads], [2, true, 3]);
  state.breaks = true;
  await assert.rejects(read(), { name: "AbortError" });
});

test("a full disk is not tried twice", async () => {
  const { database, connections } = fakeFactory();
  let tries = 0;
  const full = async () => ((tries += 1), Promise.reject(new DOMException("no room", "QuotaExceededError")));
  await assert.rejects(database.run(OUTBOX, "strict", full), { name: "QuotaExceededError" });
  assert.deepEqual([tries, connections.length], [1, 1]);
});

test("after a connection was lost, a new one gets its time", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { read, connections } = fakeFactory();
  assert.equal(await read(), 1);
  context.mock.timers.tick(5_000); // by then the first one's time is over
  connections[0].onclose();
  assert.equal(await read(), 1);
});

test("where nothing is kept, that is said", async () => {
  const database = openDatabase(undefined);
  assert.deepEqual([await database.run(VALUES, "", async () => 1), await database.lasts()], [null, false]);
});
