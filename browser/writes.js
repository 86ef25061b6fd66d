// @ts-check
/** Requests that change something, and how they can be sent more than once. */

import { madeOf, refererOf, restOf } from "./as-sent.js";
import { hasFormKey } from "./keys.js";
import { bodyDigest } from "./proof.js";
import { HEADER } from "./protocol.js";

/** @typedef {{init: RequestInit, size: number, write: import("./proof.js").Write}} Rebuilt   size: of the body, in bytes */

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
  const { origin } = new URL(request.url);
  headers.set(HEADER.client, "1");
  for (const [name, value] of Object.entries(restOf(request, origin))) headers.set(name, value);
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
    cache: madeOf(request).cache,
    ...refererOf(request, origin),
  };
  return { init, size: blob.size, write: { ik, bd } };
}
