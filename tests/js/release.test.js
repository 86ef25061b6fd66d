// @ts-check
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { fetchManifest, install, open, prune } from "../../browser/release.js";
import { mendStatic } from "../../browser/static-cache.js";
import { FakeCaches, manifest, recordingFetch } from "./fakes.js";

const sha256 = (/** @type {string} */ text) => createHash("sha256").update(text).digest("hex");
const bytesOf = (/** @type {string} */ text) => /** @type {ArrayBuffer} */ (new TextEncoder().encode(text).buffer);
const address = (/** @type {string} */ text) => `/_edge/sha256/${sha256(text)}`;

/**
 * A release of these files: `text` is its manifest, with the hash `hash`.
 *
 * @param {string} id @param {Record<string, string>} files
 * @param {Partial<import("../../browser/protocol.js").Manifest["roles"]>} [roles]
 */
function releaseOf(id, files, roles = {}) {
  const listed = Object.entries(files).map(([path, text]) => [path, { sha256: sha256(text), size: text.length }]);
  const plain = manifest();
  const text = JSON.stringify({ ...plain, release: id, roles: { ...plain.roles, ...roles }, files: Object.fromEntries(listed) });
  return { id, text, hash: sha256(text), bytes: bytesOf(text) };
}

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
  return { platform: { fetch, caches: store.typed }, store, paths, requests };
}

/** @param {{read: (path: string) => Promise<Response>} | undefined} release @param {string} path */
const textOf = async (release, path) => (await release?.read(path))?.text();

test("a release is installed whole, and read again later", async () => {
  const files = { "/_edge/a/1": "one", "/_edge/b/2": "two", "/_edge/c/2": "two" };
  const { platform, paths } = platformOf(files);
  const { id, hash, bytes } = releaseOf("r1", files);
  /** @type {[number, number][]} */
  const progress = [];
  await install(bytes, platform, (...step) => progress.push(step));
  assert.deepEqual(paths(), Object.keys(files));
  assert.deepEqual([progress[0], progress.at(-1)], [[0, 9], [9, 9]]);
  const release = await open(id, hash, platform);
  const response = await release?.read("/_edge/a/1");
  assert.equal(await response?.text(), "one");
  assert.deepEqual([...(response?.headers ?? [])], [["content-type", "text/x-test"]]);
  await assert.rejects(async () => release?.read("/_edge/other"), /not in release r1/);
});

test("unchanged files are copied from the release before, wherever they stood in it", async () => {
  const before = { "/_edge/old/a": "same", "/_edge/old/b": "old" };
  const { platform } = platformOf(before);
  await install(releaseOf("r1", before).bytes, platform);
  const after = { "/_edge/new/a": "same", "/_edge/new/b": "new" };
  const server = platformOf(after);
  const release = await install(releaseOf("r2", after).bytes, { ...platform, fetch: server.platform.fetch });
  assert.deepEqual(server.paths(), ["/_edge/new/b"]);
  assert.equal(await textOf(release, "/_edge/new/a"), "same");
});

test("a copy that somebody changed is fetched again", async () => {
  const { platform, store, paths } = platformOf({ "/_edge/a": "right" });
  await (await store.open("edgekit-release-old")).put(address("right"), new Response("wrong"));
  const release = await install(releaseOf("r1", { "/_edge/a": "right" }).bytes, platform);
  assert.deepEqual(paths(), ["/_edge/a"]);
  assert.equal(await textOf(release, "/_edge/a"), "right");
});

test("wrong bytes are tried once more around the HTTP cache, and never stored", async () => {
  const { platform, store, requests } = platformOf({ "/_edge/a": "wrong" });
  await assert.rejects(install(releaseOf("r1", { "/_edge/a": "right" }).bytes, platform), /does not have the bytes/);
  assert.deepEqual(requests.map(({ cache }) => cache), ["default", "reload"]);
  assert.deepEqual(await store.keys(), []);
});

