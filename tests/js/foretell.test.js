// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { foretell, outcomeOf, tentative } from "../../browser/foretell.js";

const ORIGIN = "https://shop.test";
const DRAFT = { key: "", bd: "", method: "POST", path: "/cart", headers: /** @type {[string, string][]} */ ([]), body: null, size: 0, time: 5 };
const OPTIONS = { origin: ORIGIN, development: false };
const effects = (/** @type {object} */ value) => Buffer.from(JSON.stringify(value)).toString("base64");

/** @param {Response | null} response */
const host = (response) => ({ answer: async () => response });

test("the page gets the answer, and not what it changes", async () => {
  const told = { state: { tea: "grün" }, shp: 0, writes: [["user", "orders", "1", { n: 1 }]] };
  const answer = new Response("done", { status: 201, headers: { location: "/orders/1", "edgekit-effects": effects(told) } });
  const found = await foretell(host(answer), DRAFT, "{}", OPTIONS);
  assert.deepEqual([found?.response.status, await found?.response.text()], [201, "done"]);
  assert.deepEqual([...(found?.response.headers ?? [])].map(([name]) => name), ["content-type", "location"]);
  assert.equal(found?.effects, JSON.stringify(told));
  const { status, location, state } = /** @type {any} */ (found?.outcome);
  assert.deepEqual([status, location, state], [201, `${ORIGIN}/orders/1`, '{"tea":"grün"}']);
});

test("an answer without effects is not the last word of this host", async () => {
  assert.equal(await foretell(host(new Response("a problem", { status: 404 })), DRAFT, "{}", OPTIONS), null);
  assert.equal(await foretell(host(null), DRAFT, "{}", OPTIONS), null);
});

test("an answer without a body stays without", async () => {
  const answer = new Response(null, { status: 204, headers: { "edgekit-effects": effects({ state: null, shp: 0, writes: [] }) } });
  const found = await foretell(host(answer), DRAFT, "{}", OPTIONS);
  assert.deepEqual([found?.response.body, found?.outcome.state], [null, null]);
});

test("Python gets numbers as it wrote them", () => {
  const json = '{"sub":"ann","state":{"n":1.0,"big":12345678901234567890}}';
  assert.equal(tentative(json, []), json);
  const one = '{"state":{"n":2.0},"writes":[]}';
  assert.equal(tentative(json, [one, one]), `{"sub":"ann","state":{"n":1.0,"big":12345678901234567890},"effects":[${one},${one}]}`);
});

test("outcomes are the same if the answers are", async () => {
  const answer = (/** @type {string} */ text, /** @type {string} */ location) => ({ status: 303, headers: new Headers({ location }), body: /** @type {ArrayBuffer} */ (new TextEncoder().encode(text).buffer) });
  const one = await outcomeOf(answer("a", "/x"), null, OPTIONS);
  assert.deepEqual(one, await outcomeOf(answer("a", `${ORIGIN}/x`), null, OPTIONS));
  assert.notEqual(one.digest, (await outcomeOf(answer("b", "/x"), null, OPTIONS)).digest);
  assert.equal(one.body, undefined);
  assert.equal((await outcomeOf(answer("a", "/x"), null, { ...OPTIONS, development: true })).body, "a");
});
