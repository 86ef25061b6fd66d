// @ts-check
/**
 * Runs in every page: registers the service worker, keeps it awake while somebody looks, and tells the page
 * how far the local host is. Imports only what is served beside it, below /_edge/. Where service workers are
 * missing, blocked or broken the page goes on through the edge, and nothing is logged as an error.
 *
 * `globalThis.edgekit` is an `Edgekit`; each change of state is also a `CustomEvent` "edgekit" on the document.
 *
 * @typedef {import("./protocol.js").HostState} HostState
 */

import { LIMITS, reasonToStay, thisDevice } from "./device.js";
import { watchForms } from "./page-forms.js";
import { watchNetwork } from "./page-network.js";
import { watchOutbox } from "./page-outbox.js";
import { watchUser } from "./page-user.js";
import { container, keep, register, watchInstall } from "./register.js";
import { createClient, pageAsSender } from "./rpc-client.js";

// Browsers stop a worker that was idle for 30 s; and within that time a session that was revoked has to be gone.
const WARM_EVERY = 12_000; // ms
const UPDATE_EVERY = 300; // ms, in development
const LONG_VISIT = 3_600_000; // ms; browsers themselves look for a new release when a page is loaded

const workers = container();
const worker = () => workers?.controller;
const client = createClient(worker, pageAsSender(worker, () => document.URL));

/**
 * Events: "state", and whatever else the worker tells this page, each with its data as `detail`; and "user", which
 * can be cancelled: the session is another than this page was made for, so it will be loaded anew.
 */
class Edgekit extends EventTarget {
  /** A page that the browser itself has answered proves that its host is ready. @type {HostState} */
  state = { phase: whoAnswered()?.host === "browser" ? "ready" : "idle", release: "", mode: "production" };

  /** What this browser has answered and no edge has confirmed. @type {import("./protocol.js").OutboxState} */
  outbox = { waiting: 0, rejected: 0, halted: "", verdicts: [] };

  /** Who answered this page, and in how many ms of its own time. */
  get whoAnswered() {
    return whoAnswered();
  }

  /** Like `fetch`; what the local host may and can answer it answers in a fraction of a millisecond. */
  fetch = client.fetch;

  /** Join the pool, unless this device should not. See `start`. */
  start = start;

  /** The release that waits for this page to agree, "" if none does; the event "update" says when. */
  offered = "";

  /** Let it take over, and load this page anew. */
  async update() {
    const waiting = (await workers?.getRegistration("/"))?.waiting;
    workers?.addEventListener("controllerchange", () => location.reload(), { once: true });
    waiting?.postMessage({ type: "take" });
  }
}

/** @type {Edgekit} */
export const edgekit = new Edgekit();
Object.assign(globalThis, { edgekit });

/** @param {HostState} state */
function show(state) {
  edgekit.state = state;
  edgekit.dispatchEvent(new CustomEvent("state", { detail: state }));
  document.dispatchEvent(new CustomEvent("edgekit", { detail: state }));
}

/** @param {string} reason */
function fail(reason) {
  show({ ...edgekit.state, phase: "failed", reason });
}

/** @returns {{host: string, ms: number} | undefined} */
function whoAnswered() {
  const [entry] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType("navigation"));
  const timing = entry?.serverTiming?.find(({ name }) => name === "edgekit");
  return timing && { host: timing.description, ms: timing.duration };
}

/** @type {ServiceWorkerRegistration | undefined} */
let joined;
watchOutbox(edgekit, (message, transfer = []) => (joined?.active?.postMessage(message, transfer), Boolean(joined?.active)));
const wasSubmitted = watchForms(document, () => performance.now());
watchNetwork(() => whoAnswered()?.host);
const whose = watchUser(edgekit, (type) => (joined?.active?.postMessage({ type }), Boolean(joined?.active)));

/** @param {ServiceWorkerContainer} workers @param {ServiceWorkerRegistration} registration */
function follow(workers, registration) {
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let updates;

  /** @param {string} type */
  const tell = (type) => registration.active?.postMessage({ type });
  joined = registration;

  workers.addEventListener("message", ({ data, source, ports }) => {
    if (typeof data?.type !== "string") return;
    if (data.type === "stay") return void /** @type {ServiceWorker | null} */ (source)?.postMessage({ type: "stay" });
    if (data.type === "submitted") return ports[0]?.postMessage(wasSubmitted(String(data.url)));
    if (data.type === "update") edgekit.offered = data.release;
    if (data.type === "user") return whose.told(data.user, data.sure);
    if (data.type !== "state") return void edgekit.dispatchEvent(new CustomEvent(data.type, { detail: data }));
    // A new release that is still arriving must not hide that the present one is ready.
    if (registration.active && source !== registration.active) return;
    if (data.state.phase === "start") client.hangUp(); // a worker that starts does not know our port
    show(data.state);
    if (data.state.phase === "ready") void keep();
    if (data.state.mode === "development") updates ??= setInterval(update, UPDATE_EVERY);
  });

  const update = () => {
    if (document.visibilityState === "visible") registration.update().catch(() => {}); // the server restarts
  };

  const warm = () => {
    if (document.visibilityState === "visible") tell("warm");
  };

  // The worker itself may have said more precisely why.
  watchInstall(registration, () => edgekit.state.phase === "failed" || fail("the release could not be installed"));
  workers.addEventListener("controllerchange", () => tell("status"));
  document.addEventListener("visibilitychange", warm);
  setInterval(warm, WARM_EVERY);
  setInterval(update, LONG_VISIT);
  addEventListener("online", warm);
  tell("status");
  tell("who");
  tell("outbox");
  registration.waiting?.postMessage({ type: "status" });
  warm();
  // Loaded around the worker (shift-reload): the edge may have changed the view without its knowledge.
  if (registration.active && workers.controller === null) tell("view");
}

/** @type {Promise<void> | undefined} */
let started;

/**
 * Join the pool: once, however often it is called. A device that should stay on the edge (see device.js) is
 * left alone, with the reason in `edgekit.state`; `anyway` joins all the same, if a user asks for it.
 *
 * @param {{anyway?: boolean, limits?: typeof LIMITS}} [options]
 */
export function start({ anyway = false, limits = LIMITS } = {}) {
  return (started ??= join(anyway, limits));
}

/** @param {boolean} anyway @param {typeof LIMITS} limits */
async function join(anyway, limits) {
  if (!globalThis.isSecureContext) return fail("service workers need https");
  if (workers === undefined) return fail("this browser has no service workers");
  const reason = anyway || workers.controller ? undefined : reasonToStay(await thisDevice(), limits);
  if (reason !== undefined) {
    started = undefined;
    return show({ ...edgekit.state, phase: "idle", reason });
  }
  try {
    follow(workers, await register(workers));
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error));
  }
}

void start();
