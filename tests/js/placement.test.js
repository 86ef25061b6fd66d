// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { fixedRoutes, match, passes, routeOf, storedPath, writeRouteOf } from "../../browser/placement.js";
import { manifest } from "./fakes.js";

const ORIGIN = "https://shop.test";
const TABLE = manifest({
  placement: [
    { pattern: "/", regex: "^/$" },
    { pattern: "/products/{sku}", regex: "^/products/(?<sku>[^/]+)$" },
    { pattern: "/a-b/{n:int}", regex: String.raw`^/a\-b/(?<n>[0-9]+)$` },
  ],
  optimistic: [{ pattern: "/cart", regex: "^/cart$" }],
  static: { "/static/shop.css": "/_edge/static/aa/shop.css" },
});

/** @param {string} path @param {string} [method] */
const placed = (path, method = "GET") => match(TABLE, method, new URL(path, ORIGIN), ORIGIN);

test("routes of the table may be answered anywhere, all others only by an edge", () => {
  assert.equal(placed("/"), "anywhere");
  assert.equal(placed("/?q=1"), "anywhere");
  assert.equal(placed("/products/tea", "POST"), "anywhere");
  assert.equal(placed("/products/"), "edge");
  assert.equal(placed("/products/tea/reviews"), "edge");
  assert.equal(placed("/admin"), "edge");
});

test("Python's escapes are understood", () => {
  assert.equal(placed("/a-b/12"), "anywhere");
  assert.equal(placed("/a-b/x"), "edge");
});

test("the path is matched as the app's router will see it", () => {
  assert.equal(placed("/products/gr%C3%BCn"), "anywhere");
  assert.equal(placed("/products/tea%2Fadmin"), "edge");
  assert.equal(placed("/products/%ff"), "edge");
});

test("static files of the release are read, never written", () => {
  assert.equal(placed("/static/shop.css"), "static");
  assert.equal(placed("/static/shop.css", "HEAD"), "static");
  assert.equal(placed("/static/shop.css", "POST"), "edge");
  assert.equal(placed("/static/other.css"), "edge");
  assert.equal(storedPath(TABLE, "/constructor"), undefined);
});

test("a static file is found however its name is spelled", () => {
  // Case P22: every character that may stand for itself, must be encoded, or is spelled in two ways.
  const names = ["a b@c+d;e'f&g.png", "100%.png", "x%20y.png", "é\u0301.png", "!$(),=:~*|[]^`{}\"<>\\.png", "#?.png", "茶.png"];
  const table = manifest({ static: Object.fromEntries(names.map((name) => [`/s/${name}`, `/_edge/static/${name.length}/x`])) });
  const all = (/** @type {string} */ text) =>
    [...new TextEncoder().encode(text)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
  for (const name of names) {
    const plain = encodeURI(name).replaceAll("#", "%23").replaceAll("?", "%3F");
    for (const spelled of [plain, encodeURIComponent(name), all(name), all(name).toUpperCase().replaceAll("%2E", ".")]) {
      const { pathname } = new URL(`/s/${spelled}`, ORIGIN);
      assert.equal(storedPath(table, pathname), `/_edge/static/${name.length}/x`, spelled);
    }
  }
  for (const other of ["/s/x y.png", "/s/%.png", "/s/%ff.png", "/s/e%CC%81%CC%81.png", "/s/100%25.png%00"]) {
    assert.equal(storedPath(table, new URL(other, ORIGIN).pathname), undefined, other);
  }
});

test("the files that pages load are served from the kit", () => {
  assert.equal(placed("/_edge/page.js"), "static");
  assert.equal(storedPath(TABLE, "/_edge/strip.js"), "/_edge/kit/abc/strip.js");
  assert.equal(storedPath(TABLE, "/_edge/page.css"), "/_edge/kit/abc/page.css");
});

test("what is not ours is left to the browser", () => {
  for (const path of ["/_edge/view", "/_edge/kit/abc/page.js", "/sw.js", "https://other.test/"]) {
    assert.equal(placed(path), "pass", path);
    assert.ok(passes(new URL(path, ORIGIN), ORIGIN), path);
  }
});

test("routes without parameters can be linked to", () => {
  assert.deepEqual(fixedRoutes(TABLE), ["/"]);
});

test("a route is known by its pattern", () => {
  assert.equal(routeOf(TABLE, new URL("/products/tea?a=1", ORIGIN)), "/products/{sku}");
  assert.equal(routeOf(TABLE, new URL("/admin", ORIGIN)), "");
});

test("writes that may be answered ahead stand in a table of their own", () => {
  assert.equal(writeRouteOf(TABLE, "POST", new URL("/cart?a=1", ORIGIN)), "POST /cart");
  assert.equal(writeRouteOf(TABLE, "POST", new URL("/", ORIGIN)), "");
  assert.equal(writeRouteOf(manifest(), "POST", new URL("/cart", ORIGIN)), "", "an older release has none");
});

test("what the browser's own host says about itself is asked of the worker", () => {
  for (const path of ["/_edge/browser", "/_edge/outbox?export"]) assert.equal(passes(new URL(path, ORIGIN), ORIGIN), false);
  assert.equal(passes(new URL("/_edge/browser/x", ORIGIN), ORIGIN), true);
});
