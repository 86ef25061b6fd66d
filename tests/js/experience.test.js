// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { createExperience } from "../../browser/experience.js";
import { BROKEN_STORE, memoryNotes, memoryStore } from "./fakes.js";

/** @param {import("../../browser/store.js").Store} store */
function experienceOf(store, release = "r", notes = memoryNotes()) {
  const clock = { now: 0 };
  return { clock, notes, ...createExperience({ store, release, notes, now: () => clock.now }) };
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
  assert.deepEqual(known(), { release: "s", slow: {}, deadly: {}, alone: [] });
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

test("what ran when a worker died is left alone, for longer each time (P24)", async () => {
  const [store, notes] = [memoryStore(), memoryNotes()];
  const first = experienceOf(store, "r", notes);
  first.begins("/fine")();
  first.begins("/spin");
  first.begins("POST /cart");
  assert.deepEqual([...notes.names], ["r /spin", "r POST /cart"]);
  const second = experienceOf(store, "r", notes);
  await second.loaded;
  assert.deepEqual(["/fine", "/spin", "POST /cart"].map(second.isDeadly), [false, true, true]);
  assert.equal(notes.names.size, 0);
  second.clock.now = 600_000;
  assert.equal(second.isDeadly("/spin"), false);
  second.begins("/spin");
  await kept();
  const third = experienceOf(store, "r", notes);
  await third.loaded;
  third.clock.now = 1_199_999;
  assert.equal(third.isDeadly("/spin"), true);
});

test("what another release was running says nothing about this one (P24)", async () => {
  const notes = memoryNotes();
  experienceOf(memoryStore(), "r", notes).begins("/spin");
  const next = experienceOf(memoryStore(), "s", notes);
  await next.loaded;
  assert.deepEqual([next.isDeadly("/spin"), notes.names.size], [false, 0]);
});

test("a route that several requests run at once is noted until the last has its answer (P24)", () => {
  const { begins, notes } = experienceOf(memoryStore());
  const [one, two] = [begins("/"), begins("/")];
  one();
  assert.equal(notes.names.size, 1);
  two();
  assert.equal(notes.names.size, 0);
});

test("what runs already while the notes are being read has not killed anybody (P24)", async () => {
  const notes = memoryNotes();
  const { begins, isDeadly, loaded } = experienceOf(memoryStore(), "r", notes);
  begins("/");
  await loaded;
  assert.deepEqual([isDeadly("/"), notes.names.size], [false, 1]);
});
