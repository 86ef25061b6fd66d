// @ts-check
/** Requests that change something: whose they are, and how they can be sent more than once. */

import { hasFormKey } from "./keys.js";
import { bodyDigest } from "./proof.js";
import { HEADER } from "./protocol.js";

/** @typedef {{init: RequestInit, size: number, write: import("./proof.js").Write}} Rebuilt   size: of the body, in bytes */

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
 * @returns {Promise<Rebuilt>}
 */
export async function rebuilt(request, mintKey) {
  const headers = new Headers(request.headers);
  const blob = await request.blob();
  const body = blob.size > 0 ? blob : null;
  headers.set(HEADER.client, "1");
  const keyed = async () => {
    if (!headers.has(HEADER.key) && !(await hasFormKey(headers, blob))) headers.set(HEADER.key, await mintKey());
    return headers.get(HEADER.key) ?? "";
  };
  const [ik, bd] = await Promise.all([keyed(), bodyDigest(body)]);
  /** @type {RequestInit} */
  const init = {
    method: request.method,
    headers,
    body,
    credentials: request.credentials === "omit" ? "omit" : "same-origin",
    mode: "same-origin",
    redirect: "manual",
    cache: "no-store",
    referrer: request.referrer,
  };
  return { init, size: blob.size, write: { ik, bd } };
}
