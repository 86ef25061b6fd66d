// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { createLull } from "../../browser/lull.js";

/** A lull on a clock that only moves by waiting. */
function lullOf() {
  const clock = { now: 0 };
  const lull = createLull(() => clock.now, async (ms) => void (clock.now += ms));
  return { lull, clock };
}

test("quiet is a moment without requests", async () => {
  const { lull, clock } = lullOf();
  await lull.during(Promise.resolve());
  await lull.quiet();
  assert.ok(clock.now >= 150 && clock.now < 500);
});

test("an open request puts it off, but not for ever", async () => {
  const { lull, clock } = lullOf();
  void lull.during(new Promise(() => {}));
  await lull.quiet();
  assert.ok(clock.now >= 3_000 && clock.now < 4_000);
});

test("requests keep their answers and their errors", async () => {
  const { lull } = lullOf();
  assert.equal(await lull.during(Promise.resolve(7)), 7);
  await assert.rejects(lull.during(Promise.reject(new Error("no"))), /no/);
});

test("a rest begins when it is asked for", async () => {
  const { lull, clock } = lullOf();
  clock.now = 60_000;
  await lull.rest(2_000, 15_000);
  assert.ok(clock.now >= 62_000 && clock.now < 63_000);
  void lull.during(new Promise(() => {}));
  await lull.rest(2_000, 15_000);
  assert.ok(clock.now >= 77_000 && clock.now < 79_000);
});
