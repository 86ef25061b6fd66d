// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { createLog } from "../../browser/log.js";

/** @param {boolean} development */
function logOf(development) {
  /** @type {[string, string][]} */
  const lines = [];
  const console = {
    debug: (/** @type {string} */ text) => void lines.push(["debug", text]),
    error: (/** @type {string} */ text) => void lines.push(["error", text]),
  };
  return { lines, ...createLog({ now: () => 7, console, development: () => development }) };
}

const later = () => new Promise((resolve) => setTimeout(resolve, 5));
const TRACEBACK = ["GET / failed", "Traceback (most recent call last):", "ZeroDivisionError: division by zero"];

test("what Python prints in one go is one message", async () => {
  const { print, lines } = logOf(true);
  print("one");
  print("two");
  await later();
  print("three");
  await later();
  assert.deepEqual(lines, [["debug", "one\ntwo"], ["debug", "three"]]);
});

test("a traceback is an error in development, and kept", async () => {
  for (const development of [true, false]) {
    const { print, lines, errors } = logOf(development);
    TRACEBACK.forEach(print);
    await later();
    assert.deepEqual(lines, [[development ? "error" : "debug", TRACEBACK.join("\n")]]);
    assert.deepEqual(errors(), [{ at: 7, what: TRACEBACK.join("\n") }]);
  }
});

test("only the newest errors are kept", () => {
  const { note, errors } = logOf(false);
  for (let i = 0; i < 30; i++) note(new Error(`error ${i}`));
  assert.deepEqual([errors().length, errors()[0]?.what, errors().at(-1)?.what], [20, "error 10", "error 29"]);
});
