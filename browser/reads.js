// @ts-check
/** Requests that change nothing: passed on as they are wherever that is possible. */

import { refererOf, restOf } from "./as-sent.js";
import { HEADER } from "./protocol.js";
import { securityHeaders } from "./security-headers.js";

// What is sent abroad has to do without a preflight (Fetch, CORS-safelisted request-header).
const ACCEPT = /^[^\x00-\x08\x0a-\x1f"():<>?@[\\\]{}\x7f]{1,128}$/;
const LANGUAGE = /^[0-9A-Za-z *,\-.;=]{1,128}$/;
// Headers that an answer for everybody does not depend on. With any other it may be another question.
const IDLE = new Set([
  ...["accept", "accept-encoding", "accept-language", "cache-control", "dnt", "origin", "pragma", "priority", "purpose"],
  ...["referer", "upgrade-insecure-requests", "user-agent"],
]);
const VARIES = new Set(["accept", "accept-encoding", "accept-language", "origin", "sec-fetch-dest", "sec-fetch-mode", "upgrade-insecure-requests"]);

/**
 * The same request in a form that can carry a proof. It stops being a navigation, so it says itself what the
 * edge has to know of one: that it wants a page, and that somebody else has to follow redirects.
 *
 * @param {Request} request   to our own origin
 * @param {AbortSignal} signal
 * @returns {RequestInit}
 */
export function carrying(request, signal) {
  const { origin } = new URL(request.url);
  const headers = new Headers({ ...Object.fromEntries(request.headers), [HEADER.client]: "1", ...restOf(request, origin) });
  if (request.mode === "navigate") headers.set("upgrade-insecure-requests", "1");
  return {
    method: request.method,
    headers,
    credentials: "same-origin",
    mode: "same-origin",
    redirect: "manual",
    cache: request.cache,
    ...refererOf(request, origin),
    signal,
  };
}

/**
 * The same question as nobody asks it, for an edge with another origin: no cookie, no proof, no header that the page
 * has set. Null if that would not be the same question.
 *
 * @param {Request} request
 * @param {AbortSignal} signal
 * @returns {RequestInit | null}
 */
export function asNobody(request, signal) {
  const { method, mode, cache } = request;
  if ((method !== "GET" && method !== "HEAD") || cache === "only-if-cached") return null;
  for (const [name] of request.headers) if (!IDLE.has(name) && !name.startsWith("sec-")) return null;
  const accept = request.headers.get("accept") ?? "";
  const language = request.headers.get("accept-language") ?? "";
  const isPage = mode === "navigate";
  // For the edge HTML means a page: it adds the kit's script.
  if (!isPage && accept.includes("text/html")) return null;
  const headers = new Headers({ accept: isPage ? "text/html" : ACCEPT.test(accept) ? accept : "*/*" });
  if (LANGUAGE.test(language)) headers.set("accept-language", language);
  return { method, headers, cache, signal, mode: "cors", credentials: "omit", redirect: "manual", referrerPolicy: "no-referrer" };
}

/**
 * What an edge with another origin has answered, if that is for everybody: the app says so, and the edge has not made
 * anybody of us. Else null: what is for nobody must not be shown to somebody, who would take it for theirs.
 *
 * @param {Response} response
 * @param {string} url   of the page's request
 */
export function forEverybody(response, url) {
  const { headers, ok } = response;
  const caching = namesIn(headers.get("cache-control"));
  const isPublic = caching.includes("public") && !caching.includes("private") && !caching.includes("no-store");
  const isKits = headers.has(HEADER.host) && !headers.has(HEADER.view);
  if (!ok || !isKits || !isPublic || !namesIn(headers.get("vary")).every((name) => VARIES.has(name))) {
    void response.body?.cancel().catch(() => {});
    return null;
  }
  const own = new Response(response.body, response); // without its address, which is none of ours
  for (const [name, value] of Object.entries(securityHeaders(headers.get("content-type") ?? "", url))) {
    if (!own.headers.has(name)) own.headers.set(name, value);
  }
  return own;
}

/** The members of a list, without their values. @param {string | null} field */
function namesIn(field) {
  const members = (field ?? "").split(",").map((member) => (member.split("=")[0] ?? "").trim().toLowerCase());
  return members.filter((name) => name !== "");
}
