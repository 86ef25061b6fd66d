// @ts-check
import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";

import { createInterpreter } from "../../browser/node/interpreter.js";

const CALL = { method: "GET", scheme: "http", host: "tea.test", path: "/", query: "", headers: "", version: "1.1", peer: "::1", port: 9 };

class FakeThread extends EventEmitter {
  /** @type {any[]} */
  posted = [];
  ended = false;
  answersPings = true;

  /** @param {any} message */
  postMessage(message) {
    if (message[0] !== "ping") this.posted.push(message);
    else if (this.answersPings) this.say("pong");
  }

  terminate() {
    this.ended = true;
  }

  /** @param {any[]} message */
  say(...message) {
    this.emit("message", message);
  }
}

/** @param {{mock: any}} context */
function world(context, limit = 3) {
  context.mock.timers.enable({ apis: ["setInterval"] });
  /** @type {FakeThread[]} */
  const threads = [];
  /** @type {string[]} */
  const lines = [];
  let failures = 0;
  const start = () => {
    threads.push(new FakeThread());
    return /** @type {FakeThread} */ (threads.at(-1));
  };
  const interpreter = createInterpreter({ start, limit, log: (line) => void lines.push(line), fail: () => void (failures += 1) });
  /** @param {boolean} [more] */
  function ask(more = false) {
    /** @type {any[]} */
    const heard = [];
    const note = (/** @type {string} */ name) => (/** @type {any[]} */ ...values) => void heard.push([name, ...values]);
    const listener = { reply: note("reply"), head: note("head"), chunk: note("chunk"), want: note("want"), lost: note("lost") };
    return { heard, request: interpreter.request(CALL, undefined, more, listener) };
  }
  const pass = (/** @type {number} */ seconds) => context.mock.timers.tick(seconds * 1000);
  const thread = () => /** @type {FakeThread} */ (threads.at(-1));
  return { interpreter, threads, thread, lines, ask, pass, failures: () => failures };
}

test("what is asked goes to the thread, what it says to whoever has asked", async (context) => {
  const { interpreter, thread, ask } = world(context);
  assert.equal(ask().request, null);
  thread().say("ready");
  await interpreter.ready;
  const [one, two] = [ask(), ask(true)];
  thread().say("reply", 1, 200, "a\0b", "body", false);
  thread().say("want", 2);
  two.request?.feed(undefined, false);
  two.request?.read(5);
  thread().say("head", 2, 200, "");
  thread().say("chunk", 2, "part", false);
  thread().say("done", 2);
  assert.deepEqual(one.heard, [["reply", 200, "a\0b", "body"]]);
  assert.deepEqual(two.heard.slice(0, 3), [["want"], ["head", 200, ""], ["chunk", "part", false]]);
  assert.deepEqual(thread().posted.map(([kind, id]) => [kind, id]), [["request", 1], ["request", 2], ["feed", 2], ["read", 2]]);
});

// case H1
test("when it breaks, who was in it hears so at once and another one is started", async (context) => {
  for (const breaks of [
    (/** @type {FakeThread} */ thread) => thread.say("fatal", 1, "RangeError"),
    (/** @type {FakeThread} */ thread) => void thread.emit("error", new Error("out of memory")),
    (/** @type {FakeThread} */ thread) => void thread.emit("exit", 3),
  ]) {
    const { interpreter, threads, thread, ask, lines } = world(context);
    thread().say("ready");
    const [one, two] = [ask(), ask()];
    const broken = thread();
    breaks(broken);
    const culprit = lines.join().includes("RangeError") ? "internal-error" : "host-starting";
    assert.deepEqual([one.heard, two.heard], [[["lost", culprit]], [["lost", "host-starting"]]]);
    assert.deepEqual([interpreter.isReady(), ask().request, broken.ended, threads.length], [false, null, true, 2]);
    broken.emit("exit", 1); // its end is no news
    thread().say("ready");
    assert.equal(interpreter.isReady(), true);
    assert.notEqual(ask().request, null);
    one.request?.cancel(); // what belongs to the old one does not reach the new one
    assert.deepEqual(thread().posted.map(([kind]) => kind), ["request"]);
    context.mock.timers.reset();
  }
});

test("when it does not pause for the limit, it is ended; a machine that was asleep does not count", (context) => {
  const { threads, thread, pass, ask } = world(context);
  thread().say("ready");
  pass(60);
  assert.equal(threads.length, 1);
  thread().answersPings = false;
  const { heard } = ask();
  pass(3);
  assert.deepEqual([threads.length, heard], [1, []]);
  pass(1);
  assert.deepEqual([threads.length, heard], [2, [["lost", "host-starting"]]]);
});

test("one that is busy and says something is alive", (context) => {
  const { threads, thread, pass } = world(context);
  thread().say("ready");
  thread().answersPings = false;
  for (let i = 0; i < 9; i += 1) {
    pass(1);
    thread().say("chunk", 1, undefined, true);
  }
  assert.equal(threads.length, 1);
});

test("a first one that does not start is an error, a later one the end", async (context) => {
  const first = world(context);
  first.thread().say("failed", "No module named 'tea'");
  await assert.rejects(first.interpreter.ready, /No module named 'tea'/);
  assert.deepEqual([first.threads.length, first.failures()], [1, 0]);
  context.mock.timers.reset();
  const later = world(context);
  later.thread().say("ready");
  later.thread().say("fatal", undefined, "unreachable");
  later.thread().say("failed", "no memory");
  assert.deepEqual([later.threads.length, later.failures()], [2, 1]);
});

test("one that never comes up is not waited for without end", async (context) => {
  const { interpreter, pass, thread } = world(context);
  pass(90);
  await assert.rejects(interpreter.ready, /has not started/);
  assert.equal(thread().ended, true);
});

test("whoever stops waits for what is being worked on, and nothing is started any more", async (context) => {
  const { interpreter, thread, threads, ask, failures } = world(context);
  thread().say("ready");
  await interpreter.idle();
  ask();
  interpreter.stop();
  const idle = interpreter.idle();
  thread().say("reply", 1, 200, "", "", true); // and it goes on in the background
  thread().say("fatal", undefined, "unreachable");
  await idle;
  assert.deepEqual([threads.length, failures()], [1, 0]);
});
