// @ts-check
/**
 * The service worker of a site whose browser host has been switched off (`edgekit release stop`): pages go to
 * the edge, as without a service worker. It is published as `/sw.js` itself, so it imports nothing. It stays
 * registered, because pages would only register it again.
 *
 * What users have not sent yet and their device keys are in IndexedDB, which it leaves alone.
 */

const sw = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (globalThis));
const state = { phase: "idle", release: "", mode: "production" };

sw.addEventListener("install", () => void sw.skipWaiting());

sw.addEventListener("activate", (event) => event.waitUntil(takeOver()));

sw.addEventListener("message", ({ data, source }) => {
  if (data?.type === "status") source?.postMessage({ type: "state", state });
});

async function takeOver() {
  const names = (await caches.keys()).filter((name) => name.startsWith("edgekit-"));
  await Promise.all(names.map((name) => caches.delete(name)));
  await sw.clients.claim();
}
