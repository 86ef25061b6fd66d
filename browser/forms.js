// @ts-check
/**
 * Whose a form is that is on its way to us. One on another site posts through this worker as well. Whatever we sent in
 * its place would look like ours: in Firefox and WebKit even a navigation that is passed on untouched says
 * "same-origin". So what is not ours is left to the browser (left.js).
 */

import { inTime } from "./in-time.js";
import { MESSAGE } from "./protocol.js";

const ANSWER = 5_000; // ms that a page has; it may be busy with leaving, on a machine that is busy too

/** @typedef {Pick<WindowClient, "postMessage">} Page */

/**
 * By the referrer of a request that changes something; unknown: the page that sent it hides its referrer, and that is
 * its right (RFC 9110, section 10.1.3).
 *
 * @param {Request} request
 * @param {string} origin   the site's own
 * @returns {"ours" | "foreign" | "unknown"}
 */
export function authorOf({ mode, referrer }, origin) {
  if (mode !== "navigate" || referrer.startsWith(`${origin}/`)) return "ours";
  return /^https?:/.test(referrer) ? "foreign" : "unknown";
}

/** @param {() => Promise<readonly Page[]>} pages   all that are open here */
export function createForms(pages) {
  /** @param {Page} page @param {string} url @returns {Promise<boolean>} */
  function hasSent(page, url) {
    const { port1, port2 } = new MessageChannel();
    /** @type {Promise<boolean>} */
    const answer = new Promise((resolve) => (port1.onmessage = ({ data }) => resolve(data === true)));
    page.postMessage({ type: MESSAGE.submitted, url }, [port2]);
    return inTime(answer, ANSWER, false).finally(() => port1.close());
  }

  return {
    /** Whether one of our pages says that it has just sent a form there. @param {string} url */
    async isOurs(url) {
      const asked = (await pages()).map((page) => hasSent(page, url));
      const no = Promise.all(asked).then(() => false);
      return Promise.race([no, ...asked.map((answer) => answer.then((yes) => yes || no))]);
    },
  };
}
