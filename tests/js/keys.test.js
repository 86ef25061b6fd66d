// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { hasFormKey, keyMint } from "../../browser/keys.js";
import { memoryStore } from "./fakes.js";

test("keys are well formed, never repeat, and share the browser's id", async () => {
  const store = memoryStore();
  const [mint, other] = [keyMint(store), keyMint(store)]; // two workers
  const keys = await Promise.all(Array.from({ length: 100 }, (_, i) => (i % 3 ? mint() : other())));
  for (const key of keys) assert.match(key, /^[A-Za-z0-9_-]{22}\.[1-9]\d{0,2}$/);
  assert.equal(new Set(keys).size, 100);
  assert.equal(new Set(keys.map((key) => key.slice(0, 22))).size, 1);
  assert.notEqual((await keyMint(memoryStore())()).slice(0, 22), keys[0]?.slice(0, 22));
});

test("numbers grow, also over a worker's end", async () => {
  const store = memoryStore();
  const number = async (/** @type {() => Promise<string>} */ mint) => Number((await mint()).slice(23));
  const first = keyMint(store);
  assert.deepEqual([await number(first), await number(first)], [1, 2]);
  assert.ok((await number(keyMint(store))) > 2);
});

test("a disk that fails once is asked again", async () => {
  const store = memoryStore();
  let works = false;
  const mint = keyMint({ ...store, update: (...words) => (works ? store.update(...words) : Promise.reject(new Error("full"))) });
  assert.match(await mint(), /^[\w-]{22}$/);
  works = true;
  assert.match(await mint(), /\.1$/);
});

/** @param {FormData | URLSearchParams} form */
async function keyed(form) {
  const request = new Request("https://shop.test/", { method: "POST", body: form });
  return hasFormKey(request.headers, await request.blob());
}

test("the key of a form is found wherever it stands", async () => {
  assert.equal(await keyed(new URLSearchParams({ _key: "x", a: "1" })), true);
  assert.equal(await keyed(new URLSearchParams({ a: "1", _key: "x" })), true);
  assert.equal(await keyed(new URLSearchParams({ a_key: "x", a: "_key=" })), false);
  for (const size of [10, 1_048_400, 3_000_000]) {
    const form = new FormData();
    form.set("file", new Blob([new Uint8Array(size)]), "photo.jpg");
    assert.equal(await keyed(form), false);
    form.set("_key", "x");
    assert.equal(await keyed(form), true, `behind ${size} bytes`);
  }
});

test("what a file holds is not taken for a field", async () => {
  const form = new FormData();
  form.set("file", new Blob(['\r\nContent-Disposition: form-data; name="_key"\r\n\r\nx']), "dump.txt");
  assert.equal(await keyed(form), false);
});

test("other bodies are not looked at", async () => {
  assert.equal(await hasFormKey(new Headers({ "content-type": "text/plain" }), new Blob(["_key=x"])), false);
});
