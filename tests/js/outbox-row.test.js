// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { ROOM, draftOf, hasRoom, isBy, isRepeated, requestOf } from "../../browser/outbox-row.js";

const ORIGIN = "https://shop.test";
const mint = async () => "client.1";

/** @param {RequestInit} init @param {object} [members] */
const draft = (init, members = {}) =>
  draftOf(Object.defineProperties(new Request(`${ORIGIN}/cart?a=1`, { method: "POST", ...init }), /** @type {any} */ (members)), mint, { now: () => 1_000, wall: () => 900 });

test("a write is kept whole, but for what says who asks", async () => {
  const headers = { authorization: "Bearer x", dpop: "proof", "edgekit-client": "1", accept: "text/html", "content-type": "text/plain" };
  const kept = await draft({ body: "tea", headers });
  assert.deepEqual(kept.headers, [["accept", "text/html"], ["content-type", "text/plain"], ["idempotency-key", "client.1"]]);
  assert.deepEqual([kept.key, kept.method, kept.path, kept.size, kept.time], ["client.1", "POST", "/cart?a=1", 3, 1_000]);
  assert.equal(new TextDecoder().decode(/** @type {ArrayBuffer} */ (kept.body)), "tea");
});

test("the key of a form stays in the form", async () => {
  const kept = await draft({ body: new URLSearchParams({ _key: "made-by-the-app", sku: "tea" }) });
  assert.equal(kept.key, "");
  assert.ok(!kept.headers.some(([name]) => name === "idempotency-key"));
});

test("large bodies stay where the browser has them", async () => {
  assert.ok((await draft({ body: "x".repeat(65_537) })).body instanceof Blob);
  assert.equal((await draft({})).body, null);
});

test("what was a navigation still asks for a page", async () => {
  const { headers } = await draft({}, { mode: { value: "navigate" } });
  assert.deepEqual(headers.find(([name]) => name === "upgrade-insecure-requests"), ["upgrade-insecure-requests", "1"]);
});

test("the request that it stands for can be made again and again", async () => {
  const kept = await draft({ body: "tea", headers: { "content-type": "text/plain" } });
  for (let i = 0; i < 2; i++) {
    const request = requestOf(kept, ORIGIN);
    assert.deepEqual([request.method, request.url, await request.text()], ["POST", `${ORIGIN}/cart?a=1`, "tea"]);
    assert.deepEqual([request.headers.get("edgekit-time"), request.headers.get("idempotency-key")], ["1000", "client.1"]);
  }
  assert.equal(requestOf(kept, ORIGIN, null).headers.get("edgekit-time"), null);
});

test("what was foretold for a guest names that guest, and shows that it was this browser's", async () => {
  // case T1
  const kept = await draft({ body: "tea", headers: { "edgekit-author": "forged" } });
  const named = (/** @type {any} */ author) => requestOf({ ...kept, author }, ORIGIN).headers.get("edgekit-author");
  assert.equal(named({ sub: "guest:1", sid: "g", guest: true, frm: "secret" }), "g.secret");
  assert.equal(named({ sub: "ann", sid: "s", guest: false, frm: "secret" }), null);
  assert.equal(named({ sub: "guest:1", sid: "g", guest: true }), null); // kept by an older release
  assert.equal(requestOf(kept, ORIGIN).headers.get("edgekit-author"), null);
});

test("a repetition has the same key and the same content", async () => {
  const form = () => draft({ body: new URLSearchParams({ _key: "made-by-the-app", sku: "tea" }) });
  const [one, two, other] = [await form(), await form(), await draft({ body: new URLSearchParams({ _key: "made-by-the-app", sku: "rum" }) })];
  assert.ok(isRepeated(one, two));
  assert.ok(!isRepeated(one, other));
  assert.ok(!isRepeated(one, { ...two, path: "/cart" }));
  assert.ok(!isRepeated({ ...one, key: "client.1" }, { ...two, key: "client.2" }));
});

test("users are known by their name; what guests wrote is the next guest's", () => {
  const row = (/** @type {boolean} */ guest) => /** @type {any} */ ({ author: { sub: "ann", sid: "s", guest } });
  assert.ok(isBy(row(false), { sub: "ann", sid: "other", guest: false }));
  assert.ok(!isBy(row(false), { sub: "bob", sid: "s", guest: false }));
  assert.ok(!isBy(row(false), { sub: "guest:1", sid: "s", guest: true }));
  assert.ok(isBy(row(true), { sub: "guest:1", sid: "other", guest: true }));
  assert.ok(!isBy(row(true), { sub: "ann", sid: "s", guest: false }));
  assert.ok(!isBy(row(false), undefined));
});

test("there is room for so many rows and so many bytes", () => {
  const rows = (/** @type {number} */ count, size = 0) => /** @type {any[]} */ (Array.from({ length: count }, () => ({ size })));
  assert.ok(hasRoom(rows(ROOM.rows - 1), 0));
  assert.ok(!hasRoom(rows(ROOM.rows), 0));
  assert.ok(hasRoom(rows(1, ROOM.bytes - 5), 5));
  assert.ok(!hasRoom(rows(1, ROOM.bytes - 5), 6));
});
