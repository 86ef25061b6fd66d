// @ts-check
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { createKeeper } from "../../browser/keeper.js";
import { createTakeover } from "../../browser/takeover.js";
import { dropSnapshots, snapshotStore } from "../../browser/snapshot-store.js";
import { BROKEN_STORE, FakeCaches, manifest, memoryStore, recordingFetch } from "./fakes.js";

const sha256 = (/** @type {string} */ text) => createHash("sha256").update(text).digest("hex");

/** A keeper of a release with one file, its server, and the clock. */
function setUp() {
  const text = JSON.stringify(manifest({ release: "r1", files: { "/_edge/a": { sha256: sha256("one"), size: 3 } } }));
  const server = { up: true };
  const clock = { now: 0 };
  const { fetch, requests } = recordingFetch(({ url }) => {
    if (!server.up) throw new TypeError("offline");
    return new Response(url.endsWith("r1.json") ? text : "one");
  });
  const store = new FakeCaches();
  /** @type {object[]} */
  const progress = [];
  const create = () =>
    createKeeper({
      id: "r1",
      hash: sha256(text),
      platform: { fetch, caches: store.typed },
      now: () => clock.now,
      onProgress: (step) => progress.push(step),
    });
  return { create, server, clock, requests, store, progress };
}

test("a release is fetched once, however often it is asked for", async () => {
  const { create, requests, progress } = setUp();
  const keeper = create();
  assert.equal(await keeper.installed(), undefined);
  const [one, two] = await Promise.all([keeper.current(), keeper.current()]);
  assert.equal(one, two);
  assert.equal(requests.length, 2);
  assert.deepEqual(progress, [0, 3].map((loaded) => ({ mode: "production", loaded, total: 3 })));
  assert.equal(await keeper.installed(), one);
});

test("what is installed needs no server", async () => {
  const { create, server } = setUp();
  await create().current();
  server.up = false;
  assert.equal((await create().current()).manifest.release, "r1");
});

test("after a failure there is a pause before the next try", async () => {
  const { create, server, clock, requests } = setUp();
  const keeper = create();
  server.up = false;
  await assert.rejects(keeper.current(), /offline/);
  server.up = true;
  const before = requests.length;
  await assert.rejects(keeper.current(), /offline/);
  assert.equal(requests.length, before);
  clock.now += 30_000;
  assert.equal((await keeper.current()).manifest.release, "r1");
});

test("a release that is deleted under a running worker is fetched again when somebody looks", async () => {
  const { create, requests, store } = setUp();
  const keeper = create();
  await keeper.current();
  await keeper.renew();
  assert.equal(requests.length, 2);
  await store.delete("edgekit-release-r1");
  await keeper.current();
  assert.equal(requests.length, 2);
  await keeper.renew();
  assert.equal(requests.length, 4);
  assert.deepEqual(await store.keys(), ["edgekit-release-r1"]);
});

test("a release takes over silently if it is the first, or speaks as the one before it did", async () => {
  const store = memoryStore();
  assert.equal(await createTakeover(store, 1).isSilent(true), true);
  assert.equal(await createTakeover(store, 1).isSilent(false), false);
  await createTakeover(store, 1).done();
  assert.equal(await createTakeover(store, 1).isSilent(false), true);
  assert.equal(await createTakeover(store, 2).isSilent(false), false);
  await createTakeover(store, 2).done();
  assert.equal(await createTakeover(store, 1).isSilent(false), false);
});

test("where nothing can be kept, a release asks before it takes over", async () => {
  const takeover = createTakeover(BROKEN_STORE, 1);
  await takeover.done();
  assert.equal(await takeover.isSilent(false), false);
});

const SNAPSHOT = new Uint8Array([1, 2, 3]);
/** @param {FakeCaches} caches @param {StorageEstimate} [room] */
const snapshots = (caches, room = {}) => snapshotStore("r1", { caches: caches.typed, estimate: async () => room });

/** With the release in it. */
async function installed() {
  const caches = new FakeCaches();
  await caches.open("edgekit-release-r1");
  return caches;
}

test("a snapshot is kept with its release", async () => {
  const caches = await installed();
  assert.equal(await snapshots(caches).find(), undefined);
  await snapshots(caches).save(SNAPSHOT);
  assert.deepEqual(await caches.keys(), ["edgekit-release-r1"]);
  const found = await snapshots(caches).find();
  assert.deepEqual(new Uint8Array((await found?.packed()) ?? []), SNAPSHOT);
});

test("a snapshot that comes too late does not bring the cache of its release back", async () => {
  const caches = new FakeCaches();
  await caches.open("edgekit-release-r2");
  assert.equal(await snapshots(caches).find(), undefined);
  await assert.rejects(snapshots(caches).save(SNAPSHOT), /release is gone/);
  assert.deepEqual(await caches.keys(), ["edgekit-release-r2"]);
});

test("a snapshot leaves room for other things", async () => {
  const caches = await installed();
  await assert.rejects(snapshots(caches, { quota: 48_000_000, usage: 0 }).save(SNAPSHOT), /too little room/);
  await snapshots(caches, { quota: 48_000_003, usage: 0 }).save(SNAPSHOT);
  await dropSnapshots(caches.typed);
  assert.equal(await snapshots(caches).find(), undefined);
});

test("after a crash there is no snapshot any more, and no new one", async () => {
  const caches = await installed();
  await snapshots(caches).save(SNAPSHOT);
  await snapshots(caches).forbid();
  assert.equal(await snapshots(caches).find(), null);
  await assert.rejects(snapshots(caches).save(SNAPSHOT), /broke/);
});
