// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { STATIC_CACHE, keepStatic, staticAnswer, staticFile } from "../../browser/static-cache.js";
import { FakeCaches, recordingFetch } from "./fakes.js";

const PATH = "/_edge/static/ba7816bf8f01cfea/a.css"; // SHA-256 of "abc"
const bytesOf = (/** @type {string} */ text) => /** @type {ArrayBuffer} */ (new TextEncoder().encode(text).buffer);

/** @param {string} [kept] @param {RequestInit} [init] */
async function ask(kept, init) {
  const caches = new FakeCaches();
  if (kept !== undefined) await (await caches.open(STATIC_CACHE)).put(PATH, staticFile({ bytes: bytesOf(kept), type: "text/css" }));
  const { fetch, requests } = recordingFetch(() => new Response("network"));
  const response = await staticAnswer(new Request(`https://shop.test${PATH}`, init), { fetch, caches: caches.typed });
  return { response, text: await response.text(), asked: requests.length };
}

test("a kept file is the answer, in parts as well", async () => {
  const { response, text, asked } = await ask("abc");
  assert.deepEqual([text, asked], ["abc", 0]);
  const names = ["content-type", "edgekit-host", "x-content-type-options", "cache-control", "etag"];
  assert.deepEqual(names.map((name) => response.headers.get(name)), [
    "text/css",
    "browser",
    "nosniff",
    "public, max-age=31536000, immutable",
    '"ba7816bf8f01cfea414140de5dae2223"',
  ]);
  const part = await ask("abc", { headers: { range: "bytes=1-1" } });
  assert.deepEqual([part.response.status, part.text], [206, "b"]);
});

test("what is not kept, or not what its address promises, comes from the network", async () => {
  for (const kept of [undefined, "evil"]) {
    const { text, asked } = await ask(kept);
    assert.deepEqual([text, asked], ["network", 1]);
  }
});

test("a cache that cannot be read is none", async () => {
  const { fetch } = recordingFetch(() => new Response("network"));
  const caches = /** @type {any} */ ({ match: () => Promise.reject(new DOMException("no", "UnknownError")) });
  const response = await staticAnswer(new Request(`https://shop.test${PATH}`), { fetch, caches });
  assert.equal(await response.text(), "network");
});

test("files that nobody names any more go; a cache that is not there is not made", async () => {
  const caches = new FakeCaches();
  await keepStatic(new Set([PATH]), caches.typed);
  assert.deepEqual(await caches.keys(), []);
  const cache = await caches.open(STATIC_CACHE);
  for (const path of [PATH, "/_edge/static/0/b.css"]) await cache.put(path, new Response(""));
  await keepStatic(new Set([PATH]), caches.typed);
  assert.deepEqual([...cache.entries.keys()], [PATH]);
});
