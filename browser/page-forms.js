// @ts-check
/**
 * Which forms of this page are on their way: a page may hide its referrer from its own site, and then the service
 * worker asks whether a form is ours. Imports nothing, because it is served as /_edge/page-forms.js.
 */

const RECENT = 10_000; // ms; a navigation that begins later is another one

/** @typedef {{getAttribute: (name: string) => string | null}} Element   a form, or its button */
/** @typedef {{target: Element, submitter?: Element | null}} Sent */

/**
 * @param {{URL: string, baseURI: string, addEventListener: (type: string, listener: (event: any) => void, capture: boolean) => void}} document
 * @param {() => number} now   ms
 * @returns {(url: string) => boolean}   whether a form was just sent there; true once for each
 */
export function watchForms(document, now) {
  /** @type {Map<string, number>} */
  const sent = new Map();

  /** @param {Sent} event */
  function note({ target, submitter }) {
    // By attributes: a field named "action" hides the property.
    const action = submitter?.getAttribute("formaction") ?? target.getAttribute("action");
    sent.set(addressOf(action ?? "", document), now());
  }

  document.addEventListener("submit", note, true);
  document.addEventListener("formdata", note, true); // of what a script sends, too

  return (url) => {
    const at = sent.get(withoutFragment(url));
    return sent.delete(withoutFragment(url)) && at !== undefined && now() - at < RECENT;
  };
}

/**
 * "" is the page's own address (HTML, form submission algorithm).
 *
 * @param {string} action @param {{URL: string, baseURI: string}} document
 */
function addressOf(action, document) {
  try {
    return withoutFragment(action === "" ? document.URL : new URL(action, document.baseURI).href);
  } catch {
    return "";
  }
}

/** @param {string} url */
function withoutFragment(url) {
  return url.replace(/#.*/, "");
}
