// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { createAnswer } from "../../browser/answer.js";
import { NetworkFailure } from "../../browser/network.js";
import { manifest } from "./fakes.js";

const ORIGIN = "https://shop.test";
const TABLE = manifest({
  placement: [
    { pattern: "/", regex: "^/$" },
    { pattern: "/products/{sku}", regex: "^/products/(?<sku>[^/]+)$" },
  ],
  static: { "/static/a.css": "/_edge/static/1/a.css" },
});

/**
 * What each host would do: a text to answer with, null for "cannot".
 *
 * @param {object} hosts
 * @param {string | null} [hosts.local]
 * @param {boolean} [hosts.ready]
 * @param {boolean} [hosts.boots]
 * @param {string | null} [hosts.edge]
 * @param {boolean} [hosts.installed]
 */
function pool({ local = "local", ready = true, boots = true, edge = "edge", installed = true }) {
  /** @type {string[]} */
  const asked = [];
  const state = { ready };
  const start = async () => (state.ready ||= boots);
  const answer = createAnswer({
    origin: ORIGIN,
    release: async () => (installed ? { manifest: TABLE, read: async (path) => new Response(`file ${path}`) } : undefined),
    host: {
      ready: () => state.ready,
      start,
      async answer() {
        asked.push("local");
        return local === null ? null : new Response(local);
      },
    },
    startSoon: async () => void asked.push("start"),
    view: async () => undefined,
    async network() {
      asked.push("edge");
      if (edge === null) throw new NetworkFailure("offline");
      return new Response(edge);
    },
  });
  /** @param {string} path @param {RequestInit} [init] */
  const get = (path, init) => answer(new Request(ORIGIN + path, init), () => {});
  return { get, asked };
}

/** @param {Promise<Response>} response */
const text = async (response) => (await response).text();

test("a ready local host answers what it may", async () => {
  const { get, asked } = pool({});
  assert.equal(await text(get("/")), "local");
  assert.equal(await text(get("/admin")), "edge");
  assert.equal(await text(get("/", { method: "POST" })), "edge");
  assert.deepEqual(asked, ["local", "edge", "edge"]);
});

test("while it boots an edge answers", async () => {
  const { get, asked } = pool({ ready: false });
  assert.equal(await text(get("/")), "edge");
  assert.deepEqual(asked, ["start", "edge"]);
});

test("what it cannot do goes to an edge", async () => {
  const { get, asked } = pool({ local: null });
  assert.equal(await text(get("/")), "edge");
  assert.deepEqual(asked, ["local", "edge"]);
});

test("with the edge gone, a booting host is waited for", async () => {
  const { get, asked } = pool({ ready: false, edge: null });
  assert.equal(await text(get("/")), "local");
  assert.deepEqual(asked, ["start", "edge", "local"]);
});

test("when nobody can answer, programs get a problem document", async () => {
  for (const hosts of [{ edge: null, ready: false, boots: false }, { edge: null, local: null }]) {
    const response = await pool(hosts).get("/");
    assert.equal(response.status, 503);
    assert.equal(response.headers.get("content-type"), "application/problem+json");
    assert.equal(response.headers.get("edgekit-host"), "browser");
    const { code, status, type } = JSON.parse(await response.text());
    assert.deepEqual([code, status, type], ["needs-edge", 503, "urn:problem-type:edgekit:needs-edge"]);
  }
  assert.equal((await pool({ edge: null }).get("/", { method: "POST" })).status, 503);
});

test("files of the release need no network; ranges are left to it", async () => {
  const { get, asked } = pool({ edge: null });
  const response = await get("/static/a.css");
  assert.equal(await response.text(), "file /_edge/static/1/a.css");
  assert.equal(response.headers.get("x-content-type-options"), "nosniff");
  assert.equal((await get("/static/a.css", { method: "HEAD" })).body, null);
  assert.deepEqual(asked, []);
  await get("/static/a.css", { headers: { range: "bytes=0-1" } });
  assert.deepEqual(asked, ["edge"]);
});

test("without a release the edge answers while it is fetched again", async () => {
  const { get, asked } = pool({ installed: false });
  assert.equal(await text(get("/")), "edge");
  assert.deepEqual(asked, ["start", "edge"]);
});
