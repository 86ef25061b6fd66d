// @ts-check
/**
 * Static files at addresses that carry their content, `/_edge/static/<hash>/<name>`. One cache holds those of all
 * releases, because a page names files of its own release whichever worker is in charge. The browser answers from it
 * without this worker where it can (static-routing.js); where it cannot, `staticAnswer` does.
 */

import { sha256 } from "./digest.js";
import { inTime } from "./in-time.js";
import { DEADLINE, HEADER, PATH } from "./protocol.js";
import { securityHeaders } from "./security-headers.js";
import { fileAnswer } from "./static-file.js";

export const STATIC_CACHE = "edgekit-static";
/** Prefix of the addresses. */
export const STATIC = `${PATH.reserved}static/`;

const SHORT = 16; // digits of the hash in an address
const OWN = { [HEADER.host]: "browser", "cache-control": "public, max-age=31536000, immutable" };

/**
 * A file as it is kept: nobody adds headers when the browser answers with it.
 *
 * @param {{bytes: ArrayBuffer, type: string}} file   type: media type
 */
export function staticFile({ bytes, type }) {
  // Without the header that only counts on an answer of the network (HSTS): the scheme may be left out.
  return new Response(bytes, { headers: { ...securityHeaders(type, ""), ...OWN, "content-type": type } });
}

/**
 * Delete all files but these.
 *
 * @param {Set<string>} paths
 * @param {CacheStorage} caches
 */
export async function keepStatic(paths, caches) {
  if (!(await caches.has(STATIC_CACHE))) return;
  const cache = await caches.open(STATIC_CACHE);
  const kept = (await cache.keys()).map(({ url }) => new URL(url).pathname);
  await Promise.all(kept.filter((path) => !paths.has(path)).map((path) => cache.delete(path)));
}

/**
 * Put right what has become of the static files: the browser answers with them without asking anybody.
 *
 * @param {Pick<import("./release.js").Release, "manifest" | "read">} release
 */
export async function mendStatic({ manifest, read }) {
  for (const path of new Set(Object.values(manifest.static))) await read(path);
}

/**
 * The kept file if it has the bytes that its address promises, else what the network answers. Rejects if that fails.
 *
 * @param {Request} request   GET or HEAD
 * @param {{fetch: import("./protocol.js").Fetch, caches: CacheStorage}} platform
 */
export async function staticAnswer(request, { fetch, caches }) {
  const path = new URL(request.url).pathname;
  const found = caches.match(path, { cacheName: STATIC_CACHE }).catch(() => undefined);
  const kept = await inTime(found, DEADLINE.storage, undefined);
  if (kept !== undefined) {
    const [bytes, type] = [await kept.arrayBuffer(), kept.headers.get("content-type") ?? ""];
    const hash = await sha256(bytes);
    if (path.startsWith(`${STATIC}${hash.slice(0, SHORT)}/`)) {
      const file = new Response(bytes, { headers: { "content-type": type } });
      return fileAnswer(request, file, `"${hash.slice(0, 32)}"`, OWN);
    }
  }
  return fetch(request);
}
