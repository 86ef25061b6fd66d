// @ts-check
/** Keeps the release of this worker at hand: opens it, and fetches it again should it be gone. */

import { fetchManifest, install, open, parse } from "./release.js";

/** @typedef {import("./release.js").Release} Release */

const PAUSE = 30_000; // ms between two tries, so that a full disk or a lost release is not asked about all the time

/**
 * @param {object} parts
 * @param {string} parts.id
 * @param {string} parts.hash   of the manifest
 * @param {import("./release.js").Platform} parts.platform
 * @param {() => number} parts.now   ms
 * @param {(progress: {mode: "development" | "production", loaded: number, total: number}) => void} parts.onProgress
 */
export function createKeeper({ id, hash, platform, now, onProgress }) {
  const find = () => open(id, hash, platform).catch(() => undefined);
  let found = find();
  /** @type {Promise<Release> | undefined} */
  let fetching;
  /** @type {unknown} */
  let failure;
  let notBefore = Number.NEGATIVE_INFINITY;

  async function fetch() {
    try {
      const bytes = await fetchManifest(id, hash, platform);
      const { mode } = parse(bytes);
      const release = await install(bytes, platform, (loaded, total) => onProgress({ mode, loaded, total }));
      found = Promise.resolve(release);
      return release;
    } catch (error) {
      failure = error;
      notBefore = now() + PAUSE;
      throw error;
    } finally {
      fetching = undefined;
    }
  }

  /** The release, fetched if it has to be. Rejects if that fails, or has failed a moment ago. */
  async function current() {
    const there = await found;
    if (there !== undefined) return there;
    if (fetching === undefined && now() < notBefore) throw failure;
    fetching ??= fetch();
    return fetching;
  }

  return {
    current,

    /** What is there; undefined if it has to be fetched. Never rejects. */
    installed: () => found,

    /** As `current`, but looks first: while a worker runs, nothing tells it that its caches were deleted. */
    renew() {
      if (fetching === undefined) found = find();
      return current();
    },
  };
}
