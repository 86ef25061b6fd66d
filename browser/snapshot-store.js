// @ts-check
/** Where the snapshot of a release is kept: in the release's own cache, so that they come and go together. */

import { PATH, RELEASE_CACHE } from "./protocol.js";

const FOLDER = `${PATH.reserved}snapshot/`;
const KINDS = ["jspi", "plain"]; // whether the engine can switch stacks is baked into the memory image
const FORBIDDEN = 204; // status of what stands in its place
const RESERVE = 48_000_000; // bytes that a snapshot leaves to others, such as the next release

/**
 * @param {string} id   of the release
 * @param {{caches: CacheStorage, estimate: () => Promise<StorageEstimate>}} platform
 * @returns {import("./runtime.js").SnapshotStore}
 */
export function snapshotStore(id, { caches, estimate }) {
  const cacheName = RELEASE_CACHE + id;
  const address = FOLDER + KINDS["Suspending" in WebAssembly ? 0 : 1];
  const kept = () => caches.match(address, { cacheName });
  return {
    async find() {
      const found = await kept();
      if (found?.status === FORBIDDEN) return null;
      return found && { packed: () => found.arrayBuffer() };
    },
    async save(packed) {
      if ((await kept())?.status === FORBIDDEN) throw new Error("an interpreter that came from one broke");
      const { quota = Infinity, usage = 0 } = await estimate();
      if (quota - usage < packed.byteLength + RESERVE) throw new Error("too little room is left for this site");
      // A newer worker has pruned it: what is put there now would lie there until the next release.
      if (!(await caches.has(cacheName))) throw new Error("its release is gone");
      const headers = { "content-type": "application/octet-stream" };
      const cache = await caches.open(cacheName);
      await cache.put(address, new Response(packed, { headers }));
    },
    async drop() {
      await drop(caches, cacheName);
    },
    async forbid() {
      const cache = await caches.open(cacheName);
      await cache.put(address, new Response(null, { status: FORBIDDEN }));
    },
  };
}

/** Delete the snapshots of all releases; they are made again. @param {CacheStorage} caches */
export async function dropSnapshots(caches) {
  const names = (await caches.keys()).filter((name) => name.startsWith(RELEASE_CACHE));
  await Promise.all(names.map((name) => drop(caches, name)));
}

/** @param {CacheStorage} caches @param {string} name */
async function drop(caches, name) {
  const cache = await caches.open(name);
  await Promise.all(KINDS.map((kind) => cache.delete(FOLDER + kind)));
}
