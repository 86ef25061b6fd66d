// @ts-check
/**
 * A release in Cache Storage: one cache per release, entries addressed by the SHA-256 of their bytes,
 * the manifest put last. A cache without a manifest is a download that has not finished, and is not used.
 * Only the app's static files have a cache for all releases, by the addresses that pages name (static-cache.js).
 *
 * Script of a page can write to caches. So nothing in them is believed: the manifest has to have the hash that
 * `/sw.js` names, and each file the hash that the manifest names, whenever it is read.
 */

import { sha256 } from "./digest.js";
import { DEADLINE, PAGE_FILES, PATH, RELEASE_CACHE } from "./protocol.js";
import { dropSnapshots } from "./snapshot-store.js";
import { STATIC, STATIC_CACHE, keepStatic, staticFile } from "./static-cache.js";

/** @typedef {import("./protocol.js").Manifest} Manifest */
/** @typedef {import("./protocol.js").Fetch} Fetch */
/** @typedef {{fetch: Fetch, caches: CacheStorage}} Platform */

/** @typedef {{bytes: ArrayBuffer, type: string}} File   type: media type */

/**
 * @typedef {object} Release
 * @property {Manifest} manifest
 * @property {(path: string) => Promise<Response>} read   a file, checked
 * @property {(path: string) => Promise<Copy | undefined>} copy   a file as it is kept, not checked yet
 *
 * @typedef {File & {check: () => Promise<boolean>}} Copy   check: whether these are the right bytes; nothing may come
 *   of them before
 */

const TYPE = "content-type";
const BINARY = "application/octet-stream";
/** Roles of what a start reads. */
const STARTS = Object.freeze(/** @type {const} */ (["wasm", "stdlib", "site", "edge", "app"]));

/**
 * The bytes of a release's manifest, from the server. Rejects if they do not have the hash (SHA-256, hex).
 *
 * @param {string} id   of the release
 * @param {string} hash
 * @param {Platform} platform
 */
export async function fetchManifest(id, hash, { fetch }) {
  return (await download(`${PATH.releases}${id}.json`, hash, fetch, AbortSignal.timeout(DEADLINE.network))).bytes;
}

/**
 * Bring every file of the release into its cache; what an older release has is not fetched again.
 * Rejects, with nothing usable left behind, if one file is missing, does not fit, or has the wrong bytes.
 *
 * @param {ArrayBuffer} bytes   the manifest
 * @param {Platform} platform
 * @param {(loaded: number, total: number) => void} [onProgress]   bytes
 * @returns {Promise<Release>}
 */
export async function install(bytes, platform, onProgress = () => {}) {
  const manifest = parse(bytes);
  const { fetch, caches } = platform;
  const cacheName = RELEASE_CACHE + manifest.release;
  const older = await releaseCaches(caches);
  const files = Object.entries(manifest.files).filter(([path]) => isNeeded(manifest, path));
  const total = files.reduce((sum, [, { size }]) => sum + size, 0);
  const first = new Set(STARTS.map((role) => manifest.roles[role]));
  /** @type {Map<string, File>} */
  const fresh = new Map();
  let loaded = 0;
  const stop = new AbortController();
  onProgress(0, total);
  const puts = files.map(async ([path, { sha256: hash, size }]) => {
    if (runs(manifest, path)) {
      await checkLoaded(path, hash, fetch, stop.signal);
    } else {
      const file = (await copyOf(path, hash, older, caches)) ?? (await download(path, hash, fetch, stop.signal));
      await put(...placeOf(cacheName, path, hash), file, caches);
      if (first.has(path)) fresh.set(path, file);
    }
    loaded += size;
    onProgress(loaded, total);
  });
  try {
    await Promise.all(puts);
    await put(cacheName, PATH.manifest, { bytes, type: "application/json" }, caches);
  } catch (error) {
    stop.abort();
    await Promise.allSettled(puts);
    // What has arrived is there for the next try, unless it is in the way.
    if (error instanceof NoRoom) {
      await caches.delete(cacheName);
      await keepStatic(await staticPaths(caches), caches);
    }
    throw error;
  }
  return reader(manifest, platform, fresh);
}

