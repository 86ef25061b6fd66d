// @ts-check
/** The service worker: wires events to the parts. `/sw.js`, which the build writes, calls `serve`. */

import { createAnswer } from "./answer.js";
import { createLocalHost } from "./local-host.js";
import { createLull } from "./lull.js";
import { createNetwork, mintKey } from "./network.js";
import { passes } from "./placement.js";
import { MESSAGE, PAGE_FILES, PATH } from "./protocol.js";
import { fetchManifest, install, open, prune } from "./release.js";
import { boot } from "./runtime.js";
import { createServices } from "./services.js";
import { snapshotStore } from "./snapshot-store.js";
import { openStore } from "./store.js";
import { createUser } from "./user.js";
import { keyRing } from "./view.js";

/** @typedef {import("./protocol.js").HostState} HostState */

/**
 * Be the service worker of this origin. Must be called while the script is evaluated.
 *
 * @param {object} options
 * @param {(options: object) => Promise<any>} options.loadPyodide
 * @param {(settings: object) => Promise<any>} options.createPyodideModule
 * @param {string} options.release   id of the release that this worker belongs to
 * @param {string} options.manifestHash   SHA-256 (hex) of its manifest
 */
export function serve({ loadPyodide, createPyodideModule, release: id, manifestHash }) {
  const sw = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (globalThis));
  const { origin } = sw.location;
  // Looked up at each call: during a boot the runtime stands in for fetch.
  /** @type {import("./protocol.js").Fetch} */
  const fetch = (input, init) => globalThis.fetch(input, init);
  const platform = { caches, fetch };
  const now = () => Date.now();

  /** @type {HostState} */
  let state = { phase: "idle", release: id, mode: "production" };

  /** @param {Partial<HostState>} change */
  async function report(change) {
    const { phase, release, mode } = state;
    state = { phase, release, mode, ...change };
    const pages = await sw.clients.matchAll({ type: "window", includeUncontrolled: true });
    for (const page of pages) page.postMessage({ type: MESSAGE.state, state });
  }

  /** @type {Promise<import("./release.js").Release | undefined>} */
  let release = open(id, platform).catch(() => undefined);

  async function download() {
    const manifest = await fetchManifest(manifestHash, platform);
    const { mode } = manifest;
    return install(manifest, platform, (loaded, total) => void report({ phase: "download", mode, loaded, total }));
  }

  /** Fetched again should the browser have thrown it away. */
  async function current() {
    const found = (await release) ?? (await download());
    release = Promise.resolve(found);
    return found;
  }

  const store = openStore(globalThis.indexedDB);
  const fetchKeys = async () => (await fetch(PATH.keys, { credentials: "omit", redirect: "error" })).json();
  const user = createUser({ store, fetch, findKey: keyRing(fetchKeys, now), now });

  const kept = snapshotStore(id, platform);
  const host = createLocalHost({
    now,
    onPhase: (phase, reason) => void report({ phase, ...(reason === undefined ? {} : { reason }) }),
    boot: async () => {
      void user.current(); // its first question to an edge runs beside the boot
      const { manifest, read } = await current();
      state = { ...state, mode: manifest.mode };
      const development = manifest.mode === "development";
      const services = createServices({ ...platform, development });
      const snapshots = development ? undefined : kept; // the next change comes before the next start
      const log = console.debug;
      const app = await boot({ loadPyodide, createPyodideModule, manifest, read, services, snapshots, host: "browser", log });
      void lull.quiet().then(app.complete).catch((error) => log(`the rest of Python is not there yet: ${error}`));
      return app;
    },
  });

  const lull = createLull(now, (ms) => new Promise((resolve) => setTimeout(resolve, ms)));
  const startSoon = async () => host.ready() || (await lull.quiet(), host.start());

  const network = createNetwork({
    origin,
    fetch,
    mintKey: () => mintKey(store),
    acceptView: user.accept,
  });
  const answer = createAnswer({ origin, release: () => release, host, startSoon, view: user.current, network });

  sw.addEventListener("install", (event) => {
    event.waitUntil(Promise.all([current(), route(event)]));
    void sw.skipWaiting();
  });

  sw.addEventListener("activate", (event) => {
    event.waitUntil(Promise.all([sw.clients.claim(), prune(id, platform)]));
    // Not waited for: requests are held back until this event is over.
    void (state.mode === "development" ? host.start() : startSoon());
  });

  sw.addEventListener("fetch", (event) => {
    if (passes(new URL(event.request.url), origin)) return;
    const later = (/** @type {Promise<unknown>} */ work) => event.waitUntil(work);
    // Whatever is wrong with us, the edge can answer.
    const answered = answer(event.request, later).catch(() => fetch(event.request));
    event.respondWith(lull.during(answered));
  });

  sw.addEventListener("message", (event) => {
    switch (event.data?.type) {
      case MESSAGE.warm:
        event.waitUntil(startSoon());
        break;
      case MESSAGE.status:
        event.source?.postMessage({ type: MESSAGE.state, state });
        break;
      case MESSAGE.view:
        event.waitUntil(user.refresh());
        break;
    }
  });

  // A worker that was stopped starts at its next event; its host starts with it, at once where that is quick.
  // Not before the install: then the release is not there yet.
  void release.then(async (found) => found && ((await kept.find()) ? host.start() : startSoon()));
}

/**
 * Let the browser itself fetch what this worker would only pass on (static routing, where it exists).
 *
 * @param {any} event
 */
async function route(event) {
  const rule = (/** @type {string} */ pathname, /** @type {string} */ source) => ({
    condition: { urlPattern: { pathname } },
    source,
  });
  const kept = PAGE_FILES.map((name) => rule(PATH.reserved + name, "fetch-event"));
  try {
    await event.addRoutes?.([...kept, rule(`${PATH.reserved}*`, "network")]);
  } catch {
    // An older form of the proposal; the fetch event does the same, only slower.
  }
}
