// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { BadAnswer, createAnswer } from "../../browser/node/answer.js";

/** What Node's `ServerResponse` is asked to do. */
function fake() {
  /** @type {any[]} */
  const calls = [];
  const outgoing = {
    writeHead: (/** @type {number} */ status, /** @type {string[]} */ fields) => void calls.push([status, ...fields]),
    write: (/** @type {Uint8Array} */ bytes, /** @type {() => void} */ sent) => void (calls.push(String(bytes)), sent()),
    end: (/** @type {Uint8Array | undefined} */ bytes) => void calls.push(["end", String(bytes ?? "")]),
  };
  return { calls, answer: (isHead = false) => createAnswer(/** @type {any} */ (outgoing), isHead) };
}

const bytes = (/** @type {string} */ text) => Buffer.from(text);
const LENGTH = "content-length\x0010";

test("an answer goes out as the app says it, each header by itself", () => {
  const { calls, answer } = fake();
  const { head, part } = answer();
  head(200, "set-cookie\0a=1\0set-cookie\0b=2");
  assert.equal(part(bytes("one"), true), true);
  part(bytes("two"), false);
  assert.deepEqual(calls, [[200, "set-cookie", "a=1", "set-cookie", "b=2"], "one", ["end", "two"]]);
});

// case H4
test("no byte beyond the length that was announced is sent", () => {
  const { calls, answer } = fake();
  const { head, part } = answer();
  head(200, LENGTH);
  part(bytes("12345678"), true);
  assert.throws(() => part(bytes("901"), true), BadAnswer);
  assert.deepEqual(calls.slice(1), ["12345678"]);
  const whole = answer();
  whole.head(200, LENGTH);
  assert.throws(() => whole.part(bytes("12345678901"), false), BadAnswer);
});

test("an answer that ends too early does not look complete", () => {
  const { calls, answer } = fake();
  const { head, part } = answer();
  head(200, LENGTH);
  part(bytes("12345"), true);
  assert.throws(() => part(undefined, false), BadAnswer);
  assert.deepEqual(calls.slice(1), ["12345"]);
});

test("the length of a body that is not sent is only said", () => {
  for (const [isHead, status] of /** @type {[boolean, number][]} */ ([[true, 200], [false, 304], [false, 204]])) {
    const { calls, answer } = fake();
    const { head, part } = answer(isHead);
    head(status, LENGTH);
    let acknowledged = 0;
    assert.equal(part(bytes("12"), true, () => (acknowledged += 1)), false);
    part(undefined, false);
    assert.equal(acknowledged, 1);
    assert.deepEqual(calls.slice(1), [["end", ""]]);
  }
});

test("a length that is none is refused before anything is sent", () => {
  for (const text of ["content-length\0ten", "content-length\0-1", `${LENGTH}\0Content-Length\x0011`, "content-length\x00" + "1".repeat(30)]) {
    const { calls, answer } = fake();
    assert.throws(() => answer().head(200, text), BadAnswer);
    assert.deepEqual(calls, []);
  }
});

test("a length beside a transfer coding does not count and is not sent", () => {
  const { calls, answer } = fake();
  const { head, part } = answer();
  head(200, `transfer-encoding\0chunked\0${LENGTH}`);
  part(bytes("one"), false);
  assert.deepEqual(calls, [[200, "transfer-encoding", "chunked"], ["end", "one"]]);
});
