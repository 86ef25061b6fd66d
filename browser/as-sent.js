// @ts-check
/**
 * What a browser adds to a request only below its service worker (Fetch, sections 4.1 and 4.6, and Fetch Metadata). An
 * edge sees it, so the app has to see it here as well.
 */

import { HEADER } from "./protocol.js";

/**
 * @typedef {Pick<Request, "referrer" | "referrerPolicy" | "mode" | "destination" | "cache"> & {hints?: [string, string][],
 *   size?: number}} Made   how the page's own request was made; referrer: what the policy has left of it; hints: of the
 *   user agent, whose names no request of a worker may have; size: of a body that has been read, in bytes
 * @typedef {{origin: string, language: string, agent: Agent}} Known   origin: the site's own; language: `Accept-Language`
 * @typedef {object} Agent   of `navigator`
 * @property {string} userAgent
 * @property {boolean} [globalPrivacyControl]
 * @property {{brands: {brand: string, version: string}[], mobile: boolean, platform: string}} [userAgentData]
 */

/** The rest is for rows of an older release, and for programs that have no page. @type {Made} */
const UNKNOWN = Object.freeze({ referrer: "", referrerPolicy: "", mode: "same-origin", destination: "", cache: "default" });
/** What a cache mode adds, unless the page says it itself. @type {Record<string, [string, string][]>} */
const CACHE = {
  "no-cache": [["cache-control", "max-age=0"]],
  "no-store": [["pragma", "no-cache"], ["cache-control", "no-cache"]],
  reload: [["pragma", "no-cache"], ["cache-control", "no-cache"]],
};

/** A request that a worker makes cannot say that it was a navigation, or which page it comes from. @type {WeakMap<Request, Made>} */
const originals = new WeakMap();

/** How a page made this request. @param {Request} request @returns {Made} */
export function madeOf(request) {
  const known = originals.get(request);
  if (known !== undefined) return known;
  const { referrer, referrerPolicy, mode, destination, cache } = request;
  const hints = [...request.headers].filter(([name]) => name.startsWith("sec-ch-"));
  return { referrer: /^https?:/.test(referrer) ? referrer : "", referrerPolicy, mode, destination, cache, hints };
}

/** `request` stands for one that a page made so. @param {Request} request @param {Made} [made] */
export function standsFor(request, made = UNKNOWN) {
  originals.set(request, made);
  return request;
}

/**
 * The headers that an edge sees and the worker does not, as name and value. One that cannot be known for certain is left
 * out: an app that looks at it escalates (edge/hidden.py).
 *
 * @param {Request} request
 * @param {Known} known
 * @returns {[name: string, value: string][]}
 */
export function addedHeaders(request, { origin, language, agent }) {
  const made = madeOf(request);
  const { method, headers } = request;
  const writes = method !== "GET" && method !== "HEAD";
  /** @type {[string, string][]} */
  const pairs = [
    ["accept", "*/*"],
    ["accept-language", language],
    ["user-agent", agent.userAgent],
    ...(made.hints ?? lowHints(agent)),
    ["content-length", writes && made.size !== undefined ? String(made.size) : ""],
    ["sec-gpc", agent.globalPrivacyControl ? "1" : ""],
    ["referer", made.referrer],
    ["origin", writes ? originOf(made, origin) : ""],
    ["sec-fetch-site", writes ? "same-origin" : isCertain(made, origin) ? siteOf(made, origin) : ""], // no other writes come here
    ["sec-fetch-mode", made.mode],
    ["sec-fetch-dest", made.destination || "empty"],
    ...(CACHE[made.cache] ?? []),
  ];
  return pairs.filter(([name, value]) => value !== "" && !headers.has(name));
}

/**
 * What cannot be said by `fetch` of a request that a worker makes in the place of a page's: for an edge, which shows
 * it to the app (see `as_sent` in edge/intake.py).
 *
 * @param {Request} request
 * @param {string} origin   the site's own
 */
export function restOf(request, origin) {
  const made = madeOf(request);
  const rest = new URLSearchParams({ "sec-fetch-mode": made.mode, "sec-fetch-dest": made.destination || "empty" });
  if (request.method === "GET" || request.method === "HEAD") rest.set("sec-fetch-site", siteOf(made, origin));
  if (made.referrer !== "" && !made.referrer.startsWith(`${origin}/`)) rest.set("referer", made.referrer);
  for (const [name, value] of made.hints ?? []) rest.set(name, value);
  return { [HEADER.sent]: rest.toString() };
}

/**
 * What `fetch` needs to send the same `Referer`, as far as it can.
 *
 * @param {Request} request
 * @param {string} origin   the site's own
 * @returns {{referrer: string, referrerPolicy: ReferrerPolicy}}
 */
export function refererOf(request, origin) {
  const { referrer } = madeOf(request);
  // The policy has had its say; a worker's own must not have another.
  return { referrer: referrer.startsWith(`${origin}/`) ? referrer : "", referrerPolicy: "same-origin" };
}

/** User agent client hints of low entropy, which are always sent where a browser has them. @param {Agent} agent @returns {[string, string][]} */
function lowHints({ userAgentData: data }) {
  if (data === undefined) return [];
  const brands = data.brands.map(({ brand, version }) => `"${brand}";v="${version}"`).join(", ");
  return [["sec-ch-ua", brands], ["sec-ch-ua-mobile", data.mobile ? "?1" : "?0"], ["sec-ch-ua-platform", `"${data.platform}"`]];
}

/** Fetch, "append a request Origin header": of a write to our own origin. @param {Made} made @param {string} origin */
function originOf({ mode, referrerPolicy }, origin) {
  return mode !== "cors" && referrerPolicy === "no-referrer" ? "null" : origin;
}

/**
 * Whether `siteOf` is more than a guess. Only a navigation can come from elsewhere. One without a referrer may be a typed
 * address or a link that hides it, and which domains are one site only a browser's list of public suffixes knows.
 *
 * @param {Made} made @param {string} origin
 */
function isCertain({ mode, referrer }, origin) {
  if (mode !== "navigate" || referrer.startsWith(`${origin}/`)) return true;
  if (referrer === "") return false;
  const [there, here] = [new URL(referrer), new URL(origin)];
  const top = (/** @type {URL} */ { hostname }) => hostname.slice(hostname.lastIndexOf(".") + 1);
  return there.protocol !== here.protocol || there.hostname === here.hostname || top(there) !== top(here);
}

/** @param {Made} made @param {string} origin */
function siteOf({ mode, destination, referrer }, origin) {
  if (mode !== "navigate" || referrer.startsWith(`${origin}/`)) return "same-origin";
  if (referrer === "") return destination === "document" ? "none" : "same-origin";
  const [there, here] = [new URL(referrer), new URL(origin)];
  const isBelow = (/** @type {URL} */ a, /** @type {URL} */ b) => a.hostname === b.hostname || a.hostname.endsWith(`.${b.hostname}`);
  return there.protocol === here.protocol && (isBelow(there, here) || isBelow(here, there)) ? "same-site" : "cross-site";
}