test("what the worker itself is made of is compared with what was loaded, never with an older copy", async () => {
  const files = { "/_edge/worker/1/pyodide.js": "engine", "/_edge/worker/2/kit.js": "worker" };
  const wanted = releaseOf("r2", files, { engine: "/_edge/worker/1/pyodide.js", worker: "/_edge/worker/2/kit.js" });
  for (const damaged of Object.keys(files)) {
    const old = platformOf(files);
    await install(releaseOf("r1", files).bytes, old.platform);
    const { fetch, requests } = recordingFetch(({ url, cache }) => {
      const path = /** @type {keyof typeof files} */ (new URL(url).pathname);
      return new Response(path === damaged && cache !== "reload" ? "what the browser has run" : files[path]);
    });
    await assert.rejects(install(wanted.bytes, { ...old.platform, fetch }), /was damaged when it was loaded/);
    const healed = requests.filter(({ cache }) => cache === "reload").map(({ url }) => new URL(url).pathname);
    assert.deepEqual(healed, [damaged]);
    assert.equal(await open("r2", wanted.hash, old.platform), undefined);
  }
});

test("half a release is no release; the next try fetches the rest only", async () => {
  const files = { "/_edge/a": "one", "/_edge/b": "two" };
  const { id, hash, bytes } = releaseOf("r1", files);
  const half = platformOf({ "/_edge/a": "one" });
  await assert.rejects(install(bytes, half.platform), /answered 404/);
  assert.equal(await open(id, hash, half.platform), undefined);
  const whole = platformOf(files);
  await install(bytes, { ...half.platform, fetch: whole.platform.fetch });
  assert.deepEqual(whole.paths(), ["/_edge/b"]);
});

test("a release that was never installed is not there", async () => {
  const { platform, store } = platformOf({});
  assert.equal(await open("r1", sha256(""), platform), undefined);
  assert.deepEqual(await store.keys(), []);
});

test("only the present release is kept; other caches are left alone", async () => {
  const { platform, store } = platformOf({});
  for (const name of ["edgekit-release-r1", "edgekit-release-r2", "edgekit-catalog", "app"]) await store.open(name);
  await prune("r2", platform);
  assert.deepEqual(await store.keys(), ["edgekit-release-r2", "edgekit-catalog", "app"]);
});

test("the manifest is that of the release, and must be the one that the worker was built with", async () => {
  const { id, text, hash } = releaseOf("r1", {});
  const { platform } = platformOf({ "/_edge/releases/r1.json": text });
  assert.deepEqual(await fetchManifest(id, hash, platform), bytesOf(text));
  await assert.rejects(fetchManifest(id, sha256("other"), platform), /does not have the bytes/);
  await assert.rejects(fetchManifest("r2", hash, platform), /answered 404/);
});

test("a manifest that somebody changed where it is kept is no manifest", async () => {
  const files = { "/_edge/a": "one" };
  const { platform, store } = platformOf(files);
  const { id, hash, bytes } = releaseOf("r1", files);
  await install(bytes, platform);
  await store.stores.get("edgekit-release-r1")?.put("/_edge/manifest.json", new Response(releaseOf("r1", { "/_edge/a": "evil" }).text));
  assert.equal(await open(id, hash, platform), undefined);
});

test("a kept file that was changed or deleted is fetched again, and kept again", async () => {
  const files = { "/_edge/a": "right" };
  const { platform, store, paths } = platformOf(files);
  const release = await install(releaseOf("r1", files).bytes, platform);
  const cache = store.stores.get("edgekit-release-r1");
  for (const damage of [() => cache?.put(address("right"), new Response("evil")), () => cache?.delete(address("right"))]) {
    await damage();
    const before = paths().length;
    assert.equal(await textOf(release, "/_edge/a"), "right");
    assert.equal(await textOf(release, "/_edge/a"), "right");
    assert.equal(paths().length, before + 1);
  }
});

