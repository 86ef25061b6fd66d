// @ts-check
/**
 * Runs in every page: registers the service worker, keeps it awake while somebody looks, and tells the page
 * how far the local host is. Imports nothing, because it is served as /_edge/page.js. Where service workers
 * are missing, blocked or broken the page goes on through the edge, and nothing is logged as an error.
 *
 * `globalThis.edgekit.state` is the newest state; each change is a `CustomEvent` "edgekit" on the document.
 *
 * @typedef {import("./protocol.js").HostState} HostState
 */

const WARM_EVERY = 20_000; // ms; browsers stop a worker that was idle for 30 s
const UPDATE_EVERY = 300; // ms, in development
const PATIENCE = 15_000; // ms; some blockers leave register() pending for ever

/** @type {HostState} */
let state = { phase: "idle", release: "", mode: "production" };

/** @param {HostState} next */
function show(next) {
  state = next;
  Object.assign(globalThis, { edgekit: { state } });
  document.dispatchEvent(new CustomEvent("edgekit", { detail: state }));
}

/** @param {string} reason */
function fail(reason) {
  show({ ...state, phase: "failed", reason });
}

/** @returns {ServiceWorkerContainer | undefined} */
function container() {
  try {
    return navigator.serviceWorker; // reading it throws where cookies are blocked
  } catch {
    return undefined;
  }
}

/** @param {ServiceWorkerContainer} workers */
async function register(workers) {
  // "imports": an update check asks for sw.js again, but not for the modules that it names by their content.
  const registering = workers.register("/sw.js", { type: "module", updateViaCache: "imports", scope: "/" });
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE));
  // register() queues behind update checks, for seconds at times; a registration that is there need not wait.
  const present = await Promise.race([workers.getRegistration("/"), late.then(() => undefined)]);
  registering.catch(() => {}); // looked at below, unless there is one already
  if (present?.active) return present;
  const registration = await Promise.race([registering, late.then(() => undefined)]);
  if (registration === undefined) throw new Error("the browser does not register service workers");
  return registration;
}

/** @param {ServiceWorkerContainer} workers @param {ServiceWorkerRegistration} registration */
function follow(workers, registration) {
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let updates;

  /** @param {string} type */
  const tell = (type) => registration.active?.postMessage({ type });

  workers.addEventListener("message", ({ data, source }) => {
    if (data?.type !== "state") return;
    // A new release that is still arriving must not hide that the present one is ready.
    if (registration.active && source !== registration.active) return;
    show(data.state);
    if (data.state.mode === "development") updates ??= setInterval(update, UPDATE_EVERY);
  });

  const update = () => {
    if (document.visibilityState === "visible") registration.update().catch(() => {}); // the server restarts
  };

  const warm = () => {
    if (document.visibilityState === "visible") tell("warm");
  };

  watchInstall(registration);
  workers.addEventListener("controllerchange", () => tell("status"));
  document.addEventListener("visibilitychange", warm);
  setInterval(warm, WARM_EVERY);
  tell("status");
  warm();
  // Loaded around the worker (shift-reload): the edge may have changed the view without its knowledge.
  if (registration.active && workers.controller === null) tell("view");
}

/** The first install has nobody else to say that it failed. @param {ServiceWorkerRegistration} registration */
function watchInstall(registration) {
  const { installing } = registration;
  installing?.addEventListener("statechange", () => {
    if (installing.state === "redundant" && !registration.active) fail("the release could not be installed");
  });
}

async function run() {
  show(state);
  if (!globalThis.isSecureContext) return fail("service workers need https");
  const workers = container();
  if (workers === undefined) return fail("this browser has no service workers");
  try {
    follow(workers, await register(workers));
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error));
  }
}

void run();
