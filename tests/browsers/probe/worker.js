// A module service worker that answers questions, and requests in ways that not every browser understands.

import { answers } from "./checks.js";

const routes = "addRoutes" in (globalThis.InstallEvent?.prototype ?? {});

/** What has happened, for the page to ask. */
const seen = { cancelled: false, aborted: false };

addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));

addEventListener("message", ({ data, ports: [port] }) => {
  if (data === "seen") port.postMessage(seen);
  else answers().then((found) => port.postMessage({ ...found, routes }));
});

addEventListener("fetch", (event) => {
  const { pathname } = new URL(event.request.url);
  if (pathname === "/silent") {
    // A head, and a body of which nothing comes.
    event.respondWith(new Response(new ReadableStream({ cancel: () => void (seen.cancelled = true) })));
  } else if (pathname === "/pending") {
    event.request.signal.addEventListener("abort", () => void (seen.aborted = true));
    event.respondWith(new Promise((resolve) => setTimeout(resolve, 2_000, new Response())));
  } else if (pathname === "/ticking") {
    const tick = (controller) => controller.enqueue(new Uint8Array(1));
    const cancel = () => void (seen.cancelled = true);
    const pull = (controller) => new Promise((resolve) => setTimeout(resolve, 10)).then(() => tick(controller));
    event.respondWith(new Response(new ReadableStream({ pull, cancel })));
  }
});
