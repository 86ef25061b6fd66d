// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { createAnswer } from "../../browser/answer.js";
import { createEdges } from "../../browser/edges.js";
import { createExperience } from "../../browser/experience.js";
import { NetworkFailure, isSafe } from "../../browser/network.js";
import { manifest, memoryNotes, memoryStore } from "./fakes.js";

const ORIGIN = "https://shop.test";
const PLACEMENT = [
  { pattern: "/", regex: "^/$" },
  { pattern: "/products/{sku}", regex: "^/products/(?<sku>[^/]+)$" },
];
const STATIC = { "/static/a.css": "/_edge/static/1/a.css" };

/** @typedef {() => string | null | Promise<string | null>} Member   what it answers; null: it cannot */

/**
 * @param {object} hosts
 * @param {Member} [hosts.local]
 * @param {number} [hosts.fails]   the status of what it says
 * @param {"ready" | "startable" | "down"} [hosts.status]
 * @param {boolean} [hosts.boots]
 * @param {Member} [hosts.edge]
 * @param {boolean} [hosts.installed]
 * @param {Record<string, string>} [hosts.files]
 * @param {import("../../browser/notes.js").Notes} [hosts.notes]
 */
function pool({ local = () => "local", fails = 200, status = "ready", boots = true, edge = () => "edge", installed = true, files = STATIC, notes = memoryNotes() }) {
  /** @type {string[]} */
  const asked = [];
  const clock = { now: 0 };
  const counts = { local: 0, edge: 0, static: 0, nobody: 0 };
  const state = { status, personal: 0, pending: 0, waiting: /** @type {any[]} */ ([]), body: /** @type {ReadableStream | undefined} */ (undefined) };
  /** @type {(string | undefined)[]} */
  const views = [];
  const optimistic = [{ pattern: "/cart", regex: "^/cart$" }];
  const table = manifest({ placement: PLACEMENT, optimistic, static: files });
  const experience = createExperience({ store: memoryStore(), notes, release: "r", now: () => clock.now });
  const edges = createEdges({ bases: [""], fetch: async () => new Response(), now: () => clock.now, random: () => 0, note: () => {} });
  const read = async (/** @type {string} */ path) => new Response(`file ${path}`);
  const { answer, ifReady } = createAnswer({
    origin: ORIGIN,
    release: async () => (installed ? { manifest: table, read, copy: async () => undefined } : undefined),
    host: {
      status: () => state.status,
      ready: () => state.status === "ready",
      async start() {
        if (boots) state.status = "ready";
        return boots;
      },
      async answer(_request, view) {
        asked.push("local");
        views.push(view);
        const text = await local();
        return text === null ? null : new Response(state.body ?? text, { status: fails, headers: { "edgekit-host": "browser" } });
      },
      complete: async () => false,
      crashed() {},
      app: () => undefined,
    },
    startSoon: async () => void asked.push("start"),
    view: async () => ({ view: "ann's", pending: state.pending }),
    writes: {
      async write(request, optimistic, ask) {
        if (!optimistic) return ask(request);
        asked.push("ahead");
        return new Response("ahead", { headers: { "edgekit-host": "browser" } });
      },
      settled: async () => (state.pending > 0 && asked.push("settled"), true),
      excuse() {},
    },
    waiting: async () => state.waiting,
    network: async ({ method }) => ({
      safe: isSafe(method),
      size: 0,
      async send() {
        asked.push("edge");
        const text = await edge();
        if (text === null) throw new NetworkFailure("offline");
        return new Response(text);
      },
    }),
    edges: () => edges,
    experience,
    personal: () => state.personal,
    online: () => true,
    now: () => clock.now,
    count: (who) => void (counts[who] += 1),
  });
  /** @param {string} path @param {RequestInit} [init] */
  const get = (path, init) => answer(new Request(ORIGIN + path, init), () => {});
  /** @param {string} path */
  const visit = (path) => answer(Object.defineProperty(new Request(ORIGIN + path), "mode", { value: "navigate" }), () => {});
  return { get, visit, ifReady, asked, views, clock, counts, experience, state };
}

const gone = () => null;

/** @param {Promise<Response>} response */
const text = async (response) => (await response).text();

test("a ready local host answers what it may", async () => {
  const { get, asked, counts } = pool({});
  assert.equal(await text(get("/")), "local");
  assert.equal(await text(get("/admin")), "edge");
  assert.equal(await text(get("/", { method: "POST" })), "edge");
  assert.deepEqual(asked, ["local", "edge", "edge"]);
  assert.deepEqual(counts, { local: 1, edge: 2, static: 0, nobody: 0 });
});

