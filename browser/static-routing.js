// @ts-check
/** Lets the browser itself answer what this worker would only pass on (static routing, where it exists). */

import { PAGE_FILES, PATH } from "./protocol.js";
import { STATIC, STATIC_CACHE } from "./static-cache.js";

// What is only shown may come from a cache that nobody checks at that moment. Code may not: script of a page can
// write to caches, and would outlive the page there.
const SHOWN = ["style", "image", "font"];

/** @param {any} event   of the install */
export async function route(event) {
  const rule = (/** @type {string} */ pathname, /** @type {string | object} */ source, condition = {}) => ({
    condition: { urlPattern: { pathname }, ...condition },
    source,
  });
  const requestMethod = "GET";
  const files = SHOWN.map((requestDestination) =>
    rule(`${STATIC}*`, { cacheName: STATIC_CACHE }, { requestMethod, requestDestination }),
  );
  // All others do not wait either: what has been fetched before is in the HTTP cache, which no script can change.
  const others = rule(`${STATIC}*`, "race-network-and-fetch-handler", { requestMethod });
  const own = [PATH.browser, PATH.outbox, ...PAGE_FILES.map((name) => PATH.reserved + name)].map((path) => rule(path, "fetch-event"));
  try {
    await event.addRoutes?.([...files, others, ...own, rule(`${PATH.reserved}*`, "network")]);
  } catch {
    // An older form of the proposal; the fetch event does the same, only slower.
  }
}
