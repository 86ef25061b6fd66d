// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { isEdges, isEdgesJson, isWhole } from "../../browser/genuine.js";

const answer = (/** @type {Record<string, string>} */ headers) => new Response(null, { headers });
const bytes = (/** @type {string} */ text) => new TextEncoder().encode(text);

test("an edge says that it is one, and data is JSON", () => {
  // case P8
  const host = { "edgekit-host": "native" };
  assert.deepEqual([isEdges(answer(host)), isEdges(answer({}))], [true, false]);
  for (const type of ["application/json", "application/problem+json", "Application/JSON; charset=utf-8"]) {
    assert.equal(isEdgesJson(answer({ ...host, "content-type": type })), true);
    assert.equal(isEdgesJson(answer({ "content-type": type })), false);
  }
  for (const type of ["text/html", "application/jsonp", "application/ld+json", ""]) {
    assert.equal(isEdgesJson(answer({ ...host, "content-type": type })), false);
  }
});

test("a body whose length nobody promised is whole if it can be read", () => {
  assert.equal(isWhole(new Headers({ "content-length": "2" }), bytes("[1")), true);
  assert.deepEqual(["[1]", "[1", ""].map((text) => isWhole(new Headers(), bytes(text))), [true, false, false]);
});