/**
 * An installed release, or undefined if it is not (or no longer) wholly there.
 *
 * @param {string} id
 * @param {string} hash   of its manifest
 * @param {Platform} platform
 * @returns {Promise<Release | undefined>}
 */
export async function open(id, hash, platform) {
  const kept = await platform.caches.match(PATH.manifest, { cacheName: RELEASE_CACHE + id });
  const bytes = await kept?.arrayBuffer();
  if (bytes === undefined || (await sha256(bytes)) !== hash) return undefined;
  return reader(parse(bytes), platform);
}

/**
 * Delete all releases but `id`. The static files of the one before stay until the next one: pages may be open that
 * name them.
 *
 * @param {string} id
 * @param {Platform} platform
 */
export async function prune(id, { caches }) {
  await keepStatic(await staticPaths(caches), caches);
  const others = (await releaseCaches(caches)).filter((name) => name !== RELEASE_CACHE + id);
  await Promise.all(others.map((name) => caches.delete(name)));
}

/**
 * @param {Manifest} manifest
 * @param {Platform} platform
 * @param {Map<string, File>} [fresh]   files that have just been checked; each is read once from here
 * @returns {Release}
 */
function reader(manifest, { fetch, caches }, fresh) {
  const cacheName = RELEASE_CACHE + manifest.release;

  /** @param {string} path */
  function file(path) {
    const found = manifest.files[path];
    if (found === undefined) throw new Error(`${path} is not in release ${manifest.release}`);
    return found;
  }

  /** @type {Release["copy"]} */
  async function copy(path) {
    const { sha256: hash } = file(path);
    const known = fresh?.get(path);
    if (fresh?.delete(path) && known) return { ...known, check: async () => true };
    // By name each time: the browser, or somebody, may have deleted the cache under a running worker.
    const [name, key] = placeOf(cacheName, path, hash);
    const kept = await caches.match(key, { cacheName: name });
    if (kept === undefined) return undefined;
    const found = await fileOf(kept);
    return { ...found, check: async () => (await sha256(found.bytes)) === hash };
  }

  return {
    manifest,
    copy,
    async read(path) {
      const kept = await copy(path);
      if (kept && (await kept.check())) return responseOf(kept);
      const { sha256: hash } = file(path);
      const fetched = await download(path, hash, fetch, AbortSignal.timeout(DEADLINE.network));
      await put(...placeOf(cacheName, path, hash), fetched, caches).catch(() => {}); // it will do without
      return responseOf(fetched);
    },
  };
}

/** Whether the worker itself is made of this file. @param {Manifest} manifest @param {string} path */
function runs({ roles }, path) {
  return path === roles.engine || path === roles.worker;
}

/** What is needed late is fetched late; modules are for pages and for other hosts. @param {Manifest} manifest @param {string} path */
function isNeeded({ roles }, path) {
  if (path.startsWith(roles.kit)) return PAGE_FILES.includes(path.slice(roles.kit.length));
  return path !== roles.late && path !== roles.loader && path !== roles.factory;
}

/**
 * Checks a file that the browser has just loaded as code of this worker, from its HTTP cache. If that copy is wrong, so
 * is what runs: it is replaced there, and this install fails, so that the next one starts from the right bytes.
 *
 * @param {string} path @param {string} hash @param {Fetch} fetch @param {AbortSignal} signal
 */
async function checkLoaded(path, hash, fetch, signal) {
  if (await attempt(path, hash, fetch, signal, "default")) return;
  await attempt(path, hash, fetch, signal, "reload");
  throw new Error(`${path} was damaged when it was loaded`);
}

/** @param {string} hash */
function address(hash) {
  return `${PATH.reserved}sha256/${hash}`;
}

