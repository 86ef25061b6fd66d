// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { createPersonal } from "../../browser/personal.js";
import { DEADLINE } from "../../browser/protocol.js";
import { FakeCaches, edges } from "./fakes.js";

const ORDERS = "/_edge/records/user/orders";

function personal() {
  const [caches, state] = [new FakeCaches(), { who: "ann" }];
  /** @type {unknown[]} */
  const noted = [];
  const kept = createPersonal({ caches: caches.typed, who: async () => state.who, note: (error) => void noted.push(error) });
  return { ...kept, caches, state, noted };
}

test("answers are kept for whom they were given to", async () => {
  const { keep, find, state } = personal();
  await keep("ann", ORDERS, new Response("ann's"));
  assert.equal(await (await find("ann", ORDERS))?.text(), "ann's");
  assert.equal(await find("bob", ORDERS), undefined);
  state.who = "bob";
  await keep("ann", `${ORDERS}/1`, new Response("late"));
  assert.equal(await find("ann", `${ORDERS}/1`), undefined);
});

test("nobody's answers are not kept", async () => {
  const { keep, find, caches, state } = personal();
  state.who = "";
  await keep("", ORDERS, new Response("nobody's"));
  assert.deepEqual([await find("", ORDERS), await caches.keys()], [undefined, []]);
});

test("nobody else's answers stay", async () => {
  const { keep, caches, state, tidy } = personal();
  await (await caches.open("edgekit-catalog")).put("/_edge/catalog/x", new Response());
  await keep("ann", ORDERS, new Response("ann's"));
  state.who = "bob";
  await keep("bob", ORDERS, new Response("bob's"));
  assert.deepEqual(await caches.keys(), ["edgekit-catalog", "edgekit-personal-bob"]);
  state.who = "";
  await tidy();
  assert.deepEqual(await caches.keys(), ["edgekit-catalog"]);
});

test("the oldest go when there are many", async () => {
  const { keep, find } = personal();
  for (let i = 0; i <= 200; i++) await keep("ann", `${ORDERS}/${i}`, new Response(String(i)));
  assert.equal(await find("ann", `${ORDERS}/0`), undefined);
  assert.notEqual(await find("ann", `${ORDERS}/1`), undefined);
});

test("a full disk costs a later question, nothing else", async () => {
  const { keep, caches, noted } = personal();
  const cache = await caches.open("edgekit-personal-ann");
  cache.room = 0;
  await keep("ann", ORDERS, new Response());
  assert.equal(noted.length, 1);
});

test("what a write has changed is asked for again", async () => {
  const { keep, find, renew } = personal();
  for (const path of [ORDERS, `${ORDERS}?limit=9`, `${ORDERS}/1`, `${ORDERS}/2`, `${ORDERS}-of-others`, "/_edge/records/shared/orders"]) {
    await keep("ann", path, new Response("old"));
  }
  /** @type {string[]} */
  const asked = [];
  const ask = async (/** @type {string} */ path) => {
    asked.push(path);
    if (path.endsWith("/2")) throw new TypeError("offline");
    return edges("new", { status: path.endsWith("/1") ? 404 : 200 });
  };
  await renew(JSON.stringify({ writes: [["user", "orders", "1", null]] }), ask);
  assert.deepEqual(asked, [ORDERS, `${ORDERS}?limit=9`, `${ORDERS}/1`, `${ORDERS}/2`]);
  const text = async (/** @type {string} */ path) => (await find("ann", path))?.text();
  assert.deepEqual(await Promise.all([ORDERS, `${ORDERS}/1`, `${ORDERS}/2`, `${ORDERS}-of-others`].map(text)), ["new", undefined, undefined, "old"]);
  await renew(JSON.stringify({ writes: [] }), ask);
  assert.equal(asked.length, 4);
});

test("an edge that does not say how it is now is not waited for", async (context) => {
  const late = new AbortController();
  const timeout = context.mock.method(AbortSignal, "timeout", () => late.signal);
  const { keep, find, renew } = personal();
  await keep("ann", ORDERS, new Response("old"));
  /** @type {(path: string, signal: AbortSignal) => Promise<Response>} */
  const ask = (_path, signal) => new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  const renewed = renew(JSON.stringify({ writes: [["user", "orders", "1", null]] }), ask);
  setImmediate(() => late.abort());
  await renewed;
  assert.deepEqual(timeout.mock.calls.map((call) => call.arguments), [[DEADLINE.view]]);
  assert.equal(await find("ann", ORDERS), undefined);
});