test("writes that may be answered ahead are, all others go to an edge", async () => {
  const { get, asked, counts } = pool({});
  assert.equal(await text(get("/cart", { method: "POST" })), "ahead");
  assert.equal(await text(get("/orders", { method: "POST" })), "edge");
  assert.deepEqual([asked, counts.local, counts.edge], [["ahead", "edge"], 1, 1]);
});

test("what is not confirmed yet is marked, and edges get it before they are asked", async () => {
  const { get, asked, state } = pool({});
  state.pending = 2;
  assert.equal((await get("/")).headers.get("edgekit-pending"), "2");
  await get("/admin");
  assert.deepEqual(asked, ["local", "settled", "edge"]);
});

test("what a page asks as nobody is not answered as the user", async () => {
  const { get, ifReady, views, state } = pool({});
  state.pending = 2;
  await get("/");
  const response = await get("/", { credentials: "omit" });
  await ifReady(new Request(`${ORIGIN}/`, { credentials: "omit" }));
  assert.deepEqual(views, ["ann's", undefined, undefined]);
  assert.equal(response.headers.has("edgekit-pending"), false);
});

test("while it boots an edge answers", async () => {
  const { get, asked } = pool({ status: "startable" });
  assert.equal(await text(get("/")), "edge");
  assert.deepEqual(asked, ["start", "edge"]);
});

test("what it cannot do goes to an edge", async () => {
  const { get, asked } = pool({ local: gone });
  assert.equal(await text(get("/")), "edge");
  assert.deepEqual(asked, ["local", "edge"]);
});

test("where the local host fails, an edge is asked, and its failure shown only if none answers (P4, P26)", async () => {
  for (const fails of [500, 503]) {
    const { get, asked, counts } = pool({ fails });
    assert.equal(await text(get("/")), "edge");
    assert.deepEqual([asked, counts.local, counts.edge], [["local", "edge"], 0, 1]);
    const alone = pool({ fails, edge: gone });
    const response = await alone.get("/");
    assert.deepEqual([response.status, await response.text(), alone.asked], [fails, "local", ["local", "edge"]]);
  }
  const refused = pool({ fails: 404 });
  assert.equal((await refused.get("/")).status, 404);
  assert.deepEqual(refused.asked, ["local"]);
});

test("a call whose handler fails here is sent as an ordinary request (P26)", async () => {
  const { ifReady } = pool({ fails: 500 });
  assert.equal(await ifReady(new Request(`${ORIGIN}/`)), null);
});

test("what a failing host still sends is thrown away once an edge has answered (P26)", async () => {
  let cancelled = false;
  const hosts = pool({ fails: 500 });
  const stream = new ReadableStream({ cancel: () => void (cancelled = true) });
  hosts.state.body = stream;
  assert.equal(await text(hosts.get("/")), "edge");
  assert.equal(cancelled, true);
});

test("with the edge gone, a booting host is waited for, and the next time it comes first", async () => {
  const { get, asked, state } = pool({ status: "startable", edge: gone });
  assert.equal(await text(get("/")), "local");
  assert.deepEqual(asked, ["start", "edge", "local"]);
  state.status = "startable";
  assert.equal(await text(get("/")), "local");
  assert.deepEqual(asked.slice(3), ["start", "local"]);
});

test("a slow edge is overtaken by the local host", async () => {
  const { get, asked } = pool({ status: "startable", edge: () => new Promise(() => {}) });
  assert.equal(await text(get("/")), "local");
  assert.deepEqual(asked, ["start", "edge", "local"]);
});

test("a route that was too slow here goes to the edge next time, but is better than nothing", async () => {
  let answers = true;
  const hosts = pool({ local: () => ((hosts.clock.now += 2_500), "local"), edge: () => (answers ? "edge" : null) });
  const { get, asked, clock } = hosts;
  assert.equal(await text(get("/products/tea")), "local");
  assert.equal(await text(get("/products/rum")), "edge");
  assert.equal(await text(get("/")), "local");
  answers = false;
  assert.equal(await text(get("/products/tea")), "local");
  assert.deepEqual(asked, ["local", "edge", "local", "edge", "local"]);
  answers = true;
  clock.now += 600_001;
  assert.equal(await text(get("/products/tea")), "local");
});

test("what keeps a handler waiting while no edge can be reached is no fault of the handler", async () => {
  const hosts = pool({ local: () => ((hosts.clock.now += 2_500), "local"), edge: gone });
  await hosts.get("/admin");
  await hosts.get("/");
  assert.equal(hosts.experience.isSlow("/"), false);
});

