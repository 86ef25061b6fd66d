// @ts-check
/**
 * What pages say while the server cannot be reached, before anybody presses a button that needs it. Imports nothing,
 * because it is served as /_edge/page-network.js.
 *
 * A form with `data-edgekit="online"` needs an edge. Where such a form is shown and none can be reached, the root
 * element has `data-edgekit-offline`, for style sheets: they show what the page says about that. The form can be sent
 * all the same, because nobody knows for sure what is reachable in a moment; then the answer says what became of it.
 */

const HEALTH = "/_edge/health";
const FORMS = 'form[data-edgekit~="online"]';
const PATIENCE = 4_000; // ms
const AGAIN = 5_000; // ms until it is asked again, while somebody looks and nothing says that the network is back

/** @param {() => string | undefined} whoAnswered   the host that has answered this page */
export function watchNetwork(whoAnswered) {
  const root = document.documentElement;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let later;

  /** @param {boolean} offline */
  function show(offline) {
    root.toggleAttribute("data-edgekit-offline", offline);
    clearTimeout(later);
    if (offline) later = setTimeout(look, AGAIN);
  }

  async function look() {
    if (document.querySelector(FORMS) === null || document.visibilityState === "hidden") return;
    // A page that an edge has just answered needs no further proof, unless the network goes.
    const isSure = navigator.onLine && whoAnswered() !== "browser" && !root.hasAttribute("data-edgekit-offline");
    show(!isSure && !(await isReachable()));
  }

  document.addEventListener("visibilitychange", look);
  for (const name of ["online", "offline", "pageshow"]) addEventListener(name, look);
  void look();
}

/** A machine without a network still reaches itself, so what the browser says of the network is not enough. */
async function isReachable() {
  try {
    return (await fetch(HEALTH, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) })).ok;
  } catch {
    return false;
  }
}
