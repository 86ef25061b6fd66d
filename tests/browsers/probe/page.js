// Finds out what this browser can; `probe()` resolves to {name: boolean}.

import { answers, pause } from "./checks.js";

globalThis.probe = async () => {
  const inPage = await answers();
  const registration = await register().catch(() => undefined);
  if (registration === undefined) return { worker: false, page: inPage };
  const has = (/** @type {string} */ name) => name in registration;
  const [entry] = performance.getEntriesByType("navigation");
  return {
    ...(await ask("answers")),
    worker: true,
    cookieStoreInPage: inPage.cookieStore,
    preload: has("navigationPreload"),
    sync: has("sync"),
    periodicSync: has("periodicSync"),
    backgroundFetch: has("backgroundFetch"),
    headFirst: await Promise.race([fetch("/silent").then(() => true), pause(1_000)]),
    cancelled: await leaving("/ticking", "cancelled"),
    aborted: await leaving("/pending", "aborted"),
    responseStatus: entry.responseStatus === 200,
    persist: "persist" in (navigator.storage ?? {}),
  };
};

async function register() {
  const registration = await navigator.serviceWorker.register("/worker.js", { type: "module" });
  while (navigator.serviceWorker.controller === null) await pause(20);
  return registration;
}

/** @param {string} question */
function ask(question) {
  const { port1, port2 } = new MessageChannel();
  const answer = new Promise((resolve) => (port1.onmessage = ({ data }) => resolve(data)));
  navigator.serviceWorker.controller.postMessage(question, [port2]);
  return answer;
}

/** Whether the worker notices when an answer is not wanted any more. @param {string} path @param {string} sign */
async function leaving(path, sign) {
  const abort = new AbortController();
  const reading = fetch(path, { signal: abort.signal }).then((response) => response.text());
  reading.catch(() => {});
  await pause(200);
  abort.abort();
  await pause(200);
  return (await ask("seen"))[sign];
}
