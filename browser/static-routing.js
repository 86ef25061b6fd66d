// @ts-check
/** Lets the browser itself fetch what this worker would only pass on (static routing, where it exists). */

import { PAGE_FILES, PATH } from "./protocol.js";

/** @param {any} event   of the install */
export async function route(event) {
  const rule = (/** @type {string} */ pathname, /** @type {string} */ source) => ({
    condition: { urlPattern: { pathname } },
    source,
  });
  const kept = [PATH.browser, PATH.outbox, ...PAGE_FILES.map((name) => PATH.reserved + name)].map((path) => rule(path, "fetch-event"));
  try {
    await event.addRoutes?.([...kept, rule(`${PATH.reserved}*`, "network")]);
  } catch {
    // An older form of the proposal; the fetch event does the same, only slower.
  }
}
