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
  const host = createLocalHost({ boot, now: () => clock.now, onPhase: (phase, reason) => void phases.push(reason ?? phase) });
  return { host, clock, phases };
}

/** @param {Partial<App>} [change] @returns {App} */
const app = (change) => ({ handle: () => [200, "", new Uint8Array()], cancel() {}, restored: false, timeline: [], ...change });

test("it boots once, however many ask", async () => {
  let boots = 0;
  const { host, phases } = hostOf(async () => (boots++, app()));
  assert.equal(host.ready(), false);
  assert.equal(await host.answer(request(), undefined), null);
  assert.deepEqual(await Promise.all([host.start(), host.start()]), [true, true]);
  assert.equal(await host.start(), true);
  assert.equal(boots, 1);
  assert.deepEqual(phases, ["start", "ready"]);
  assert.equal((await host.answer(request(), undefined))?.status, 200);
});

test("the app gets the view", async () => {
  /** @type {unknown} */
  let seen;
  const { host } = hostOf(async () => app({ handle: (...words) => ((seen = words[8]), [200, "", new Uint8Array()]) }));
  await host.start();
  await host.answer(request(), '{"ver":1}');
  assert.equal(seen, '{"ver":1}');
});

test("a boot that fails is tried again, later each time", async () => {
  let boots = 0;
  const { host, clock, phases } = hostOf(async () => {
    boots += 1;
    throw new Error("no module named shop");
  });
  for (const [time, expected] of /** @type {const} */ ([[0, 1], [999, 1], [1_000, 2], [2_999, 2], [3_000, 3]])) {
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
  const { host, clock, phases } = hostOf(async () => apps.shift() ?? assert.fail("booted too often"));
  await host.start();
  const answers = await Promise.all([host.answer(request(), undefined), host.answer(request(), undefined)]);
  assert.deepEqual(answers, [null, null]);
  assert.equal(host.ready(), false);
  assert.deepEqual(phases, ["start", "ready", "Pyodide already fatally failed"]);
  clock.now = 1_000;
  assert.equal(await host.start(), true);
  assert.equal((await host.answer(request(), undefined))?.status, 200);
});

test("a host that does not answer in time is passed by, and its work cancelled", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  /** @type {number[]} */
  const cancelled = [];
  const { host } = hostOf(async () => app({ handle: () => undefined, cancel: (id) => void cancelled.push(id) }));
  await host.start();
  const answer = host.answer(request(), undefined);
  await Promise.resolve();
  context.mock.timers.tick(10_000);
  assert.equal(await answer, null);
  assert.deepEqual(cancelled, [1]);
  assert.equal(host.ready(), true);
});
