// @ts-check
/**
 * What pages say while there is no network, before anybody presses a button that needs it. Imports nothing, because it
 * is served as /_edge/page-network.js.
 *
 * A form with `data-edgekit="online"` needs an edge. Where such a form is shown and there is no network, the root element
 * has `data-edgekit-offline`, for style sheets: they show what the page says about that. The form can be sent all the
 * same, because nobody knows for sure what is reachable in a moment; then the answer says what became of it.
 */

const FORMS = 'form[data-edgekit~="online"]';

/** @param {() => string | undefined} whoAnswered   the host that has answered this page */
export function watchNetwork(whoAnswered) {
  let wentAway = false;

  function look() {
    // A machine without a network still reaches itself: if an edge has answered just now, one is there.
    const isGone = !navigator.onLine && (wentAway || whoAnswered() === "browser");
    document.documentElement.toggleAttribute("data-edgekit-offline", isGone && document.querySelector(FORMS) !== null);
  }

  addEventListener("offline", () => {
    wentAway = true;
    look();
  });
  addEventListener("online", look);
  addEventListener("pageshow", look);
  look();
}