test("when nobody can answer, programs get a network error", async () => {
  // case P2: an answer of 503 closes an EventSource for good
  for (const hosts of /** @type {const} */ ([{ edge: gone, status: "down" }, { edge: gone, local: gone }, { edge: gone, status: "startable", boots: false }])) {
    const { get, counts } = pool(hosts);
    const response = await get("/");
    assert.equal(response.type, "error");
    assert.equal(counts.nobody, 1);
  }
  const { get, asked } = pool({ edge: gone });
  assert.equal((await get("/", { method: "POST" })).type, "error");
  assert.deepEqual(asked, ["edge", "edge"]);
});

test("the page for people offers only what has worked without the network", async () => {
  const { get, visit, state } = pool({ edge: gone });
  assert.doesNotMatch(await text(visit("/admin")), /What works/);
  await get("/");
  assert.match(await text(visit("/admin")), /What works(.|\n)*Start page/);
  state.status = "down";
  assert.doesNotMatch(await text(visit("/admin")), /What works/);
});

test("what has needed the network is not offered", async () => {
  const hosts = pool({ edge: gone, local: () => ((hosts.state.personal += 1), "local") });
  await hosts.get("/");
  assert.deepEqual(hosts.experience.known().alone, []);
});

test("the app's own offline page comes first", async () => {
  const { visit, get } = pool({ edge: gone, files: { "/static/offline.html": "/_edge/static/2/offline.html" } });
  const response = await visit("/admin");
  assert.deepEqual([response.status, await response.text()], [503, "file /_edge/static/2/offline.html"]);
  assert.equal((await get("/admin")).type, "error");
});

test("the page after an accepted write says that it is kept, whoever's page it is", async () => { // case N4
  for (const files of [STATIC, { "/static/offline.html": "/_edge/static/2/offline.html" }]) {
    const { visit, get, state } = pool({ edge: gone, files });
    const headers = [["content-type", "application/x-www-form-urlencoded"]];
    state.waiting = [{ headers, body: new TextEncoder().encode("title=A+broken+lamp").buffer, time: 1_000 }];
    const html = await (await visit("/admin")).text();
    for (const words of ["Kept on this device", "What you did is kept on this device", "title: A broken lamp", "/_edge/outbox"]) assert.ok(html.includes(words), words);
    assert.equal((await get("/admin")).type, "error");
  }
});

test("a page is told that it shows what no edge has confirmed", async () => { // case N6
  const { get, state } = pool({});
  state.pending = 2;
  assert.match((await get("/")).headers.get("server-timing") ?? "", /edgekit-pending;desc="2"/);
  state.pending = 0;
  assert.doesNotMatch((await get("/")).headers.get("server-timing") ?? "", /edgekit-pending/);
});

test("files of the release need no network, nor do parts of them", async () => {
  const { get, asked, counts } = pool({ edge: gone });
  const response = await get("/static/a.css");
  assert.equal(await response.text(), "file /_edge/static/1/a.css");
  assert.equal(response.headers.get("x-content-type-options"), "nosniff");
  assert.equal((await get("/static/a.css", { method: "HEAD" })).body, null);
  const part = await get("/static/a.css", { headers: { range: "bytes=0-3" } });
  assert.deepEqual([part.status, await part.text()], [206, "file"]);
  assert.deepEqual([asked, counts.static], [[], 3]);
});

test("without a release the edge answers while it is fetched again", async () => {
  const { get, asked } = pool({ installed: false });
  assert.equal(await text(get("/")), "edge");
  assert.deepEqual(asked, ["start", "edge"]);
});

test("what has killed a worker is an edge's afterwards, also where none can be reached (P24)", async () => {
  const notes = memoryNotes();
  pool({ notes }).experience.begins("/");
  const next = pool({ edge: gone, notes });
  await next.experience.loaded;
  await next.get("/");
  assert.deepEqual(next.asked, ["edge"]);
  assert.equal(await next.ifReady(new Request(`${ORIGIN}/`)), null);
  assert.equal(await text(next.get("/products/tea")), "local");
});

test("calls are for the local host alone: ready, allowed and quick", async () => {
  const { ifReady, asked, state, experience } = pool({});
  /** @param {string} path @param {RequestInit} [init] */
  const call = async (path, init) => (await ifReady(new Request(ORIGIN + path, init)))?.text();
  assert.equal(await call("/"), "local");
  assert.equal(await call("/admin"), undefined);
  assert.equal(await call("/", { method: "POST" }), undefined);
  experience.wasSlow("/");
  assert.equal(await call("/"), undefined);
  state.status = "startable";
  assert.equal(await call("/products/tea"), undefined);
  assert.deepEqual(asked, ["local"]);
});
