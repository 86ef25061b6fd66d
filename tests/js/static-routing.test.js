// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { STATIC_CACHE } from "../../browser/static-cache.js";
import { route } from "../../browser/static-routing.js";

async function rules() {
  /** @type {any[]} */
  let added = [];
  await route({ addRoutes: async (/** @type {any[]} */ list) => void (added = list) });
  return added;
}

/** The source of the first rule for a request, as the browser picks it. @param {string} path @param {string} destination @param {string} [method] */
async function sourceOf(path, destination, method = "GET") {
  const found = (await rules()).find(({ condition }) => {
    const { urlPattern, requestMethod = method, requestDestination = destination } = condition;
    const { pathname } = urlPattern;
    const fits = pathname.endsWith("*") ? path.startsWith(pathname.slice(0, -1)) : path === pathname;
    return fits && requestMethod === method && requestDestination === destination;
  });
  return found?.source;
}

test("what is only shown comes from the cache, without the worker", async () => {
  for (const destination of ["style", "image", "font"]) {
    assert.deepEqual(await sourceOf("/_edge/static/0123/a", destination), { cacheName: STATIC_CACHE });
  }
});

test("code never comes from a cache that nobody checks, and does not wait for the worker", async () => {
  for (const destination of ["script", "document", "worker", "iframe", ""]) {
    assert.equal(await sourceOf("/_edge/static/0123/a", destination), "race-network-and-fetch-handler");
  }
});

test("the rest is as before", async () => {
  assert.equal(await sourceOf("/_edge/browser", "document"), "fetch-event");
  assert.equal(await sourceOf("/_edge/page.css", "style"), "fetch-event");
  assert.equal(await sourceOf("/_edge/kit/0123/page.css", "style"), "network");
  assert.equal(await sourceOf("/_edge/static/0123/a", "style", "POST"), "network");
  assert.equal(await sourceOf("/static/a.css", "style"), undefined);
});

test("a browser without static routing, or with another form of it, installs the worker all the same", async () => {
  await route({});
  await route({ addRoutes: () => Promise.reject(new TypeError("unknown")) });
});
