// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { createLocalHost } from "../../browser/local-host.js";

const request = () => new Request("https://shop.test/");

/** @typedef {import("../../browser/runtime.js").App} App */

/** @param {() => Promise<App>} boot */
function hostOf(boot) {
  const clock = { now: 0 };
  /** @type {string[]} */
  const phases = [];
  /** @type {App[]} */
  const broken = [];
  const host = createLocalHost({
    boot,
    now: () => clock.now,
    random: () => 0,
    onPhase: (phase, reason) => void phases.push(reason ?? phase),
    onCrash: (app) => void broken.push(app),
    added: () => [],
  });
  /** @param {AbortSignal} [signal] @param {string} [view] */
  const answer = (signal = new AbortController().signal, view) => host.answer(request(), view, signal);
  return { host, clock, phases, broken, answer };
}

/** @param {Partial<App>} [change] @returns {App} */
const app = (change) => ({
  handle: () => [200, "", new Uint8Array()],
  cancel() {},
  feed() {},
  resume() {},
  keep: async () => {},
  complete: async () => {},
  restored: false,
  timeline: [],
  ...change,
});

test("it boots once, however many ask", async () => {
  let boots = 0;
  const { host, phases, answer } = hostOf(async () => (boots++, app()));
  assert.equal(host.ready(), false);
  assert.equal(await answer(), null);
  assert.deepEqual(await Promise.all([host.start(), host.start()]), [true, true]);
  assert.equal(await host.start(), true);
  assert.equal(boots, 1);
  assert.deepEqual(phases, ["start", "ready"]);
  assert.equal((await answer())?.status, 200);
});

test("the app gets the view", async () => {
  /** @type {unknown} */
  let seen;
  const { host, answer } = hostOf(async () => app({ handle: (...words) => ((seen = words[9]), [200, "", new Uint8Array()]) }));
  await host.start();
  await answer(undefined, '{"ver":1}');
  assert.equal(seen, '{"ver":1}');
});

test("a boot that fails is tried again, later each time", async () => {
  let boots = 0;
  const { host, clock, phases } = hostOf(async () => {
    boots += 1;
    throw new Error("no module named shop");
  });
  for (const [time, expected] of /** @type {const} */ ([[0, 1], [499, 1], [500, 2], [1_499, 2], [1_500, 3]])) {
    clock.now = time;
    assert.equal(await host.start(), false);
    assert.equal(boots, expected, `after ${time} ms`);
  }
  assert.equal(phases[1], "no module named shop");
});

test("a crash means no answer, and a new interpreter", async () => {
  const apps = [
    app({
      handle() {
        throw new Error("Pyodide already fatally failed");
      },
    }),
    app(),
  ];
  const [first] = apps;
  const { host, clock, phases, broken, answer } = hostOf(async () => apps.shift() ?? assert.fail("booted too often"));
  await host.start();
  const answers = await Promise.all([answer(), answer()]);
  assert.deepEqual(answers, [null, null]);
  assert.equal(host.ready(), false);
  assert.deepEqual(phases, ["start", "ready", "Pyodide already fatally failed"]);
  assert.deepEqual(broken, [first]);
  clock.now = 1_000;
  assert.equal(await host.start(), true);
  assert.equal((await answer())?.status, 200);
});

test("a host that does not answer in time is passed by, and its work cancelled", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  /** @type {number[]} */
  const cancelled = [];
  const { host, answer } = hostOf(async () => app({ handle: () => undefined, cancel: (id) => void cancelled.push(id) }));
  await host.start();
  const waiting = answer();
  await Promise.resolve();
  context.mock.timers.tick(10_000);
  assert.equal(await waiting, null);
  assert.deepEqual(cancelled, [1]);
  assert.equal(host.ready(), true);
});

test("it says whether it can be started", async () => {
  const { host, clock } = hostOf(async () => Promise.reject(new Error("no")));
  assert.equal(host.status(), "startable");
  await host.start();
  assert.equal(host.status(), "down");
  clock.now = 500;
  assert.equal(host.status(), "startable");
  const other = hostOf(async () => app());
  const starting = other.host.start();
  assert.equal(other.host.status(), "startable");
  await starting;
  assert.equal(other.host.status(), "ready");
});

test("a crash in the background ends whatever waits", async () => {
  const { host, phases, answer } = hostOf(async () =>
    app({
      handle: () => undefined,
      cancel() {
        throw new Error("Pyodide already fatally failed");
      },
    }),
  );
  await host.start();
  const waiting = [answer(), answer()];
  await Promise.resolve();
  host.crashed(new Error("out of memory"));
  assert.deepEqual(await Promise.all(waiting), [null, null]);
  assert.deepEqual(phases.slice(2), ["out of memory"]);
  assert.equal(host.ready(), false);
});

test("that the asker goes away is no crash, unless that shows one", async () => {
  const healthy = hostOf(async () => app({ handle: () => undefined }));
  const broken = hostOf(async () =>
    app({
      handle: () => undefined,
      cancel() {
        throw new Error("Pyodide already fatally failed");
      },
    }),
  );
  for (const { host, answer } of [healthy, broken]) {
    await host.start();
    const gone = new AbortController();
    const waiting = answer(gone.signal);
    await new Promise((resolve) => setImmediate(resolve));
    gone.abort();
    assert.equal(await waiting, null);
  }
  assert.equal(healthy.host.ready(), true);
  assert.equal(broken.host.ready(), false);
});

test("what comes late is waited for where something was missing, once", async () => {
  let [tries, works] = [0, false];
  const { host } = hostOf(async () => app({ complete: async () => { tries += 1; if (!works) throw new Error("offline"); } }));
  assert.equal(await host.complete(), false);
  await host.start();
  assert.equal(await host.complete(), false);
  works = true;
  assert.deepEqual([await host.complete(), await host.complete(), tries], [true, false, 2]);
});
