// @ts-check
/**
 * Whose session this page was made for, and what happens when somebody signs in or out in another tab. Imports
 * only what is served beside it, below /_edge/.
 */

import { createWhose } from "./whose.js";

const NAME = "edgekit-user"; // of the metric in Server-Timing, of the channel and of the entry in the storage
const BLIND = 2_000; // ms that a navigation is waited for which this browser does not tell about
const AGAIN = 10_000; // ms; what is done again within this time would be done for ever

/**
 * @param {EventTarget} edgekit   gets the event "user", which can be cancelled, before the page is loaded anew
 * @param {(type: "who" | "view") => boolean} ask   the service worker; false if there is none
 * @returns {ReturnType<typeof createWhose>}
 */
export function watchUser(edgekit, ask) {
  const [entry] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType("navigation"));
  const madeFor = entry?.serverTiming?.find(({ name }) => name === NAME)?.description;
  const navigation = /** @type {EventTarget | undefined} */ (/** @type {any} */ (globalThis).navigation);
  let leaving = false; // another document is on its way; loading this one anew would stop it

  /** @param {string | undefined} user */
  function reload(user) {
    if (!edgekit.dispatchEvent(new CustomEvent("user", { detail: { user }, cancelable: true }))) return;
    if (!isRepeated(`${madeFor} ${user}`)) location.reload();
  }

  /** @param {string | undefined} user */
  function replace(user) {
    const isBlind = navigation === undefined && document.visibilityState === "visible";
    // What this page waits for may be a download; then it stays.
    if (leaving || isBlind) setTimeout(reload, leaving ? AGAIN : BLIND, user);
    else reload(user);
  }

  const cover = (/** @type {boolean} */ covered) => void (document.documentElement.style.visibility = covered ? "hidden" : "");
  const whose = createWhose({ madeFor, ask, cover, replace });

  navigation?.addEventListener("navigate", (/** @type {any} */ { destination, signal }) => {
    if (destination.sameDocument) return;
    leaving = true;
    signal.addEventListener("abort", () => (leaving = false));
  });
  addEventListener("pageshow", ({ persisted }) => {
    leaving = false;
    if (persisted) whose.restored();
  });
  // Tabs without a service worker hear of it from each other.
  const others = new BroadcastChannel(NAME);
  others.onmessage = ({ data }) => whose.heard(data);
  if (madeFor !== undefined) others.postMessage(madeFor);
  return whose;
}

/** Whether the page was loaded anew for this reason a moment ago. @param {string} reason */
function isRepeated(reason) {
  try {
    const { at, why } = JSON.parse(sessionStorage.getItem(NAME) ?? "{}");
    sessionStorage.setItem(NAME, JSON.stringify({ at: Date.now(), why: reason }));
    return why === reason && Date.now() - at < AGAIN;
  } catch {
    return true; // no storage: rather not at all than for ever
  }
}
