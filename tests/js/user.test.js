// @ts-check
import assert from "node:assert/strict";
import { before, test } from "node:test";

import { createUser } from "../../browser/user.js";
import { memoryStore, recordingFetch } from "./fakes.js";

const ES256 = { name: "ECDSA", namedCurve: "P-256" };
/** @type {CryptoKeyPair} */
let pair;

before(async () => {
  pair = /** @type {CryptoKeyPair} */ (await crypto.subtle.generateKey(ES256, true, ["sign", "verify"]));
});

/** A signed view. @param {{sub?: string, ver?: number, iat?: number}} [change] */
async function token({ sub = "guest", ver = 1, iat = 1_000 } = {}) {
  const encode = (/** @type {string | Uint8Array} */ data) => Buffer.from(data).toString("base64url");
  const claims = { sub, iat, exp: iat + 86_400, ver, keys: [], state: {} };
  const message = `${encode('{"alg":"ES256","kid":"k1","typ":"edgekit-view+jwt"}')}.${encode(JSON.stringify(claims))}`;
  const signature = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, pair.privateKey, Buffer.from(message));
  return `${message}.${encode(new Uint8Array(signature))}`;
}

/**
 * @param {() => Promise<string> | string} edge   what `GET /_edge/view` says
 * @param {import("../../browser/store.js").Store} [store]
 */
function userOf(edge, store = memoryStore()) {
  const clock = { now: 2_000_000 };
  const { fetch, requests } = recordingFetch(async () => new Response(null, { status: 204, headers: { "edgekit-view": await edge() } }));
  const user = createUser({ store, fetch, findKey: async () => pair.publicKey, now: () => clock.now });
  const version = async () => JSON.parse((await user.current()) ?? "{}").ver;
  return { user, version, requests, store, clock };
}

const offline = () => Promise.reject(new TypeError("offline"));

test("without a view an edge is asked, once", async () => {
  const { version, requests } = userOf(() => token({ ver: 5 }));
  assert.equal(await version(), 5);
  assert.equal(await version(), 5);
  assert.equal(requests.length, 1);
  assert.equal(requests[0]?.headers.get("edgekit-client"), "1");
});

test("that there is no view is knowledge too", async () => {
  const { user, requests } = userOf(() => "none");
  assert.equal(await user.current(), undefined);
  assert.equal(await user.current(), undefined);
  assert.equal(requests.length, 1);
});

test("offline it goes on without, and asks again later", async () => {
  const { user, requests, clock } = userOf(offline);
  assert.equal(await user.current(), undefined);
  assert.equal(await user.current(), undefined);
  assert.equal(requests.length, 1);
  clock.now += 10_000;
  await user.current();
  assert.equal(requests.length, 2);
});

test("the payload outlives the worker, the token is not kept", async () => {
  const store = memoryStore();
  await userOf(offline, store).user.accept(await token({ ver: 2 }));
  const next = userOf(() => assert.fail("asked"), store);
  assert.equal(await next.version(), 2);
  const kept = JSON.stringify(await store.get("view"));
  const parts = (await token({ ver: 2 })).split(".");
  for (const part of parts) assert.ok(!kept.includes(part));
});

test("a newer view replaces, an older one of the same user does not", async () => {
  const { user, version } = userOf(offline);
  await user.accept(await token({ ver: 3 }));
  await user.accept(await token({ ver: 2 }));
  assert.equal(await version(), 3);
  await user.accept(await token({ sub: "other", ver: 1 }));
  assert.equal(await version(), 1);
  await user.accept("none");
  assert.equal(await user.current(), undefined);
});

test("what does not verify changes nothing", async () => {
  const { user, version } = userOf(offline);
  await user.accept(await token({ ver: 3 }));
  for (const bad of [null, "", "x.y.z", `${await token({ ver: 9 })}A`]) await user.accept(bad);
  assert.equal(await version(), 3);
});

test("a change without a token is fetched", async () => {
  const { user, version, requests } = userOf(() => token({ ver: 4 }));
  await user.accept("changed");
  assert.equal(await version(), 4);
  assert.equal(requests.length, 1);
});

test("an edge that only says `changed` does not send us round in circles", async () => {
  const { user, requests } = userOf(() => "changed");
  await user.refresh();
  assert.equal(requests.length, 1);
});

test("an answer that came meanwhile is newer than the one asked for", async () => {
  /** @type {(value: string) => void} */
  let answer = () => {};
  const { user, version } = userOf(() => new Promise((resolve) => (answer = resolve)));
  const asking = user.refresh();
  await user.accept(await token({ ver: 7 }));
  answer("none");
  await asking;
  assert.equal(await version(), 7);
});

test("an expired view is used, and renewed behind the answer", async () => {
  const { user, version, requests, clock } = userOf(() => token({ ver: 2, iat: 100_000 }));
  await user.accept(await token({ ver: 1 }));
  clock.now = (1_000 + 86_401) * 1000;
  assert.equal(await version(), 1);
  await user.refresh(); // joins the question that is under way
  assert.equal(requests.length, 1);
  assert.equal(await version(), 2);
});

test("a store that fails is no reason to forget", async () => {
  const broken = { get: offline, update: offline };
  const { user, version } = userOf(offline, broken);
  await user.accept(await token({ ver: 3 }));
  assert.equal(await version(), 3);
});