test("a kept file that was changed is refused when it cannot be fetched again", async () => {
  const files = { "/_edge/a": "right" };
  const { platform, store } = platformOf(files);
  await install(releaseOf("r1", files).bytes, platform);
  await store.stores.get("edgekit-release-r1")?.put(address("right"), new Response("evil"));
  const { hash } = releaseOf("r1", files);
  const release = await open("r1", hash, { ...platform, fetch: async () => Promise.reject(new TypeError("offline")) });
  await assert.rejects(async () => release?.read("/_edge/a"), /offline/);
});

test("a copy may be had before it has been checked", async () => {
  const files = { "/_edge/p/a.wasm": "right" };
  const { platform, store, paths } = platformOf(files);
  const release = await install(releaseOf("r1", files).bytes, platform);
  const copy = async () => {
    const { bytes, type, check } = (await release.copy("/_edge/p/a.wasm")) ?? {};
    return [new TextDecoder().decode(bytes), type, await check?.()];
  };
  assert.deepEqual(await copy(), ["right", "text/x-test", true]);
  await store.stores.get("edgekit-release-r1")?.put(address("right"), new Response("evil"));
  assert.deepEqual((await copy()).slice(0, 3), ["evil", "text/plain;charset=UTF-8", false]);
  assert.equal(await textOf(release, "/_edge/p/a.wasm"), "right");
  await store.stores.get("edgekit-release-r1")?.delete(address("right"));
  assert.equal(await release.copy("/_edge/p/a.wasm"), undefined);
  await assert.rejects(release.copy("/_edge/other"), /not in release r1/);
  assert.equal(paths().length, 2);
});

test("where room is short, snapshots go first; then the install fails and says so", async () => {
  const files = { "/_edge/a": "one", "/_edge/b": "two" };
  const { platform, store } = platformOf({ ...files, "/_edge/c": "three" });
  const cache = await store.open("edgekit-release-r1");
  await cache.put("/_edge/snapshot/jspi", new Response("a snapshot"));
  cache.room = 2;
  await install(releaseOf("r1", files).bytes, platform);
  assert.equal(await cache.match("/_edge/snapshot/jspi"), undefined);

  const full = await store.open("edgekit-release-r2");
  full.room = 1;
  await assert.rejects(install(releaseOf("r2", { ...files, "/_edge/c": "three" }).bytes, platform), /no room left/);
  assert.deepEqual(await store.keys(), ["edgekit-release-r1"]);
});

test("what a start reads is read once from what has just arrived, then from where it is kept", async () => {
  const files = { "/_edge/a.wasm": "wasm", "/_edge/b": "other" };
  const { platform, store } = platformOf(files);
  const release = await install(releaseOf("r1", files, { wasm: "/_edge/a.wasm" }).bytes, platform);
  for (const text of Object.values(files)) await store.stores.get("edgekit-release-r1")?.delete(address(text));
  assert.equal(await (await release.copy("/_edge/a.wasm"))?.check(), true);
  assert.equal(await release.copy("/_edge/a.wasm"), undefined);
  assert.equal(await release.copy("/_edge/b"), undefined);
});

test("the code of the worker is not kept a second time", async () => {
  const files = { "/_edge/worker/1/pyodide.js": "engine", "/_edge/worker/2/kit.js": "worker" };
  const { platform, store } = platformOf(files);
  const roles = { engine: "/_edge/worker/1/pyodide.js", worker: "/_edge/worker/2/kit.js" };
  await install(releaseOf("r1", files, roles).bytes, platform);
  assert.deepEqual((await (await store.open("edgekit-release-r1")).keys()).length, 1);
});

