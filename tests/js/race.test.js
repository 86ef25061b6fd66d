// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { race } from "../../browser/race.js";

/** @typedef {(answer: Response | null) => void} Answer */

/**
 * A race whose runners answer when the test says so.
 *
 * @param {import("../../browser/pool.js").Step[]} plan
 */
function start(plan, signal = new AbortController().signal) {
  /** @type {{to: string | number, signal: AbortSignal, answer: Answer, fail: (error: Error) => void}[]} */
  const begun = [];
  const result = race(
    plan,
    (to, signal) => new Promise((answer, fail) => void begun.push({ to, signal, answer, fail })),
    signal,
  );
  return { begun, result };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test("the next begins when its time has come, the first answer wins, the loser is aborted", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { begun, result } = start([{ to: 0, after: 0 }, { to: "local", after: 300 }, { to: 1, after: Infinity }]);
  context.mock.timers.tick(299);
  assert.deepEqual(begun.map(({ to }) => to), [0]);
  context.mock.timers.tick(1);
  assert.deepEqual(begun.map(({ to }) => to), [0, "local"]);
  begun[1]?.answer(new Response("local"));
  assert.equal(await (await result)?.text(), "local");
  assert.deepEqual(begun.map(({ signal }) => signal.aborted), [true, false]);
  context.mock.timers.tick(100_000);
  assert.equal(begun.length, 2);
});

test("a failure lets the next begin at once, when nobody else runs", async () => {
  const { begun, result } = start([{ to: 0, after: 0 }, { to: 1, after: 0 }, { to: "local", after: Infinity }]);
  while (begun.length < 2) await new Promise((resolve) => setTimeout(resolve));
  begun[0]?.answer(null);
  await settled();
  assert.equal(begun.length, 2);
  begun[1]?.answer(null);
  await settled();
  assert.deepEqual(begun.map(({ to }) => to), [0, 1, "local"]);
  begun[2]?.answer(null);
  assert.equal(await result, null);
});

test("an answer that comes too late is thrown away", async () => {
  const { begun, result } = start([{ to: 0, after: 0 }, { to: "local", after: 0 }]);
  while (begun.length < 2) await new Promise((resolve) => setTimeout(resolve));
  begun[1]?.answer(new Response("local"));
  await result;
  let cancelled = false;
  begun[0]?.answer(new Response(new ReadableStream({ cancel: () => void (cancelled = true) })));
  await settled();
  assert.ok(cancelled);
});

test("an error in our own code ends the race", async () => {
  const { begun, result } = start([{ to: 0, after: 0 }, { to: "local", after: Infinity }]);
  begun[0]?.fail(new TypeError("a bug"));
  await assert.rejects(result, /a bug/);
});

test("whoever asked and goes away aborts all; nobody means null", async () => {
  const gone = new AbortController();
  const { begun } = start([{ to: 0, after: 0 }], gone.signal);
  gone.abort();
  assert.equal(begun[0]?.signal.aborted, true);
  assert.equal(await start([]).result, null);
});
