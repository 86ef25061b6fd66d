// @ts-check
/** Registers the service worker. Imports nothing, because it is served as /_edge/register.js. */

const PATIENCE = 30_000; // ms; some blockers leave register() pending for ever
const WORKER = "/sw.js";

/**
 * Where Trusted Types are enforced, only this policy makes addresses of worker scripts, and it knows one. Policies
 * of one name cannot be made twice, so nobody can put another in its place.
 */
const policy = makePolicy();

function makePolicy() {
  try {
    return /** @type {any} */ (globalThis).trustedTypes?.createPolicy("edgekit", {
      /** @param {string} url */
      createScriptURL(url) {
        if (url !== WORKER) throw new TypeError(`${url} is not the service worker of this site`);
        return url;
      },
    });
  } catch {
    return undefined; // not allowed by the page's own policy: then `register` says so
  }
}

/** @returns {ServiceWorkerContainer | undefined} */
export function container() {
  try {
    return navigator.serviceWorker; // reading it throws where cookies are blocked
  } catch {
    return undefined;
  }
}

/** @param {ServiceWorkerContainer} workers */
export async function register(workers) {
  // "imports": an update check asks for sw.js again, but not for the scripts that it names by their content.
  const registering = workers.register(policy?.createScriptURL(WORKER) ?? WORKER, { updateViaCache: "imports", scope: "/" });
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE));
  // register() queues behind update checks, for seconds at times; a registration that is there need not wait.
  const present = await Promise.race([workers.getRegistration("/"), late.then(() => undefined)]);
  registering.catch(() => {}); // looked at below, unless there is one already
  if (present?.active) return present;
  const registration = await Promise.race([registering, late.then(() => undefined)]);
  if (registration === undefined) throw new Error("the browser does not register service workers");
  return registration;
}

/**
 * The first install has nobody else to say that it failed.
 *
 * @param {ServiceWorkerRegistration} registration
 * @param {() => void} fail
 */
export function watchInstall(registration, fail) {
  const { installing } = registration;
  installing?.addEventListener("statechange", () => {
    if (installing.state === "redundant" && !registration.active) fail();
  });
}

/** Have the site's storage kept when room gets short, where that costs the user no question. */
export async function keep() {
  try {
    const { state } = await navigator.permissions.query({ name: "persistent-storage" });
    const isInstalled = matchMedia("(display-mode: standalone)").matches;
    if ((state === "granted" || isInstalled) && !(await navigator.storage.persisted())) await navigator.storage.persist();
  } catch {
    // A browser that does not know this decides by itself.
  }
}