test("what is needed late, or by pages and other hosts only, is fetched when it is read", async () => {
  const early = { "/_edge/a": "one", "/_edge/kit/abc/page.js": "two", "/_edge/kit/abc/page.css": "three" };
  const others = { "/_edge/late": "4", "/_edge/loader": "5", "/_edge/factory": "6", "/_edge/kit/abc/front.js": "7" };
  const files = { ...early, ...others };
  const { platform, paths } = platformOf(files);
  const roles = { late: "/_edge/late", loader: "/_edge/loader", factory: "/_edge/factory" };
  const release = await install(releaseOf("r1", files, roles).bytes, platform);
  assert.deepEqual(paths(), Object.keys(early).sort());
  for (const [path, text] of Object.entries(others)) assert.equal(await textOf(release, path), text);
  assert.deepEqual(paths(), Object.keys(files).sort());
});

/** A release with one static file. @param {string} id @param {string} text */
function withStatic(id, text) {
  const path = `/_edge/static/${sha256(text).slice(0, 16)}/a.css`;
  const files = { [path]: text };
  const { text: plain } = releaseOf(id, files);
  const manifestText = JSON.stringify({ ...JSON.parse(plain), static: { "/static/a.css": path } });
  return { id, path, files, hash: sha256(manifestText), bytes: bytesOf(manifestText) };
}

/** @param {FakeCaches} store */
const staticPaths = async (store) => [...(store.stores.get("edgekit-static")?.entries.keys() ?? [])].sort();

test("static files are kept by their addresses, as the browser may answer with them", async () => {
  const one = withStatic("r1", "h1 {}");
  const { platform, store } = platformOf(one.files);
  await install(one.bytes, platform);
  assert.deepEqual(await staticPaths(store), [one.path]);
  const kept = await store.stores.get("edgekit-static")?.match(one.path);
  assert.equal(await kept?.text(), "h1 {}");
  const headers = ["content-type", "edgekit-host", "x-content-type-options", "set-cookie"].map((name) => kept?.headers.get(name));
  assert.deepEqual(headers, ["text/x-test", "browser", "nosniff", null]);
  assert.equal(await textOf(await open("r1", one.hash, platform), one.path), "h1 {}");
});

test("static files stay one release longer than the release, and are not fetched twice", async () => {
  const [one, two, three] = [withStatic("r1", "one"), withStatic("r2", "two"), withStatic("r3", "two")];
  const { platform, store, paths } = platformOf({ ...one.files, ...two.files });
  await install(one.bytes, platform);
  await install(two.bytes, platform);
  await prune("r2", platform);
  assert.deepEqual(await staticPaths(store), [one.path, two.path].sort());
  const fetched = paths().length;
  await install(three.bytes, platform);
  await prune("r3", platform);
  assert.deepEqual(await staticPaths(store), [two.path]);
  assert.equal(paths().length, fetched);
});

test("a damaged manifest of another release names no static files", async () => {
  const two = withStatic("r2", "two");
  const { platform, store } = platformOf(two.files);
  await install(two.bytes, platform);
  await (await store.open("edgekit-release-r1")).put("/_edge/manifest.json", new Response("{"));
  await prune("r2", platform);
  assert.deepEqual(await staticPaths(store), [two.path]);
});

test("an install that finds no room takes its static files along", async () => {
  const [one, two] = [withStatic("r1", "one"), withStatic("r2", "two")];
  const { platform, store } = platformOf({ ...one.files, ...two.files });
  await install(one.bytes, platform);
  (await store.open("edgekit-release-r2")).room = 0;
  await assert.rejects(install(two.bytes, platform), /no room left/);
  assert.deepEqual(await staticPaths(store), [one.path]);
});

test("static files that were changed or deleted are put right", async () => {
  const one = withStatic("r1", "right");
  const { platform, store } = platformOf(one.files);
  const release = await install(one.bytes, platform);
  const cache = store.stores.get("edgekit-static");
  for (const damage of [() => cache?.put(one.path, new Response("evil")), () => cache?.delete(one.path)]) {
    await damage();
    await mendStatic(release);
    assert.equal(await (await cache?.match(one.path))?.text(), "right");
  }
});
