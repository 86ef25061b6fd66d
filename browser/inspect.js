// @ts-check
/** `/_edge/browser`: what this browser's own host knows about itself. Works without the network. */

import { PATH } from "./protocol.js";
import { answer, escape, kitPage } from "./unavailable.js";

/**
 * @typedef {object} Facts
 * @property {import("./protocol.js").HostState} state
 * @property {{id: string, app: string, kit: string, python: string, files: number, bytes: number} | null} release
 * @property {{restored: boolean, timeline: [string, number][]} | null} start   ms since the start began
 * @property {{name: string, entries: {url: string, bytes: number}[]}[]} caches
 * @property {{usage?: number, quota?: number} | null} storage   bytes
 * @property {readonly import("./pool.js").Member[]} edges
 * @property {{local: number, edge: number, static: number, nobody: number}} answers   since this worker started
 * @property {{waiting: unknown[], rejected: unknown[], others: number, halted: string, verdicts: Record<string, number>}} outbox
 *   verdicts: since this worker started; unforeseen: not as it was foretold
 * @property {{slow: Record<string, number>, alone: string[], kept: string[]}} routes   slow: until, ms since 1970; alone:
 *   answered here, and need no network for it; kept: what is written there waits for one
 * @property {boolean} online   false: the browser says that there is no network
 * @property {{since: number, now: number}} worker   ms since 1970
 * @property {readonly import("./log.js").Entry[]} errors
 */

/** @param {CacheStorage} caches @param {string} prefix @returns {Promise<Facts["caches"]>} */
export async function listCaches(caches, prefix) {
  const names = (await caches.keys()).filter((name) => name.startsWith(prefix));
  return Promise.all(
    names.map(async (name) => {
      const cache = await caches.open(name);
      const entries = (await cache.keys()).map(async ({ url }) => {
        const kept = await cache.match(url);
        return { url: new URL(url).pathname, bytes: (await kept?.blob())?.size ?? 0 };
      });
      return { name, entries: await Promise.all(entries) };
    }),
  );
}

/**
 * POST with `do=reset`: forget what can be fetched again.
 *
 * @param {Request} request
 * @param {() => Promise<unknown>} forget
 * @returns {Promise<Response>} 303 to the start page, or back where nothing was done
 */
export async function resetBy(request, forget) {
  const isReset = (await request.formData()).get("do") === "reset";
  if (isReset) await forget();
  const response = answer(request, null, "text/plain", 303);
  response.headers.set("location", isReset ? "/" : PATH.browser);
  return response;
}

/** @param {Request} request @param {Facts} facts */
export function inspection(request, facts) {
  if (!(request.headers.get("accept") ?? "").includes("text/html")) {
    const { waiting, rejected, ...outbox } = facts.outbox; // what stands in them is on a page of its own
    const counted = { ...facts, outbox: { ...outbox, waiting: waiting.length, rejected: rejected.length } };
    return answer(request, JSON.stringify(counted, null, 1), "application/json", 200);
  }
  return kitPage(request, "This browser's own host", page(facts), 200);
}

/** @param {Facts} facts */
function page({ state, release, start, caches, storage, edges, answers, outbox, routes, online, worker, errors }) {
  const time = (/** @type {number} */ ms) => new Date(ms).toISOString();
  const health = (/** @type {Facts["edges"][number]} */ { failures, notBefore }) =>
    notBefore > worker.now ? `not asked before ${time(notBefore)}, ${counted(failures, "failure")} in a row` : "healthy";
  const latency = (/** @type {number | undefined} */ ms) =>
    ms === undefined ? "not known" : Number.isFinite(ms) ? `${ms.toFixed(0)} ms` : "slower than anybody waits for";
  const timeline = start?.timeline.map(([step, ms]) => `${step} ${ms} ms`).join(", ");
  return [
    table("Local host", [
      ["state", `${state.phase}${state.reason ? `: ${state.reason}` : ""}`],
      ["start", start ? `${start.restored ? "from its snapshot" : "plain"}: ${timeline}` : "none yet"],
      ["service worker", `running since ${time(worker.since)}`],
    ]),
    table("Release", release ? [
      ["id", release.id],
      ["app", `${release.app} (${state.mode})`],
      ["kit", `${release.kit}, Python ${release.python}`],
      ["files", `${counted(release.files, "file")}, ${size(release.bytes)}`],
    ] : [["id", `${state.release}, not stored`]]),
    table("Pool", [
      ...edges.map((edge) => /** @type {const} */ ([edge.base || "own origin", `${health(edge)}; latency ${latency(edge.latency)}`])),
      ["answered", Object.entries(answers).map(([who, count]) => `${who} ${count}`).join(", ")],
      ["slow here", Object.entries(routes.slow).map(([route, until]) => `${route} until ${time(until)}`).join(", ") || "none"],
    ]),
    "<h2>What works without a network</h2>",
    list("Pages that were read here:", routes.alone, "None yet: open the pages that you want to have, while there is a network."),
    list("Changes that are kept and sent later:", routes.kept, ""),
    table("Writes", [
      ["outbox", `${outbox.waiting.length} waiting, ${outbox.rejected.length} refused, ${outbox.others} of others${outbox.halted ? `; ${outbox.halted}` : ""}`],
      ["verdicts", Object.entries(outbox.verdicts).map(([what, count]) => `${what} ${count}`).join(", ")],
    ]),
    table("Storage", [
      ["of this site", storage ? `${size(storage.usage ?? 0)} of ${size(storage.quota ?? 0)}` : "not known"],
      ...caches.map(({ name, entries }) => /** @type {const} */ ([name, `${counted(entries.length, "entry", "entries")}, ${size(entries.reduce((sum, { bytes }) => sum + bytes, 0))}`])),
    ]),
    "<h2>Last errors</h2>",
    ...(errors.length > 0 ? errors.map(({ at, what }) => `<pre>${time(at)}\n${escape(what)}</pre>`) : ["<p>None.</p>"]),
    reset(online),
    `<p><a class="button" href="/">Back to the start</a> <a href="${PATH.outbox}">What is not sent yet</a></p>`,
  ].join("\n");
}

/** @param {boolean} online */
function reset(online) {
  const what = "It forgets the app, the catalog and the pages that are kept here, and fetches the app again. What is not sent yet stays, and you stay signed in.";
  const button = online
    ? `<form method="post" action="${PATH.browser}"><button class="button" name="do" value="reset">Reset this browser's host</button></form>`
    : "<p>It needs a connection.</p>";
  return `<h2>Start afresh</h2><details><summary>Reset…</summary><p>${what}</p>${button}</details>`;
}

/** Patterns, those of one page each as links. @param {string} title @param {readonly string[]} patterns @param {string} none */
function list(title, patterns, none) {
  if (patterns.length === 0) return none === "" ? "" : `<p>${none}</p>`;
  const items = [...patterns].sort().map((one) => `<li>${/[{}*]/.test(one) ? escape(one) : `<a href="${escape(one)}">${escape(one)}</a>`}</li>`);
  return `<p>${title}</p><ul>${items.join("")}</ul>`;
}

/** @param {number} count @param {string} one @param {string} [many] */
function counted(count, one, many = `${one}s`) {
  return `${count} ${count === 1 ? one : many}`;
}

/** @param {string} title @param {(readonly [string, string])[]} rows */
function table(title, rows) {
  const lines = rows.map(([name, value]) => `<tr><th scope="row">${escape(name)}</th><td>${escape(value)}</td></tr>`);
  return `<h2>${title}</h2><table>${lines.join("")}</table>`;
}

/** @param {number} bytes */
function size(bytes) {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
