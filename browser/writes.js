// @ts-check
/** Requests that change something: whose they are, and how they can be sent more than once. */

import { hasFormKey } from "./keys.js";
import { HEADER } from "./protocol.js";

/**
 * Whether a request that changes something was made by one of our own pages. A form on another site posts
 * through this worker as well. Whatever we sent in its place would look like ours: in Firefox and WebKit even a
 * navigation that is passed on untouched says "same-origin". So such a form is left to the browser.
 *
 * @param {Request} request
 * @param {string} origin
 */
export function isOurs(request, origin) {
  return request.mode !== "navigate" || request.referrer.startsWith(`${origin}/`);
}

/**
 * The same request as something that can be sent again. Its body becomes one Blob, which the browser keeps
 * outside of this worker, on disk if it is large.
 *
 * @param {Request} request
 * @param {() => Promise<string>} mintKey
 * @returns {Promise<RequestInit & {body: Blob | null}>}
 */
export async function rebuilt(request, mintKey) {
  const headers = new Headers(request.headers);
  const body = await request.blob();
  headers.set(HEADER.client, "1");
  if (!headers.has(HEADER.key) && !(await hasFormKey(headers, body))) headers.set(HEADER.key, await mintKey());
  return {
    method: request.method,
    headers,
    body: body.size > 0 ? body : null,
    credentials: request.credentials === "omit" ? "omit" : "same-origin",
    mode: "same-origin",
    redirect: "manual",
    cache: "no-store",
    referrer: request.referrer,
  };
}
