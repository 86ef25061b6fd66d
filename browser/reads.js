// @ts-check
/** Requests that change nothing: passed on as they are wherever that is possible. */

import { HEADER } from "./protocol.js";

/**
 * What makes a request abortable and changes nothing else. A navigation that is given any option stops being
 * one, so it cannot be aborted: an answer that comes too late is thrown away instead.
 *
 * @param {Request} request
 * @param {AbortSignal} signal
 * @returns {RequestInit | undefined}
 */
export function untouched(request, signal) {
  if (request.mode === "navigate") return undefined;
  return { signal, referrer: request.referrer, referrerPolicy: request.referrerPolicy };
}

/**
 * The same request in a form that can carry a proof. It stops being a navigation, so it says itself what the
 * edge has to know of one: that it wants a page, and that somebody else has to follow redirects.
 *
 * @param {Request} request   to our own origin
 * @param {AbortSignal} signal
 * @returns {RequestInit}
 */
export function carrying(request, signal) {
  const headers = new Headers(request.headers);
  headers.set(HEADER.client, "1");
  if (request.mode === "navigate") headers.set("upgrade-insecure-requests", "1");
  const isInside = URL.canParse(request.referrer) && new URL(request.referrer).origin === new URL(request.url).origin;
  return {
    method: request.method,
    headers,
    credentials: "same-origin",
    mode: "same-origin",
    redirect: "manual",
    cache: request.cache,
    referrer: isInside ? request.referrer : "",
    signal,
  };
}

/**
 * An edge with another origin: it gets no cookies, so it answers as for anybody.
 *
 * @param {import("./protocol.js").Fetch} fetch
 * @param {Request} request
 * @param {string} base
 * @param {AbortSignal} signal
 */
export async function abroad(fetch, request, base, signal) {
  const { pathname, search } = new URL(request.url);
  const headers = new Headers();
  for (const name of ["accept", "accept-language"]) headers.set(name, request.headers.get(name) ?? "*");
  const { method } = request;
  const response = await fetch(base + pathname + search, { method, headers, signal, mode: "cors", credentials: "omit", redirect: "error" });
  return new Response(response.body, response); // without its address, which is none of ours
}
