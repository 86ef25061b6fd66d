// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { createAwake } from "../../browser/awake.js";

const turn = () => new Promise((resolve) => setImmediate(resolve));

function world() {
  /** @type {unknown[]} */
  const told = [];
  /** @type {(() => void)[]} */
  const delays = [];
  const page = { postMessage: (/** @type {unknown} */ message) => void told.push(message) };
  const awake = createAwake({ pages: async () => [page], delay: () => new Promise((resolve) => delays.push(resolve)) });
  const tick = async () => (delays.shift()?.(), turn());
  return { awake, told, delays, tick };
}

// case P15
test("while something goes on, pages are asked to answer; afterwards no more", async () => {
  const { awake, told, delays, tick } = world();
  /** @type {(() => void)[]} */
  const ends = [];
  const works = [0, 1].map(() => awake.during(new Promise((resolve) => ends.push(() => resolve(undefined)))));
  for (let i = 0; i < 3; i += 1) await tick();
  assert.deepEqual([told.length, told[0], delays.length], [3, { type: "stay" }, 1]);
  ends[0]?.();
  await tick();
  assert.equal(told.length, 4);
  ends[1]?.();
  await Promise.all(works);
  await tick();
  assert.deepEqual([told.length, delays.length], [4, 0]);
  void awake.during(Promise.reject(new Error("it failed"))).catch(() => {});
  await tick();
  assert.deepEqual([told.length, delays.length], [4, 0]);
});

test("no event is held for as long as a browser would stop the worker for", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { awake } = world();
  let isOver = false;
  void awake.during(new Promise(() => {})).then(() => (isOver = true));
  context.mock.timers.tick(119_999);
  await turn();
  assert.equal(isOver, false);
  context.mock.timers.tick(1);
  await turn();
  assert.equal(isOver, true);
});
