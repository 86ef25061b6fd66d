// @ts-check
/** Where the snapshot of a release is kept: in the release's own cache, so that they come and go together. */

import { PATH, RELEASE_CACHE } from "./protocol.js";
import { sha256 } from "./release.js";

const DIGEST = "x-sha256";

/**
 * @param {string} id   of the release
 * @param {{caches: CacheStorage}} platform
 * @returns {import("./runtime.js").SnapshotStore}
 */
export function snapshotStore(id, { caches }) {
  // Whether the engine can switch stacks is baked into the memory image.
  const address = `${PATH.reserved}snapshot/${"Suspending" in WebAssembly ? "jspi" : "plain"}`;
  const cache = () => caches.open(RELEASE_CACHE + id);
  return {
    async find() {
      const kept = await (await cache()).match(address);
      return kept && { packed: verified(kept) };
    },
    async save(packed) {
      const headers = { "content-type": "application/octet-stream", [DIGEST]: await sha256(packed.buffer) };
      await (await cache()).put(address, new Response(packed, { headers }));
    },
    async drop() {
      await (await cache()).delete(address);
    },
  };
}

/** @param {Response} kept */
async function verified(kept) {
  const packed = await kept.arrayBuffer();
  if ((await sha256(packed)) !== kept.headers.get(DIGEST)) throw new Error("its bytes have changed");
  return packed;
}
