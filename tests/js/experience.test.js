// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { createExperience } from "../../browser/experience.js";
import { BROKEN_STORE, memoryStore } from "./fakes.js";

/** @param {import("../../browser/store.js").Store} store */
function experienceOf(store, release = "r") {
  const clock = { now: 0 };
  return { clock, ...createExperience({ store, release, now: () => clock.now }) };
}

const kept = () => new Promise((resolve) => setImmediate(resolve));

test("a slow route is remembered for ten minutes, beyond the end of the worker", async () => {
  const store = memoryStore();
  experienceOf(store).wasSlow("/search");
  await kept();
  const { isSlow, clock, loaded } = experienceOf(store);
  await loaded;
  assert.equal(isSlow("/search"), true);
  assert.equal(isSlow("/"), false);
  clock.now = 600_000;
  assert.equal(isSlow("/search"), false);
});

test("another release starts anew", async () => {
  const store = memoryStore();
  const old = experienceOf(store);
  old.wasSlow("/search");
  old.answered("/", true);
  await kept();
  const { known, loaded } = experienceOf(store, "s");
  await loaded;
  assert.deepEqual(known(), { release: "s", slow: {}, alone: [] });
});

test("the newest answer says whether a route needs the network", async () => {
  const store = memoryStore();
  const { answered, known } = experienceOf(store);
  answered("/", true);
  answered("/orders", true);
  answered("/orders", false);
  assert.deepEqual(known().alone, ["/"]);
  await kept();
  assert.deepEqual((await store.get("routes")).alone, ["/"]);
});

test("a store that fails is no reason to fail", async () => {
  const { loaded, wasSlow, isSlow } = experienceOf(BROKEN_STORE);
  await loaded;
  wasSlow("/");
  await kept();
  assert.equal(isSlow("/"), true);
});
