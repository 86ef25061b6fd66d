// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { openStore } from "../../browser/store.js";

const increment = (/** @type {number | undefined} */ old) => (old ?? 0) + 1;

for (const [name, factory] of /** @type {[string, any][]} */ ([
  ["missing", undefined],
  ["refused", { open: () => assert.fail("SecurityError") }],
])) {
  test(`where IndexedDB is ${name}, memory has to do`, async () => {
    const store = openStore(factory);
    assert.equal(await store.get("n"), undefined);
    assert.deepEqual(await Promise.all([store.update("n", increment), store.update("n", increment)]), [1, 2]);
    assert.equal(await store.get("n"), 2);
    assert.equal(await store.lasts(), false);
  });
}

test("an IndexedDB that never opens is given up", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const store = openStore(/** @type {any} */ ({ open: () => ({}) }));
  const value = store.update("n", increment);
  context.mock.timers.tick(2_000);
  assert.equal(await value, 1);
});
