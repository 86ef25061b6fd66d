// Keeps nothing: at each request it looks for the shell page and hands it a one-shot reply port.
const APP = "/_bench/app";
const UNFRAMED = ["content-security-policy", "x-frame-options"]; // the kit's pages do not let themselves be framed

addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("fetch", (event) => {
  const { pathname } = new URL(event.request.url);
  if (pathname.startsWith(`${APP}/`)) event.respondWith(relay(pathname.slice(APP.length)));
});

async function relay(path) {
  const pages = await clients.matchAll({ type: "window", includeUncontrolled: true });
  const shell = pages.find((page) => new URL(page.url).pathname.endsWith("/bridge.html"));
  const { port1, port2 } = new MessageChannel();
  const { status, headers, body } = await new Promise((resolve) => {
    port1.onmessage = ({ data }) => resolve(data);
    shell.postMessage({ path, root: "" }, [port2]);
  });
  return new Response(body, { status, headers: headers.filter(([name]) => !UNFRAMED.includes(name.toLowerCase())) });
}
