// @ts-check
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { fetchManifest, install, open, prune } from "../../browser/release.js";
import { FakeCaches, manifest, recordingFetch } from "./fakes.js";

const sha256 = (/** @type {string} */ text) => createHash("sha256").update(text).digest("hex");

/** A manifest of these files. @param {string} release @param {Record<string, string>} files */
const releaseOf = (release, files) =>
  manifest({
    release,
    files: Object.fromEntries(
      Object.entries(files).map(([path, text]) => [path, { sha256: sha256(text), size: text.length }]),
    ),
  });

/** A server with these files. @param {Record<string, string>} files */
function platformOf(files) {
  const { fetch, requests } = recordingFetch((request) => {
    const text = files[new URL(request.url).pathname];
    return text === undefined
      ? new Response("gone", { status: 404 })
      : new Response(text, { headers: { "content-type": "text/x-test", "set-cookie": "a=b" } });
  });
  const store = new FakeCaches();
  const paths = () => requests.map(({ url }) => new URL(url).pathname).sort();
  return { platform: { fetch, caches: store.typed }, store, paths };
}

test("a release is installed whole, and read again later", async () => {
  const files = { "/_edge/a/1": "one", "/_edge/b/2": "two", "/_edge/c/2": "two" };
  const { platform, paths } = platformOf(files);
  /** @type {[number, number][]} */
  const progress = [];
  await install(releaseOf("r1", files), platform, (...step) => progress.push(step));
  assert.deepEqual(paths(), Object.keys(files));
  assert.deepEqual([progress[0], progress.at(-1)], [[0, 9], [9, 9]]);
  const release = await open("r1", platform);
  const response = await release?.read("/_edge/a/1");
  assert.equal(await response?.text(), "one");
  assert.deepEqual([...(response?.headers ?? [])], [["content-type", "text/x-test"]]);
  await assert.rejects(async () => release?.read("/_edge/other"), /not in release r1/);
});

test("unchanged files are copied from the release before, wherever they stood in it", async () => {
  const before = { "/_edge/old/a": "same", "/_edge/old/b": "old" };
  const { platform } = platformOf(before);
  await install(releaseOf("r1", before), platform);
  const after = { "/_edge/new/a": "same", "/_edge/new/b": "new" };
  const server = platformOf(after);
  await install(releaseOf("r2", after), { ...platform, fetch: server.platform.fetch });
  assert.deepEqual(server.paths(), ["/_edge/new/b"]);
  assert.equal(await (await (await open("r2", platform))?.read("/_edge/new/a"))?.text(), "same");
});

test("a copy that somebody changed is fetched again", async () => {
  const { platform, store, paths } = platformOf({ "/_edge/a": "right" });
  const cache = await store.open("edgekit-release-old");
  await cache.put(`/_edge/sha256/${sha256("right")}`, new Response("wrong"));
  const release = await install(releaseOf("r1", { "/_edge/a": "right" }), platform);
  assert.deepEqual(paths(), ["/_edge/a"]);
  assert.equal(await (await release.read("/_edge/a")).text(), "right");
});

test("wrong bytes are tried once more around the HTTP cache, and never stored", async () => {
  const { platform, store, paths } = platformOf({ "/_edge/a": "wrong" });
  const wanted = releaseOf("r1", { "/_edge/a": "right" });
  await assert.rejects(install(wanted, platform), /does not have the bytes/);
  assert.deepEqual(paths(), ["/_edge/a", "/_edge/a"]);
  assert.equal(store.stores.get("edgekit-release-r1")?.entries.size, 0);
});

test("half a release is no release; the next try fetches the rest only", async () => {
  const files = { "/_edge/a": "one", "/_edge/b": "two" };
  const half = platformOf({ "/_edge/a": "one" });
  await assert.rejects(install(releaseOf("r1", files), half.platform), /answered 404/);
  assert.equal(await open("r1", half.platform), undefined);
  const whole = platformOf(files);
  await install(releaseOf("r1", files), { ...half.platform, fetch: whole.platform.fetch });
  assert.deepEqual(whole.paths(), ["/_edge/b"]);
});

test("a release that was never installed is not there", async () => {
  const { platform, store } = platformOf({});
  assert.equal(await open("r1", platform), undefined);
  assert.deepEqual(await store.keys(), []);
});

test("only the present release is kept; other caches are left alone", async () => {
  const { platform, store } = platformOf({});
  for (const name of ["edgekit-release-r1", "edgekit-release-r2", "edgekit-catalog", "app"]) await store.open(name);
  await prune("r2", platform);
  assert.deepEqual(await store.keys(), ["edgekit-release-r2", "edgekit-catalog", "app"]);
});

test("the manifest must be the one that the worker was built with", async () => {
  const text = JSON.stringify(manifest());
  const { platform } = platformOf({ "/_edge/manifest.json": text });
  assert.deepEqual(await fetchManifest(sha256(text), platform), manifest());
  await assert.rejects(fetchManifest(sha256("other"), platform), /another release/);
  await assert.rejects(fetchManifest(sha256(text), platformOf({}).platform), /answered 404/);
});
