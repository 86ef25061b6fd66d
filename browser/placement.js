// @ts-check
/** Which host may answer a request: a pure function of the manifest. */

import { PAGE_FILES, PATH } from "./protocol.js";

/** @typedef {import("./protocol.js").Manifest} Manifest */
/** @type {readonly string[]} */
const OWN = [PATH.browser, PATH.outbox]; // pages that the worker makes itself

/** @typedef {"static" | "anywhere" | "edge" | "pass"} Placement */

/** @typedef {Manifest["placement"]} Table */

/** @type {WeakMap<Table, RegExp[]>} */
const compiled = new WeakMap();

/**
 * Whether a request is none of the service worker's business; needs no manifest.
 *
 * @param {URL} url
 * @param {string} origin the site's own origin
 */
export function passes(url, origin) {
  if (url.origin !== origin || url.pathname === PATH.worker) return true;
  return url.pathname.startsWith(PATH.reserved) && !OWN.includes(url.pathname) && !isPageFile(url.pathname);
}

/**
 * `static`: a file of the release. `anywhere`: the local host may answer. `edge`: only an edge may.
 * `pass`: leave it to the browser.
 *
 * @param {Manifest} manifest
 * @param {string} method
 * @param {URL} url
 * @param {string} origin the site's own origin
 * @returns {Placement}
 */
export function match(manifest, method, url, origin) {
  if (passes(url, origin)) return "pass";
  const reads = method === "GET" || method === "HEAD";
  if (reads && storedPath(manifest, url.pathname) !== undefined) return "static";
  return indexOf(manifest.placement, url) < 0 ? "edge" : "anywhere";
}

/**
 * The pattern of the `anywhere` route of a URL, "" if there is none.
 *
 * @param {Manifest} manifest
 * @param {URL} url
 */
export function routeOf(manifest, url) {
  return manifest.placement[indexOf(manifest.placement, url)]?.pattern ?? "";
}

/**
 * The route of a write that the local host may answer before an edge has, with its method; "" if it may not.
 *
 * @param {Manifest} manifest
 * @param {string} method
 * @param {URL} url
 */
export function writeRouteOf({ optimistic = [] }, method, url) {
  const pattern = optimistic[indexOf(optimistic, url)]?.pattern;
  return pattern === undefined ? "" : `${method} ${pattern}`;
}

/** @param {Table} table @param {URL} url */
function indexOf(table, url) {
  const path = decoded(url.pathname);
  return path === undefined ? -1 : patterns(table).findIndex((pattern) => pattern.test(path));
}

/**
 * The release file behind a public path, if there is one.
 *
 * @param {Manifest} manifest
 * @param {string} pathname
 * @returns {string | undefined}
 */
export function storedPath(manifest, pathname) {
  if (isPageFile(pathname)) return manifest.roles.kit + pathname.slice(PATH.reserved.length);
  const path = decoded(pathname); // browsers and pages spell one path in many ways: "@" may be "%40"
  return path !== undefined && Object.hasOwn(manifest.static, path) ? manifest.static[path] : undefined;
}

/**
 * `anywhere` routes without parameters: what can be linked to when the network is gone.
 *
 * @param {Manifest} manifest
 */
export function fixedRoutes(manifest) {
  return manifest.placement.map(({ pattern }) => pattern).filter((pattern) => !pattern.includes("{"));
}

/** @param {string} pathname */
function isPageFile(pathname) {
  return PAGE_FILES.some((name) => pathname === PATH.reserved + name);
}

/**
 * The path as the app's router will see it: an encoded slash must not smuggle a request past the table.
 *
 * @param {string} pathname
 */
function decoded(pathname) {
  try {
    return decodeURIComponent(pathname);
  } catch {
    return undefined; // not UTF-8: the edge answers with the problem
  }
}

/** @param {Table} table */
function patterns(table) {
  let list = compiled.get(table);
  if (list === undefined) {
    // Without the flag "u": Python escapes more characters than that flag lets one escape.
    list = table.map(({ regex }) => new RegExp(regex));
    compiled.set(table, list);
  }
  return list;
}
