// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { kitPage, unavailable, unsent } from "../../browser/unavailable.js";

/** @param {string} method */
function navigation(method) {
  return Object.defineProperties(new Request("https://shop.test/x", { method }), { mode: { value: "navigate" } });
}

test("people get a page that offers what works", async () => {
  const response = unavailable(navigation("GET"), ["/", "/cart"]);
  const html = await response.text();
  assert.equal(response.status, 503);
  assert.match(html, /<a class="button" href="">Try again<\/a>/);
  assert.match(html, /<a href="\/cart">\/cart<\/a>/);
  assert.match(html, /color-scheme" content="light dark"/);
  assert.match(html, /<link rel="stylesheet" href="\/_edge\/page.css">/);
  assert.doesNotMatch(html, /<style|style=/);
  assert.match(response.headers.get("content-security-policy") ?? "", /^default-src 'none'; script-src 'self' /);
  assert.equal(response.headers.get("x-content-type-options"), "nosniff");
  assert.equal(response.headers.get("strict-transport-security"), "max-age=31536000");
  assert.equal(response.headers.get("cache-control"), "no-store");
  assert.equal(response.headers.get("server-timing"), 'edgekit;desc="browser";dur=0');
});

test("after a write nobody is told to repeat it blindly", async () => {
  const html = await unavailable(navigation("POST"), []).text();
  assert.doesNotMatch(html, /Try again|What works/);
  assert.match(html, /not certain whether what you sent has arrived/);
});

test("what may be asked for again says when", () => {
  const call = new Request("https://shop.test/x", { method: "POST" });
  const own = new Response("<h1>Ours</h1>");
  const answers = [unavailable(navigation("GET")), unavailable(navigation("GET"), [], own), unsent(call, 1), unsent(navigation("POST"), 1)];
  assert.deepEqual(answers.map(({ headers }) => headers.get("retry-after")), ["5", "5", "5", "5"]);
  const others = [unavailable(navigation("POST")), kitPage(call, "Outbox", "", 200)];
  assert.deepEqual(others.map(({ headers }) => headers.get("retry-after")), [null, null]);
});

test("routes are text, not markup", async () => {
  const html = await unavailable(navigation("GET"), ['/"><script>']).text();
  assert.doesNotMatch(html, /<script>/);
});

test("the app's own page is for those who read", async () => {
  const own = () => new Response("<h1>Ours</h1>", { headers: { "content-type": "text/html; charset=utf-8" } });
  const response = unavailable(navigation("GET"), ["/"], own());
  assert.deepEqual([response.status, response.headers.get("content-type"), await response.text()], [503, "text/html; charset=utf-8", "<h1>Ours</h1>"]);
  assert.match(response.headers.get("content-security-policy") ?? "", /require-trusted-types-for 'script'/);
  assert.match(await unavailable(navigation("POST"), [], own()).text(), /not certain/);
});

test("what is in the way can be discarded right there, whatever page the app has", async () => {
  // case P17
  const own = new Response("<h1>Ours</h1>");
  const html = await unsent(navigation("POST"), 1, own, "<ol>in the way</ol>").text();
  assert.match(html, /This was not sent(.|\n)*<ol>in the way<\/ol>/);
});
