// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { basesOf, createEdges } from "../../browser/edges.js";
import { NetworkFailure } from "../../browser/network.js";

/**
 * @param {(base: string, signal: AbortSignal) => Promise<Response | null>} send
 * @param {() => Promise<Response>} [health]
 */
function edgesOf(send, health = async () => new Response(null, { headers: { "edgekit-host": "native" } })) {
  const clock = { now: 0 };
  /** @type {string[]} */
  const notes = [];
  /** @type {string[]} */
  const probes = [];
  const edges = createEdges({
    bases: ["", "https://b.test"],
    fetch: (input) => (probes.push(String(input)), health()),
    now: () => clock.now,
    random: () => 0,
    note: (error) => void notes.push(String(error)),
  });
  const gone = new AbortController();
  /** @param {number} index */
  const ask = (index, size = 0) => edges.ask(index, { safe: true, size, send }, gone.signal);
  return { edges, ask, clock, notes, probes, gone };
}

const never = () => /** @type {Promise<Response>} */ (new Promise(() => {}));
const turn = () => new Promise((resolve) => setImmediate(resolve));

test("our own origin is always an edge, and never one of the others", () => {
  const edges = ["https://a.test", "https://b.test"];
  assert.deepEqual(basesOf(), [""]);
  assert.deepEqual(basesOf({}, "https://a.test"), [""]);
  assert.deepEqual(basesOf({ edges }, "https://a.test"), ["", "https://b.test"]);
  assert.deepEqual(basesOf({ edges }, "https://c.test"), ["", ...edges]);
});

test("an answer is measured", async () => {
  const { edges, ask, clock } = edgesOf(async (base) => ((clock.now += 70), new Response(base)));
  assert.equal(await (await ask(1))?.text(), "https://b.test");
  assert.deepEqual(edges.members().map(({ latency }) => latency), [undefined, 70]);
});

test("an edge that has nothing for a request has not failed, and was not measured", async () => {
  const { edges, ask, clock, notes } = edgesOf(async () => ((clock.now += 70), null));
  assert.equal(await ask(1), null);
  assert.deepEqual([edges.members()[1]?.failures, edges.members()[1]?.latency, notes], [0, undefined, []]);
});

test("a failure is noted, and the edge backs off", async () => {
  const { edges, ask, notes } = edgesOf(async () => Promise.reject(new NetworkFailure("cut")));
  assert.equal(await ask(0), null);
  assert.deepEqual([edges.members()[0]?.failures, edges.members()[0]?.notBefore], [1, 500]);
  assert.deepEqual(notes, ["edge here: cut"]);
});

test("an edge that is silent and does not say that it is there has failed", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { edges, ask, probes } = edgesOf(never, () => Promise.reject(new TypeError("no route")));
  const answers = Promise.all([ask(0), ask(0)]);
  context.mock.timers.tick(5_000);
  assert.deepEqual(await answers, [null, null]);
  assert.deepEqual(probes, ["/_edge/health"]);
  assert.equal(edges.members()[0]?.failures, 2);
});

test("one that is only slow is waited for, but not for ever", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { ask, notes } = edgesOf(never);
  let answer = /** @type {unknown} */ ("none yet");
  void ask(0).then((response) => (answer = response));
  context.mock.timers.tick(5_000);
  await turn();
  context.mock.timers.tick(54_000);
  await turn();
  assert.equal(answer, "none yet");
  context.mock.timers.tick(1_000);
  await turn();
  assert.equal(answer, null);
  assert.match(notes[0] ?? "", /no answer in time/);
});

// case P8
test("what says 200 to everything is no edge", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { ask } = edgesOf(never, async () => new Response("portal"));
  const asked = ask(0);
  context.mock.timers.tick(5_000);
  assert.equal(await asked, null);
});

test("a large upload gets time for its way", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { ask, probes } = edgesOf(never);
  void ask(0, 32_000_000);
  context.mock.timers.tick(1_000_000);
  assert.deepEqual(probes, []);
  context.mock.timers.tick(5_000);
  assert.equal(probes.length, 1);
});

test("who loses a race has not failed, and a late answer is thrown away", async () => {
  /** @type {(response: Response) => void} */
  let answer = () => {};
  const { edges, ask, clock, gone, notes } = edgesOf(() => new Promise((resolve) => (answer = resolve)));
  const asked = ask(0);
  clock.now = 400;
  gone.abort();
  assert.equal(await asked, null);
  assert.deepEqual([edges.members()[0]?.failures, edges.members()[0]?.latency, notes], [0, Infinity, []]);
  let cancelled = false;
  answer(new Response(new ReadableStream({ cancel: () => void (cancelled = true) })));
  await turn();
  assert.ok(cancelled);
});

test("an error in our own code is no failure of the network", async () => {
  await assert.rejects(edgesOf(async () => Promise.reject(new TypeError("a bug"))).ask(0), /a bug/);
});
