// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { createClock } from "../../browser/clock.js";
import { BROKEN_STORE, memoryStore } from "./fakes.js";

const NOW = Date.parse("2026-11-22T12:00:00Z");
const DAY = 86_400_000;

/** An edge's answer. @param {string | null} date */
const answer = (date) => ({ headers: new Headers({ "edgekit-host": "native", ...(date === null ? {} : { date }) }) });
const at = (/** @type {number} */ ms) => answer(new Date(ms).toUTCString());

test("the time is an edge's, however wrong this device's clock is, and the next worker knows", async () => {
  // case P11
  for (const skew of [8 * DAY, -8 * DAY, -400 * DAY]) {
    const store = memoryStore();
    const clock = createClock({ store, wall: () => NOW });
    assert.equal(clock.now(), NOW);
    clock.learn(at(NOW + skew));
    assert.deepEqual([clock.now(), clock.wall()], [NOW + skew, NOW]);
    const next = createClock({ store, wall: () => NOW + 1_000 });
    await next.loaded;
    assert.equal(next.now(), NOW + skew + 1_000);
    next.learn(at(NOW)); // set right meanwhile
    assert.equal(next.now(), NOW + 1_000);
  }
});

test("a clock that differs a little is left alone", () => {
  const clock = createClock({ store: memoryStore(), wall: () => NOW });
  clock.learn(at(NOW + 3_000));
  assert.equal(clock.now(), NOW);
});

test("only an edge tells the time", () => {
  const clock = createClock({ store: BROKEN_STORE, wall: () => NOW });
  const portal = { headers: new Headers({ date: new Date(NOW + DAY).toUTCString() }) };
  for (const response of [portal, answer(null), answer("now")]) clock.learn(response);
  assert.equal(clock.now(), NOW);
});
