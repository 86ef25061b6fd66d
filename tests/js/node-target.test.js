// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { parseTarget } from "../../browser/node/target.js";

// cases H5, P33; each as (method) target → what an app is told
for (const [target, expected] of /** @type {[string, object | null][]} */ ([
  ["/", { path: "/", query: "" }],
  ["/a/../b/./%2e%2e/c", { path: "/a/../b/./%2e%2e/c", query: "" }],
  ["/a\\b'c\"d<e>^`{|}", { path: "/a\\b'c\"d<e>^`{|}", query: "" }],
  ["//evil.example/x", { path: "//evil.example/x", query: "" }],
  ["/a?b?c", { path: "/a", query: "b?c" }],
  ["/a?", { path: "/a", query: "" }],
  ["/a#b?c", { path: "/a", query: "" }],
  ["/a?b#c?d", { path: "/a", query: "b" }],
  ["/%zz", { path: "/%zz", query: "" }],
  ["*", { path: "*", query: "" }],
  ["http://tea.example", { path: "/", query: "", host: "tea.example" }],
  ["http://tea.example?q=1", { path: "/", query: "q=1", host: "tea.example" }],
  ["HTTP://Tea.Example:80/a/../b?c", { path: "/a/../b", query: "c", host: "Tea.Example:80" }],
  ["https://[::1]:8443/x", { path: "/x", query: "", host: "[::1]:8443" }],
  ["http:///x", null],
  ["http://a:b@tea.example/", null],
  ["ftp://tea.example/", null],
  ["tea.example:80", null],
  ["a/b", null],
  ["", null],
  ["/a b", null],
  ["/caf\xe9", null],
  ["/a\x7f", null],
])) {
  test(`target ${JSON.stringify(target)}`, () => assert.deepEqual(parseTarget("GET", target), expected));
}

test("OPTIONS without a path asks about the server", () => {
  const whole = { path: "*", query: "", host: "tea.example" };
  assert.deepEqual(parseTarget("OPTIONS", "http://tea.example"), whole);
  assert.deepEqual(parseTarget("OPTIONS", "http://tea.example/"), { ...whole, path: "/" });
  assert.deepEqual(parseTarget("OPTIONS", "http://tea.example?q"), { ...whole, path: "/", query: "q" });
});
