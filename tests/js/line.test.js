// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { createLine, webLock } from "../../browser/line.js";

/** @typedef {import("../../browser/outbox-verdicts.js").Hold} Hold */

const HOLD = { again: "offline", after: 0 };

/** @param {(seq: number) => Promise<Hold | undefined> | Hold | undefined} deliver @param {number} [count] */
function lineOf(deliver, count = 3) {
  const clock = { now: 0 };
  const queue = Array.from({ length: count }, (_, i) => i + 1);
  /** @type {number[]} */
  const sent = [];
  /** @type {string[]} */
  const halts = [];
  /** @type {{at: number, work: () => void}[]} */
  const timers = [];
  const line = createLine({
    next: async () => /** @type {any} */ (queue.length > 0 ? { seq: queue[0] } : undefined),
    async deliver({ seq }) {
      sent.push(seq);
      const hold = await deliver(seq);
      if (hold === undefined) queue.shift();
      return hold;
    },
    lock: (_mode, work) => work(),
    now: () => clock.now,
    random: () => 1,
    wait: (work, ms) => void timers.push({ at: clock.now + ms, work }),
    onHalt: (why) => void halts.push(why),
  });
  return { line, clock, queue, sent, halts, timers };
}

test("one after another, in order", async () => {
  let open = 0;
  const { line, sent, halts } = lineOf(async () => {
    assert.equal((open += 1), 1);
    await null;
    open -= 1;
    return undefined;
  });
  await Promise.all([line.flush(), line.flush(), line.flush({ urgent: true })]);
  assert.deepEqual([sent, halts], [[1, 2, 3], []]);
});

test("what stops one stops all behind it; each time it is left alone for longer", async () => {
  const { line, clock, sent, timers, halts } = lineOf(() => HOLD);
  for (const pause of [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]) {
    await line.flush();
    assert.equal(timers.at(-1)?.at, clock.now + pause);
    await line.flush(); // too early
    clock.now += pause;
  }
  assert.deepEqual([...new Set(sent)], [1]);
  assert.deepEqual([sent.length, halts.length], [8, 8]);
});

test("whoever is urgent does not wait", async () => {
  let fails = true;
  const { line, sent, halts } = lineOf(() => (fails ? HOLD : undefined));
  await line.flush();
  fails = false;
  await line.flush();
  assert.deepEqual(sent, [1]);
  await line.flush({ urgent: true });
  assert.deepEqual([sent, halts], [[1, 1, 2, 3], ["offline", ""]]);
});

test("an edge says for how long it wants to be left alone", async () => {
  const { line, timers } = lineOf(() => ({ again: "overloaded", after: 90_000 }));
  await line.flush();
  assert.equal(timers[0]?.at, 90_000);
});

test("what goes wrong on our side is tried again too", async () => {
  const { line, halts, timers } = lineOf(() => Promise.reject(new Error("a bug")));
  await line.flush();
  assert.deepEqual([halts, timers.length], [["Error: a bug"], 1]);
});

test("a look that fails is one more failure", async () => {
  const { line, halts } = lineOf(() => undefined);
  const broken = createLine({ ...{ deliver: async () => undefined, lock: (_mode, work) => work(), now: () => 0, random: () => 0, wait() {} }, next: () => Promise.reject(new Error("disk")), onHalt: (why) => void halts.push(why) });
  await broken.flush();
  await line.flush();
  assert.deepEqual(halts, ["Error: disk"]);
});

test("what is added while the last one is under way is sent as well", async () => {
  const { line, queue, sent } = lineOf((seq) => {
    if (seq === 1) void (queue.push(2), line.flush());
    return undefined;
  }, 1);
  await line.flush();
  assert.deepEqual(sent, [1, 2]);
});

test("what is added just after the last look is sent as well", async () => {
  const { line, queue, sent } = lineOf(() => undefined, 0);
  const first = line.flush();
  await null;
  queue.push(7);
  await Promise.all([first, line.flush()]);
  assert.deepEqual(sent, [7]);
});

test("requests of their own go beside each other, never beside one from the outbox", async () => {
  /** @type {string[]} */
  const modes = [];
  const locks = { request: async (/** @type {string} */ name, /** @type {any} */ { mode }, /** @type {() => unknown} */ work) => (modes.push(`${name} ${mode}`), work()) };
  const lock = webLock(/** @type {any} */ (locks), "a-lock");
  assert.equal(await lock("shared", async () => 7), 7);
  assert.equal(await lock("exclusive", async () => 8), 8);
  assert.deepEqual(modes, ["a-lock shared", "a-lock exclusive"]);
  assert.equal(await webLock(undefined, "a-lock")("shared", async () => 9), 9);
});
