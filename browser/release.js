// @ts-check
/**
 * A release in Cache Storage: one cache per release, entries addressed by the SHA-256 of their bytes,
 * the manifest put last. A cache without a manifest is a download that has not finished, and is not used.
 */

import { PATH, RELEASE_CACHE } from "./protocol.js";

/** @typedef {import("./protocol.js").Manifest} Manifest */
/** @typedef {{manifest: Manifest, read: (path: string) => Promise<Response>}} Release */
/** @typedef {import("./protocol.js").Fetch} Fetch */
/** @typedef {{fetch: Fetch, caches: CacheStorage}} Platform */

const TYPE = "content-type";

/**
 * Fetch the current manifest. Rejects if it is not the one that `hash` (SHA-256, hex) names: the
 * server has moved on, and its next service worker will say so.
 *
 * @param {string} hash
 * @param {Platform} platform
 * @returns {Promise<Manifest>}
 */
export async function fetchManifest(hash, { fetch }) {
  const response = await fetch(PATH.manifest, { cache: "no-store", credentials: "omit", redirect: "error" });
  if (!response.ok) throw new Error(`${PATH.manifest} answered ${response.status}`);
  const bytes = await response.arrayBuffer();
  if ((await sha256(bytes)) !== hash) throw new Error("the manifest is that of another release");
  return JSON.parse(new TextDecoder().decode(bytes));
}

/**
 * Bring every file of the release into its cache; what an older release has is not fetched again.
 * Rejects, with nothing usable left behind, if one file is missing or its bytes are not the right ones.
 *
 * @param {Manifest} manifest
 * @param {Platform} platform
 * @param {(loaded: number, total: number) => void} [onProgress]   bytes
 * @returns {Promise<Release>}
 */
export async function install(manifest, platform, onProgress = () => {}) {
  const cache = await platform.caches.open(RELEASE_CACHE + manifest.release);
  const older = await releaseCaches(platform.caches);
  // What is needed late is fetched late.
  const files = Object.entries(manifest.files).filter(([path]) => path !== manifest.roles.late);
  const total = files.reduce((sum, [, { size }]) => sum + size, 0);
  let loaded = 0;
  const stop = new AbortController();
  onProgress(0, total);
  const puts = files.map(async ([path, { sha256: hash, size }]) => {
    const file = (await copyOf(hash, older)) ?? (await download(path, hash, platform.fetch, stop.signal));
    await cache.put(address(hash), file);
    loaded += size;
    onProgress(loaded, total);
  });
  try {
    await Promise.all(puts);
  } catch (error) {
    stop.abort();
    await Promise.allSettled(puts);
    throw error;
  }
  await cache.put(PATH.manifest, new Response(JSON.stringify(manifest), { headers: { [TYPE]: "application/json" } }));
  return reader(manifest, cache, platform.fetch);
}

/**
 * An installed release, or undefined if it is not (or no longer) wholly there.
 *
 * @param {string} id
 * @param {Platform} platform
 * @returns {Promise<Release | undefined>}
 */
export async function open(id, { caches, fetch }) {
  const name = RELEASE_CACHE + id;
  if (!(await caches.has(name))) return undefined;
  const cache = await caches.open(name);
  const manifest = await cache.match(PATH.manifest);
  return manifest && reader(await manifest.json(), cache, fetch);
}

/**
 * Delete all releases but `id`.
 *
 * @param {string} id
 * @param {Platform} platform
 */
export async function prune(id, { caches }) {
  const names = (await caches.keys()).filter((name) => name.startsWith(RELEASE_CACHE));
  await Promise.all(names.filter((name) => name !== RELEASE_CACHE + id).map((name) => caches.delete(name)));
}

/** @param {Manifest} manifest @param {Cache} cache @param {import("./protocol.js").Fetch} fetch @returns {Release} */
function reader(manifest, cache, fetch) {
  return {
    manifest,
    async read(path) {
      const file = manifest.files[path];
      if (!file) throw new Error(`${path} is not in release ${manifest.release}`);
      const kept = await cache.match(address(file.sha256));
      if (kept) return kept;
      const fetched = await download(path, file.sha256, fetch, new AbortController().signal);
      await cache.put(address(file.sha256), fetched.clone());
      return fetched;
    },
  };
}

/** @param {string} hash */
function address(hash) {
  return `${PATH.reserved}sha256/${hash}`;
}

/** @param {CacheStorage} caches */
async function releaseCaches(caches) {
  const names = (await caches.keys()).filter((name) => name.startsWith(RELEASE_CACHE));
  return Promise.all(names.map((name) => caches.open(name)));
}

/** @param {string} hash @param {Cache[]} older */
async function copyOf(hash, older) {
  for (const cache of older) {
    const response = await cache.match(address(hash));
    if (response === undefined) continue;
    const bytes = await response.arrayBuffer();
    // Script of the page can write to caches, so an old copy is trusted no more than the network.
    if ((await sha256(bytes)) === hash) return clean(bytes, response);
  }
  return undefined;
}

/** @param {string} path @param {string} hash @param {Fetch} fetch @param {AbortSignal} signal */
async function download(path, hash, fetch, signal) {
  // The second try goes around an HTTP cache that may hold the wrong bytes.
  for (const cache of /** @type {RequestCache[]} */ (["default", "reload"])) {
    const response = await fetch(path, { cache, signal, credentials: "omit", redirect: "error" });
    if (response.status !== 200) throw new Error(`${path} answered ${response.status}`);
    const bytes = await response.arrayBuffer();
    if ((await sha256(bytes)) === hash) return clean(bytes, response);
  }
  throw new Error(`${path} does not have the bytes that the manifest promises`);
}

/** Only bytes and media type are kept. @param {ArrayBuffer} bytes @param {Response} response */
function clean(bytes, response) {
  return new Response(bytes, { headers: { [TYPE]: response.headers.get(TYPE) ?? "application/octet-stream" } });
}

/** @param {ArrayBuffer} bytes */
export async function sha256(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
