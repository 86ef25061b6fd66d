// @ts-check
/**
 * Runs in the page that answers a request of a bound session which came without proof of its device, because it
 * went around the service worker. With the worker the next request brings one. Where there is none (any more),
 * this page makes one itself and asks for a session that needs none, for a short time.
 *
 * Served as /_edge/recover.js, always from the network: it has to work where the local release does not.
 */

import { createClock } from "./clock.js";
import { findDeviceKey } from "./device-key.js";
import { isEdges } from "./genuine.js";
import { bodyDigest } from "./proof.js";
import { PATH } from "./protocol.js";
import { createProver } from "./prover.js";
import { container } from "./register.js";
import { openStore } from "./store.js";

const TRIES = "edgekit-recover";
const AGAIN = 60_000; // ms; what fails after that is another failure

/** Whether there is a page to be loaded anew: what was sent is not sent again by us. */
const isRead = document.querySelector("main")?.dataset.method === "GET";

async function recover() {
  const before = isRead ? tries() : 1; // nothing goes round in circles that is not loaded anew
  if (before === 0 && (await container()?.getRegistration("/"))?.active) return again(1);
  const isDone = before < 2 && (await plainSession());
  if (!isDone) return say("This device is not known", "You signed in on another one, or this browser has lost its key.");
  if (isRead) return again(2);
  say("Send it again", "What you sent has not arrived. Go back, and send it again.");
  document.querySelector("form")?.remove();
}

/** How often this has been tried in this tab a moment ago; too often where nothing can be noted. */
function tries() {
  try {
    const { at, count } = JSON.parse(sessionStorage.getItem(TRIES) ?? "{}");
    return Date.now() - at < AGAIN ? Number(count) : 0;
  } catch {
    return 2;
  }
}

/** @param {number} count */
function again(count) {
  sessionStorage.setItem(TRIES, JSON.stringify({ at: Date.now(), count }));
  location.reload();
}

/** Whether an edge has given us one. */
async function plainSession() {
  const store = openStore(globalThis.indexedDB);
  const clock = createClock({ store, wall: () => Date.now() });
  await clock.loaded;
  const fetch = globalThis.fetch.bind(globalThis);
  const prover = createProver({ store, fetch, deviceKey: () => findDeviceKey(store), origin: location.origin, clock });
  const [view, bd] = await Promise.all([store.get("view"), bodyDigest(null)]);
  const about = { ath: view?.ath ?? "", write: { ik: "", bd } };
  const response = await prover.send(PATH.plain, { method: "POST", cache: "no-store" }, about);
  return response.ok && isEdges(response);
}

/** @param {string} title @param {string} text */
function say(title, text) {
  document.title = title;
  for (const [name, content] of Object.entries({ h1: title, p: text })) {
    const element = document.querySelector(name);
    if (element) element.textContent = content;
  }
}

recover().catch(() => say("Try again later", "This page could not make sure that it is the device on which you signed in."));
