// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { createRelay } from "../../browser/node/relay.js";

const CALL = { method: "GET", scheme: "http", host: "tea.test", path: "/", query: "", headers: "", version: "1.1", peer: "::1", port: 9 };

/** As Pyodide names what Python has raised. @param {string} message */
const pythonError = (message) => Object.assign(new Error(message), { name: "PythonError" });

/** @param {Partial<import("../../browser/protocol.js").Entry>} [app] */
function world(app = {}) {
  /** @type {any[]} */
  const [posted, calls, deaths] = [[], [], []];
  /** @type {any} */
  let port;
  const note = (/** @type {string} */ name) => (/** @type {any[]} */ ...values) => void calls.push([name, ...values]);
  /** @type {any} */
  const entry = {
    handle(/** @type {any[]} */ ...values) {
      port = values[10];
      return note("handle")(...values.toSpliced(10, 1));
    },
    cancel: note("cancel"),
    feed: note("feed"),
    resume: note("resume"),
    ...app,
  };
  const relay = createRelay(entry, (message) => void posted.push(message), (id, error) => void deaths.push([id, error.message]));
  return { relay, posted, calls, deaths, port: () => port };
}

test("a request reaches Python with its connection, and a whole answer comes back", () => {
  const body = new Uint8Array([1]);
  const { relay, posted } = world({ handle: () => [200, "a\0b", body] });
  relay(["request", 7, CALL, undefined, false]);
  assert.deepEqual(posted, [["reply", 7, 200, "a\0b", body, false]]);
  const { relay: other, calls } = world();
  other(["request", 7, CALL, undefined, true]);
  assert.deepEqual(calls, [["handle", 7, "GET", "http", "tea.test", "/", "", "", undefined, true, undefined, "1.1", "::1", 9]]);
});

test("an answer waits for its reader, and goes on when that has caught up", () => {
  const { relay, port, calls } = world();
  relay(["request", 7, CALL, undefined, false]);
  port().head(7, 200, "");
  assert.equal(port().chunk(7, new Uint8Array(200_000), true), true);
  assert.equal(port().chunk(7, new Uint8Array(200_000), true), false);
  relay(["read", 7, 100_000]);
  relay(["read", 7, 100_000]);
  relay(["read", 7, 200_000]);
  assert.deepEqual(calls.slice(1), [["resume", 7]]);
  port().chunk(7, undefined, false);
  relay(["read", 7, 1]);
  assert.equal(calls.length, 2);
});

test("parts without end stop too, however small they are", () => {
  const { relay, port } = world();
  relay(["request", 7, CALL, undefined, false]);
  let parts = 1;
  while (port().chunk(7, new Uint8Array(1), true)) parts += 1;
  assert.equal(parts, 256);
});

test("a failure of one request is that one's, a failure of the interpreter ends it", () => {
  const failing = (/** @type {Error} */ error) => () => {
    throw error;
  };
  const mild = world({ handle: failing(pythonError("SystemExit")) });
  mild.relay(["request", 7, CALL, undefined, false]);
  assert.deepEqual([mild.posted, mild.deaths], [[["error", 7, "SystemExit"]], []]);
  for (const message of /** @type {import("../../browser/node/interpreter.js").Down[]} */ ([["request", 7, CALL, undefined, false], ["feed", 7, undefined, false], ["cancel", 7]])) {
    const grave = failing(new RangeError("Maximum call stack size exceeded"));
    const { relay, posted, deaths } = world({ handle: grave, feed: grave, cancel: grave });
    relay(message);
    relay(message);
    assert.deepEqual([posted, deaths], [[], [[7, "Maximum call stack size exceeded"]]]);
  }
});

// case H1: an interpreter may break in a callback, where nobody sees it
test("whoever asks whether it is there asks Python itself", () => {
  const { relay, posted, calls } = world();
  relay(["ping"]);
  assert.deepEqual([posted, calls], [[["pong"]], [["cancel", 0]]]);
  const broken = world({ cancel() { throw new Error("Pyodide already fatally failed"); } });
  broken.relay(["ping"]);
  assert.deepEqual([broken.posted, broken.deaths], [[], [[undefined, "Pyodide already fatally failed"]]]);
});
