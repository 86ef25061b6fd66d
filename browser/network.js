// @ts-check
/** How a request goes to an edge, and how the edge's answer reaches the page. */

import { DEADLINE, HEADER, KEY_FIELD } from "./protocol.js";

/** No edge has answered. */
export class NetworkFailure extends Error {}

const SAFE = new Set(["GET", "HEAD", "OPTIONS"]); // RFC 9110 section 9.2.1
const GATEWAY = new Set([502, 503, 504]); // what a proxy says in place of an edge that is gone
const FORM = /^(application\/x-www-form-urlencoded|multipart\/form-data)\b/i;

/** @param {string} method */
export function isSafe(method) {
  return SAFE.has(method);
}

/**
 * @param {object} parts
 * @param {import("./protocol.js").Fetch} parts.fetch
 * @param {string} parts.origin   the site's own origin
 * @param {() => Promise<string>} parts.mintKey
 * @param {(view: string | null) => Promise<void>} parts.acceptView
 * @returns {(request: Request) => Promise<Response>} rejects with `NetworkFailure`
 */
export function createNetwork({ fetch, origin, mintKey, acceptView }) {
  /** @param {() => Promise<Response>} go */
  async function attempt(go) {
    const response = await inTime(go()).catch((error) => {
      throw new NetworkFailure(String(error), { cause: error });
    });
    if (GATEWAY.has(response.status) && !response.headers.has(HEADER.host)) {
      throw new NetworkFailure(`a gateway answered ${response.status}`);
    }
    await acceptView(response.headers.get(HEADER.view));
    return forPage(response);
  }

  return async (request) => {
    if (isSafe(request.method) || !isOurs(request, origin)) return attempt(() => fetch(request));
    const go = await rebuilt(request, fetch, mintKey);
    // The key makes it harmless if the first try did arrive.
    return attempt(go).catch(() => attempt(go));
  };
}

/**
 * A key that no other request of any browser has: 16 random bytes, kept, and a number that only grows.
 *
 * @param {import("./store.js").Store} store
 */
export async function mintKey(store) {
  const { id, seq } = await store.update("client", (old) => ({ id: old?.id ?? newClient(), seq: (old?.seq ?? 0) + 1 }));
  return `${id}.${seq}`;
}

function newClient() {
  const random = String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16)));
  return btoa(random).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/**
 * Whether a request that changes something was made by one of our own pages. A form on another site posts
 * through this worker as well; sent anew it would look like ours and carry the cookies that SameSite keeps
 * back. So it is passed on untouched, and the edge sees where it came from.
 *
 * @param {Request} request
 * @param {string} origin
 */
function isOurs(request, origin) {
  return request.mode !== "navigate" || request.referrer.startsWith(`${origin}/`);
}

/**
 * The same request as something that can be sent again. The original stays unread.
 *
 * @param {Request} request
 * @param {import("./protocol.js").Fetch} fetch
 * @param {() => Promise<string>} mintKey
 */
async function rebuilt(request, fetch, mintKey) {
  const body = await request.clone().arrayBuffer();
  const headers = new Headers(request.headers);
  headers.set(HEADER.client, "1");
  if (!headers.has(HEADER.key) && !(await hasFormKey(headers, body))) headers.set(HEADER.key, await mintKey());
  /** @type {RequestInit} */
  const init = {
    method: request.method,
    headers,
    body: body.byteLength > 0 ? body : null,
    credentials: request.credentials === "omit" ? "omit" : "same-origin",
    mode: "same-origin",
    redirect: "manual",
    cache: "no-store",
    referrer: request.referrer,
  };
  return () => fetch(request.url, init);
}

/**
 * A key in the form is the same on a double click, one from here would not be.
 *
 * @param {Headers} headers
 * @param {ArrayBuffer} body
 */
async function hasFormKey(headers, body) {
  const type = headers.get("content-type") ?? "";
  if (!FORM.test(type)) return false;
  const form = new Response(body, { headers: { "content-type": type } }).formData();
  return form.then((fields) => fields.has(KEY_FIELD)).catch(() => false);
}

/** What the page gets: the real redirect, and no token. @param {Response} response */
function forPage(response) {
  const { headers: from } = response;
  const [status, location] = [from.get(HEADER.status), from.get(HEADER.location)];
  if (status === null && !from.has(HEADER.view)) return response;
  const headers = new Headers(from);
  for (const name of [HEADER.view, HEADER.status, HEADER.location]) headers.delete(name);
  if (status === null) {
    return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
  }
  if (location !== null) headers.set("location", location);
  return new Response(null, { status: Number(status), headers });
}

/** @param {Promise<Response>} answer @returns {Promise<Response>} */
function inTime(answer) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("no answer in time")), DEADLINE.network);
    answer.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