/**
 * Where a file of a release is kept.
 *
 * @param {string} cacheName   of the release
 * @param {string} path
 * @param {string} hash
 * @returns {[cacheName: string, key: string]}
 */
function placeOf(cacheName, path, hash) {
  return path.startsWith(STATIC) ? [STATIC_CACHE, path] : [cacheName, address(hash)];
}

/** The static files of all releases that are there. @param {CacheStorage} caches */
async function staticPaths(caches) {
  /** @type {Set<string>} */
  const paths = new Set();
  for (const cacheName of await releaseCaches(caches)) {
    const kept = await caches.match(PATH.manifest, { cacheName });
    const named = await kept?.json().catch(() => undefined); // of another release it need not be right
    for (const path of Object.values(named?.static ?? {})) paths.add(path);
  }
  return paths;
}

/** @param {ArrayBuffer} bytes   of a manifest @returns {Manifest} */
export function parse(bytes) {
  return JSON.parse(new TextDecoder().decode(bytes));
}

/** @param {CacheStorage} caches */
async function releaseCaches(caches) {
  return (await caches.keys()).filter((name) => name.startsWith(RELEASE_CACHE));
}

/**
 * By name, as everywhere here: while a worker holds on to a cache, deleting that gives back no storage.
 *
 * @param {string} path @param {string} hash @param {string[]} older @param {CacheStorage} caches
 */
async function copyOf(path, hash, older, caches) {
  // A static file that has not changed has kept its address, and so its place.
  for (const name of path.startsWith(STATIC) ? [STATIC_CACHE] : older) {
    const [cacheName, key] = placeOf(name, path, hash);
    const response = await caches.match(key, { cacheName });
    if (response === undefined) continue;
    const file = await fileOf(response);
    if ((await sha256(file.bytes)) === hash) return file;
  }
  return undefined;
}

/** @param {string} path @param {string} hash @param {Fetch} fetch @param {AbortSignal} signal */
async function download(path, hash, fetch, signal) {
  // The second try goes around an HTTP cache that may hold the wrong bytes.
  const file = (await attempt(path, hash, fetch, signal, "default")) ?? (await attempt(path, hash, fetch, signal, "reload"));
  if (file === undefined) throw new Error(`${path} does not have the bytes that the release promises`);
  return file;
}

/** @param {string} path @param {string} hash @param {Fetch} fetch @param {AbortSignal} stop @param {RequestCache} cache */
async function attempt(path, hash, fetch, stop, cache) {
  const signal = AbortSignal.any([stop, AbortSignal.timeout(DEADLINE.download)]);
  const response = await fetch(path, { cache, signal, credentials: "same-origin", redirect: "error" });
  if (response.status !== 200) throw new Error(`${path} answered ${response.status}`);
  const file = await fileOf(response);
  return (await sha256(file.bytes)) === hash ? file : undefined;
}

/** When storage is short, snapshots go first: they only save time. @param {string} cacheName @param {string} key @param {File} file @param {CacheStorage} caches */
async function put(cacheName, key, file, caches) {
  const cache = await caches.open(cacheName);
  const keptAs = cacheName === STATIC_CACHE ? staticFile : responseOf;
  try {
    await cache.put(key, keptAs(file));
  } catch (error) {
    if (!isFull(error)) throw error;
    await dropSnapshots(caches);
    await cache.put(key, keptAs(file)).catch((again) => {
      throw isFull(again) ? new NoRoom("the browser has no room left for this site") : again;
    });
  }
}

class NoRoom extends Error {}

/** @param {unknown} error */
function isFull(error) {
  return error instanceof Error && error.name === "QuotaExceededError";
}

/** Only bytes and media type are kept. @param {Response} response @returns {Promise<File>} */
async function fileOf(response) {
  return { bytes: await response.arrayBuffer(), type: response.headers.get(TYPE) ?? BINARY };
}

/** @param {File} file */
function responseOf({ bytes, type }) {
  return new Response(bytes, { headers: { [TYPE]: type } });
}
