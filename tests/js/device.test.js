// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { LIMITS, reasonToStay } from "../../browser/device.js";

test("a device of which little is known runs the app", () => {
  assert.equal(reasonToStay({ webAssembly: true }), undefined);
  assert.equal(reasonToStay({ webAssembly: true, memory: 8, quota: 1e9, connection: { effectiveType: "4g", saveData: false } }), undefined);
});

for (const [device, reason] of /** @type {const} */ ([
  [{ webAssembly: false }, /WebAssembly/],
  [{ webAssembly: true, connection: { saveData: true } }, /save data/],
  [{ webAssembly: true, connection: { metered: true } }, /metered/],
  [{ webAssembly: true, connection: { effectiveType: "2g" } }, /slow/],
  [{ webAssembly: true, connection: { effectiveType: "slow-2g" } }, /slow/],
  [{ webAssembly: true, memory: 1 }, /memory/],
  [{ webAssembly: true, quota: 10_000_000 }, /storage/],
])) {
  test(`${JSON.stringify(device)} stays on the edge`, () => assert.match(reasonToStay(device) ?? "", reason));
}

test("the limits are the app's to choose", () => {
  assert.equal(reasonToStay({ webAssembly: true, memory: 1 }, { ...LIMITS, memory: 0.5 }), undefined);
});
