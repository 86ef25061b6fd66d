// @ts-check
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { createDeviceKey, findDeviceKey } from "../../browser/device-key.js";
import { BROKEN_STORE, memoryStore } from "./fakes.js";

test("the key is made on first need, once", async () => {
  const store = memoryStore();
  assert.equal(await findDeviceKey(store), undefined);
  const find = createDeviceKey(store);
  const [key, same] = await Promise.all([find(), find()]);
  assert.ok(key);
  assert.equal(same, key);
  assert.equal(await createDeviceKey(store)(), key);
  assert.equal(await findDeviceKey(store), key);
});

test("it cannot be exported, and is known by its thumbprint", async () => {
  const key = await createDeviceKey(memoryStore())();
  assert.ok(key);
  const { privateKey, jwk, jkt } = key;
  assert.deepEqual([privateKey.extractable, privateKey.usages], [false, ["sign"]]);
  for (const format of /** @type {const} */ (["jwk", "pkcs8"])) await assert.rejects(crypto.subtle.exportKey(format, privateKey));
  const text = `{"crv":"P-256","kty":"EC","x":"${jwk.x}","y":"${jwk.y}"}`; // RFC 7638, section 3.2
  assert.equal(jkt, createHash("sha256").update(text).digest("base64url"));
});

test("whoever else made one first has made it for all", async () => {
  const store = memoryStore();
  const [one, other] = await Promise.all([createDeviceKey(store)(), createDeviceKey(store)()]);
  assert.equal(one?.jkt, other?.jkt);
});

test("a key that could be exported is not ours", async () => {
  const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
  const store = memoryStore({ device: { privateKey: pair.privateKey, jwk: {}, jkt: "planted" } });
  const key = await createDeviceKey(store)();
  assert.deepEqual([key?.privateKey.extractable, key?.jkt.length], [false, 43]);
});

test("where no key can be kept there is none", async () => {
  assert.equal(await createDeviceKey({ ...memoryStore(), lasts: async () => false })(), undefined);
  assert.equal(await createDeviceKey(BROKEN_STORE)(), undefined);
});
