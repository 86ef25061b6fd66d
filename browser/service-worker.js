// @ts-check
/** The service worker: wires events to the parts. `/sw.js`, which the build writes, calls `serve`. */

import { addedHeaders } from "./as-sent.js";
import { createAwake } from "./awake.js";
import { createClock } from "./clock.js";
import { createDeviceKey } from "./device-key.js";
import { reasonToStay } from "./device.js";
import { authorOf, createForms } from "./forms.js";
import { createFront } from "./front.js";
import { isEdgesJson } from "./genuine.js";
import { createKeeper } from "./keeper.js";
import { createLanguages } from "./languages.js";
import { createLeft } from "./left.js";
import { createLocalHost } from "./local-host.js";
import { createLog } from "./log.js";
import { createLull } from "./lull.js";
import { isSafe } from "./network.js";
import { openNotes } from "./notes.js";
import { openTable } from "./outbox-table.js";
import { createPersonal } from "./personal.js";
import { passes } from "./placement.js";
import { CACHES, DEADLINE, HEADER, MESSAGE, OUTBOX_LOCK, PATH, PROTOCOL } from "./protocol.js";
import { createProver } from "./prover.js";
import { prune } from "./release.js";
import { boot } from "./runtime.js";
import { createServices } from "./services.js";
import { snapshotStore } from "./snapshot-store.js";
import { STATIC, mendStatic, staticAnswer } from "./static-cache.js";
import { route } from "./static-routing.js";
import { openStore } from "./store.js";
import { createTakeover } from "./takeover.js";
import { createUser } from "./user.js";
import { keyRing } from "./view.js";

/** @typedef {import("./protocol.js").HostState} HostState */

