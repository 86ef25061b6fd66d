// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { unavailable } from "../../browser/unavailable.js";

/** @param {string} method */
function navigation(method) {
  return Object.defineProperties(new Request("https://shop.test/x", { method }), { mode: { value: "navigate" } });
}

test("people get a page that offers what works", async () => {
  const response = unavailable(navigation("GET"), ["/", "/cart"]);
  const html = await response.text();
  assert.equal(response.status, 503);
  assert.match(html, /<a href="">Try again<\/a>/);
  assert.match(html, /<a href="\/cart">\/cart<\/a>/);
  assert.match(html, /color-scheme" content="light dark"/);
  const nonce = /style nonce="([^"]+)"/.exec(html)?.[1];
  assert.match(response.headers.get("content-security-policy") ?? "", new RegExp(`default-src 'none'; style-src 'nonce-${nonce}'`));
  assert.equal(response.headers.get("cache-control"), "no-store");
  assert.equal(response.headers.get("server-timing"), 'edgekit;desc="browser";dur=0');
});

test("after a write nobody is told to repeat it blindly", async () => {
  const html = await unavailable(navigation("POST"), []).text();
  assert.doesNotMatch(html, /Try again|What works/);
  assert.match(html, /not certain whether what you sent has arrived/);
});

test("routes are text, not markup", async () => {
  const html = await unavailable(navigation("GET"), ['/"><script>']).text();
  assert.doesNotMatch(html, /<script>/);
});
