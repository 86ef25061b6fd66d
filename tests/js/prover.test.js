// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { createClock } from "../../browser/clock.js";
import { createDeviceKey } from "../../browser/device-key.js";
import { createProver, isChallenge } from "../../browser/prover.js";
import { BROKEN_STORE, claimsOf, memoryStore, recordingFetch } from "./fakes.js";

const ORIGIN = "https://shop.test";
const NOW = Date.parse("2026-11-22T12:00:00Z");

/** @param {string} nonce @param {HeadersInit} [more] */
function challenge(nonce, more) {
  const headers = new Headers({ "edgekit-host": "native", "dpop-nonce": nonce, "www-authenticate": 'DPoP error="use_dpop_nonce"' });
  for (const [name, value] of new Headers(more)) headers.set(name, value);
  return new Response(null, { status: 401, headers });
}

/** @param {(request: Request) => Response | Promise<Response>} answer @param {import("../../browser/store.js").Store} [store] */
function proverTo(answer, store = memoryStore()) {
  const { fetch, requests } = recordingFetch(answer);
  const prover = createProver({ store, fetch, deviceKey: createDeviceKey(store), origin: ORIGIN, clock: createClock({ store, wall: () => NOW }) });
  return { ...prover, requests, store, claims: () => requests.map(claimsOf) };
}

test("a request gets a proof for itself", async () => {
  const { send, requests, claims } = proverTo(() => new Response("tea"));
  const write = { ik: "k", bd: "d" };
  const response = await send("/cart?a=1", { method: "POST", body: "x", headers: { accept: "text/html" } }, { ath: "a", write });
  assert.equal(await response.text(), "tea");
  assert.deepEqual([requests[0]?.url, requests[0]?.headers.get("accept")], [`${ORIGIN}/cart?a=1`, "text/html"]);
  const [{ jti, ...rest } = {}] = claims();
  assert.match(jti, /^[A-Za-z0-9_-]{22}$/);
  assert.deepEqual(rest, { htm: "POST", htu: `${ORIGIN}/cart`, htq: "a=1", iat: NOW / 1000, ath: "a", ik: "k", bd: "d" });
});

test("a challenge is answered once, with another proof and the same body", async () => {
  const { send, requests, claims } = proverTo(() => challenge("n1"));
  const response = await send("/", { method: "POST", body: "tea", headers: { "idempotency-key": "k" } });
  assert.equal(response.status, 401);
  assert.deepEqual(claims().map(({ nonce }) => nonce), [undefined, "n1"]);
  assert.equal(new Set(claims().map(({ jti }) => jti)).size, 2);
  assert.deepEqual(await Promise.all(requests.map((request) => request.text())), ["tea", "tea"]);
  assert.deepEqual(requests.map(({ headers }) => headers.get("idempotency-key")), ["k", "k"]);
});

test("where a proof is only given if asked for, the key is made only then", async () => {
  const store = memoryStore();
  const { send, claims } = proverTo((request) => (request.url.endsWith("/in") && !request.headers.has("dpop") ? challenge("n") : new Response()), store);
  await send("/", {}, { eager: false });
  assert.deepEqual([claims(), await store.get("device")], [[{}], undefined]);
  assert.equal((await send("/in", {}, { eager: false })).status, 200);
  assert.deepEqual(claims().map(({ nonce }) => nonce), [undefined, undefined, "n"]);
});

test("a nonce is kept, also for the next worker", async () => {
  const { send, store, claims } = proverTo(() => new Response(null, { headers: { "dpop-nonce": "n2" } }));
  for (let i = 0; i < 2; i += 1) await send("/", { cache: "no-store" });
  assert.deepEqual(claims().map(({ nonce }) => nonce), [undefined, "n2"]);
  const next = proverTo(() => new Response(), store);
  await next.send("/", {});
  assert.deepEqual(next.claims().map(({ nonce }) => nonce), ["n2"]);
});

test("what may come from a cache teaches nothing", async () => {
  const { send, claims } = proverTo(() => new Response(null, { headers: { "dpop-nonce": "old" } }));
  for (let i = 0; i < 2; i += 1) await send("/", {});
  assert.deepEqual(claims().map(({ nonce }) => nonce), [undefined, undefined]);
});

test("where our clock is wrong, the edge's counts", async () => {
  const late = challenge("n", { date: "Sun, 22 Nov 2026 14:30:00 GMT" });
  const { send, claims } = proverTo((request) => (claimsOf(request).nonce ? new Response() : late));
  assert.equal((await send("/", {})).status, 200);
  await send("/", {});
  assert.deepEqual(claims().map(({ iat }) => iat - NOW / 1000), [0, 9000, 9000]);
});

test("a clock that differs a little is left alone", async () => {
  const { send, claims } = proverTo((request) => (claimsOf(request).nonce ? new Response() : challenge("n", { date: "Sun, 22 Nov 2026 12:00:03 GMT" })));
  await send("/", {});
  assert.deepEqual(claims().map(({ iat }) => iat - NOW / 1000), [0, 0]);
});

test("without a key a request goes as it is", async () => {
  const { send, owns, requests } = proverTo(() => challenge("n"), BROKEN_STORE);
  assert.equal((await send("/", {})).status, 401);
  assert.deepEqual(requests.map(({ headers }) => headers.has("dpop")), [false]);
  assert.equal(await owns(""), false);
  assert.equal(await owns("other"), false);
});

test("it knows its own sessions", async () => {
  const store = memoryStore();
  const { owns } = proverTo(() => new Response(), store);
  assert.equal(await owns((await createDeviceKey(store)())?.jkt ?? ""), true);
  assert.equal(await owns("other"), false);
});

test("an app's own 401 is no challenge", () => {
  assert.equal(isChallenge(challenge("n")), true);
  const headers = { "dpop-nonce": "n" };
  assert.equal(isChallenge(new Response(null, { status: 401, headers })), false);
  assert.equal(isChallenge(new Response(null, { status: 401, headers: { ...headers, "www-authenticate": "Basic" } })), false);
  assert.equal(isChallenge(new Response(null, { status: 403, headers: { ...headers, "www-authenticate": "DPoP" } })), false);
});