// ms without a request until the first start …, and the longest that this may take.
const KEEP = /** @type {const} */ ([300, 3_000]); // … leaves its snapshot
const FETCH = /** @type {const} */ ([2_000, 15_000]); // … fetches what it did not need: the network is for the page

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
  // For how long something takes: a clock that somebody sets does not count.
  const now = () => Math.floor(performance.timeOrigin + performance.now());

  /** @type {HostState} */
  let state = { phase: "idle", release: id, mode: "production" };

  /** @param {Partial<HostState>} change */
  async function report(change) {
    const { phase, release, mode } = state;
    state = { phase, release, mode, ...change };
    await tell({ type: MESSAGE.state, state });
  }

  /** @param {object} message */
  async function tell(message) {
    const pages = await sw.clients.matchAll({ type: "window", includeUncontrolled: true });
    for (const page of pages) page.postMessage(message);
  }

  const keeper = createKeeper({
    id,
    hash: manifestHash,
    platform,
    now,
    // A host that runs goes on while its files are fetched again.
    onProgress: (progress) => void (state.phase === "ready" || report({ phase: "download", ...progress })),
  });

  /** Is the release still there? If it cannot be had any more, there may be a newer one. */
  const renew = () => keeper.renew().catch(() => sw.registration.update().catch(() => {}));

  const store = openStore(globalThis.indexedDB);
  const clock = createClock({ store, wall: () => Date.now() });
  const fetchKeys = async () => {
    const signal = AbortSignal.timeout(DEADLINE.view);
    const response = await fetch(PATH.keys, { credentials: "same-origin", redirect: "error", signal });
    return isEdgesJson(response) ? response.json() : Promise.reject(new Error("no edge has answered"));
  };
  const prover = createProver({ store, fetch, deviceKey: createDeviceKey(store), origin, clock });
  const person = (/** @type {string} */ user, sure = true) => ({ type: MESSAGE.user, user, sure });
  const onChange = (/** @type {string} */ who) => {
    void tell(person(who));
    void personal.tidy().catch(log.note);
    void front.writing.announce().then(() => send()); // perhaps what was waiting for somebody
  };
  const languages = createLanguages({ store, languages: () => navigator.languages });
  const onAnswer = (/** @type {Headers} */ headers) => languages.learn(headers.get(HEADER.language));
  const user = createUser({ store, send: prover.send, findKey: keyRing(fetchKeys, now), now, time: clock.now, onChange, onAnswer });

  const log = createLog({ now, console, development: () => state.mode === "development" });
  const estimate = async () => (await navigator.storage?.estimate?.()) ?? {}; // WebKitGTK has none
  const who = async () => (await user.session()).ath.slice(0, 16);
  const personal = createPersonal({ caches, who, note: log.note });
  const kept = snapshotStore(id, { caches, estimate });
  const host = createLocalHost({
    now,
    random: Math.random,
    onPhase(phase, reason) {
      if (reason !== undefined) log.note(`local host: ${reason}`);
      void report({ phase, ...(reason === undefined ? {} : { reason }) });
    },
    added: (request) => addedHeaders(request, { origin, language: languages.header(), agent: navigator }),
    onCrash: (app) => void (app.restored && kept.forbid().catch(log.note)),
    boot: async () => {
      // The first questions to an edge run beside the boot.
      void languages.loaded.then(async () => void (await (languages.isKnown() ? user.current() : user.refresh())));
      const [release] = await Promise.all([keeper.current(), clock.loaded]);
      const { manifest, read, copy } = release;
      state = { ...state, mode: manifest.mode };
      const development = manifest.mode === "development";
      const services = createServices({ ...platform, files: manifest.static, asUser: user.send, personal, development, onPersonal: front.onPersonal, now: clock.now });
      const snapshots = development ? undefined : kept; // the next change comes before the next start
      const parts = { loadPyodide, createPyodideModule, manifest, read, copy, services, snapshots, log: log.print };
      const app = await boot({ ...parts, host: "browser" });
      // Whoever waits for this host comes first.
      void lull.rest(...KEEP).then(() => Promise.all([app.keep(), mendStatic(release).catch(log.note)]));
      const free = app.restored ? lull.quiet() : lull.rest(...FETCH);
      void free.then(() => app.complete()).catch((error) => log.note(`the rest of Python is not there yet: ${error}`));
      return app;
    },
  });

  const delay = (/** @type {number} */ ms) => /** @type {Promise<void>} */ (new Promise((resolve) => setTimeout(resolve, ms)));
  const pages = () => sw.clients.matchAll({ type: "window", includeUncontrolled: true });
  const awake = createAwake({ pages, delay });
  const lull = createLull(now, delay);
  const startSoon = async () => host.ready() || (await lull.quiet(), host.start());

  const sync = /** @type {any} */ (sw.registration).sync; // Background Sync, where there is one
  const left = createLeft(now);
  const front = createFront({
    ...{ id, origin, platform, store, user, prover, host, startSoon, log, left, clock, now, release: keeper.installed, state: () => state },
    ...{ table: openTable(globalThis.indexedDB), notes: openNotes(globalThis.indexedDB) },
    onApplied(effects) {
      const ask = (/** @type {string} */ path, /** @type {AbortSignal} */ signal) => user.send(path, { cache: "no-store", redirect: "error", signal });
      void personal.renew(effects, ask).catch(log.note);
    },
    async reset() {
      const names = (await caches.keys()).filter((name) => name.startsWith(CACHES));
      await Promise.all([...names.map((name) => caches.delete(name)), store.update("routes", () => undefined)]);
      await sw.registration.unregister(); // the next page registers it anew
    },
    onHalt: () => void sync?.register(OUTBOX_LOCK).catch(() => {}),
  });

  /** What is waiting; not while another worker rules: its memory would not know. @param {{urgent?: boolean}} [options] */
  const send = async (options) => (isInCharge() ? front.writing.line.flush(options) : undefined);

  const forms = createForms(pages);
  const takeover = createTakeover(store, PROTOCOL);
  const isWaiting = () => sw.serviceWorker?.state === "installed";
  const isInCharge = () => ["activating", "activated", undefined].includes(sw.serviceWorker?.state);
  const offer = { type: MESSAGE.update, release: id };

  async function arrive() {
    const { connection } = /** @type {any} */ (sw.navigator);
    const reason = sw.registration.active && reasonToStay({ webAssembly: true, connection });
    if (reason) throw new Error(`not now: ${reason}`); // the next check may find another link
    try {
      await keeper.current();
    } catch (error) {
      await report({ phase: "failed", reason: error instanceof Error ? error.message : String(error) });
      throw error;
    }
    // The browser lets the old worker finish what it has begun.
    if (await takeover.isSilent(sw.registration.active === null)) void sw.skipWaiting();
    else await tell(offer);
  }

  /** For pages that were opened while this worker waits. */
  async function offerAgain() {
    if (!(await takeover.isSilent(false))) await tell(offer);
  }

  sw.addEventListener("install", (event) => {
    event.waitUntil(Promise.all([arrive(), route(event)]));
  });

  sw.addEventListener("activate", (event) => {
    const { installing, waiting } = sw.registration;
    // A release that is arriving fills its cache just now.
    const tidy = installing === null && waiting === null ? prune(id, platform) : undefined;
    user.reopen();
    event.waitUntil(Promise.all([sw.clients.claim(), takeover.done(), tidy, front.writing.reload().then(() => void send())]));
    // Not waited for: requests are held back until this event is over.
    void (state.mode === "development" ? host.start() : startSoon());
  });

  sw.addEventListener("fetch", (event) => {
    const { request } = event;
    const url = new URL(request.url);
    // Without static routing; else the browser asks here for what it has not found itself.
    if (url.origin === origin && url.pathname.startsWith(STATIC) && isSafe(request.method)) {
      event.respondWith(lull.during(staticAnswer(request, platform)));
      return;
    }
    if (passes(url, origin)) return;
    const author = isSafe(request.method) ? "ours" : authorOf(request, origin);
    if (author === "foreign" || left.isLeft(request)) return;
    const later = (/** @type {Promise<unknown>} */ work) => event.waitUntil(awake.during(work));
    const known = async () => author === "ours" || (await forms.isOurs(request.url));
    const respond = async () => ((await known()) ? front.respond(request, later) : left.leave(request));
    event.respondWith(lull.during(respond()));
  });

  sw.addEventListener("message", (event) => {
    switch (event.data?.type) {
      case MESSAGE.warm:
        event.waitUntil(awake.during(Promise.all([startSoon(), renew(), user.current(), send()])));
        break;
      case MESSAGE.outbox:
        event.waitUntil(front.writing.announce());
        break;
      case MESSAGE.excuse:
        front.writing.writes.excuse(String(event.data.url));
        event.ports[0]?.postMessage(null);
        break;
      case MESSAGE.status:
        event.source?.postMessage({ type: MESSAGE.state, state });
        if (isWaiting()) event.waitUntil(offerAgain());
        break;
      case MESSAGE.take:
        void sw.skipWaiting();
        break;
      case MESSAGE.who:
        event.waitUntil(user.who().then((who) => event.source?.postMessage(person(who, false))));
        break;
      case MESSAGE.view:
        event.waitUntil(user.refresh().then(async (sure) => event.source?.postMessage(person(await user.who(), sure))));
        break;
      case MESSAGE.port:
        if (event.ports[0]) front.connect(event.ports[0]);
        break;
    }
  });

  sw.addEventListener("online", () => void send({ urgent: true }));
  sw.addEventListener(/** @type {any} */ ("sync"), (/** @type {any} */ event) => {
    if (event.tag === OUTBOX_LOCK) event.waitUntil(awake.during(send({ urgent: true })));
  });

  // A task of Python that dies takes the interpreter with it, and nobody is there to catch it.
  const onError = (/** @type {any} */ error) => error?.pyodide_fatal_error && host.crashed(error);
  sw.addEventListener("error", (event) => onError(event.error));
  sw.addEventListener("unhandledrejection", (event) => onError(event.reason));

  void send();

  // A worker that was stopped starts at its next event; its host starts with it, at once where that is quick.
  // Not before the install: then the release is not there yet.
  void Promise.all([keeper.installed(), kept.find().catch(() => {})]).then(
    ([release, snapshot]) => release && !isWaiting() && (snapshot ? host.start() : startSoon()),
  );
}
