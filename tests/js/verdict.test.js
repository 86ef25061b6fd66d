// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { differences, judge, problemOf } from "../../browser/verdict.js";

/** @param {number} status @param {Record<string, string>} [headers] @param {object} [problem] */
function answer(status, headers = {}, problem) {
  const type = /** @type {Record<string, string>} */ (problem ? { "content-type": "application/problem+json" } : {});
  const body = /** @type {ArrayBuffer} */ (new TextEncoder().encode(problem ? JSON.stringify(problem) : "<h1>").buffer);
  return { status, headers: new Headers({ "edgekit-host": "native", ...type, ...headers }), body };
}
const kit = (/** @type {string} */ code, members = {}) => ({ type: `urn:problem-type:edgekit:${code}`, ...members });
/** @param {import("../../browser/verdict.js").Answer} given */
const verdict = (given, tries = 0) => {
  const judged = judge(given, tries);
  return "verdict" in judged ? judged.verdict : "again";
};

test("success is the last word, also for the second time", () => {
  for (const status of [200, 201, 204, 303]) assert.equal(verdict(answer(status)), "applied");
  assert.equal(verdict(answer(303, { "idempotency-replayed": "true" })), "replayed");
});

test("what says something of the request is the last word", () => {
  for (const status of [400, 403, 404, 405, 409, 410, 412, 413, 415, 422, 428, 431]) assert.equal(verdict(answer(status)), "rejected", String(status));
  for (const code of ["idempotency-key-expired", "key-reused", "forbidden", "body-too-large"]) assert.equal(verdict(answer(422, {}, kit(code))), "rejected", code);
});

test("what says something of the moment or of who asks is not", () => {
  for (const status of [401, 408, 425, 429, 502, 503, 504]) assert.equal(verdict(answer(status)), "again", String(status));
  assert.equal(verdict(answer(409, {}, kit("version-conflict"))), "again");
  assert.equal(verdict(answer(403, {}, kit("device-required"))), "again");
  assert.equal(verdict(answer(409, {}, { type: "urn:problem-type:shop:version-conflict" })), "rejected", "the app's own word");
  assert.deepEqual(judge(answer(503, { "retry-after": "7" }, kit("overloaded", { retryable: true })), 0), { again: "overloaded", after: 7_000, own: true });
  assert.deepEqual(judge(answer(429, { "retry-after": "Wed, 21 Oct 2026 07:28:00 GMT" }), 0), { again: "an answer 429", after: 0, own: true });
  // case P17: of these no write is to blame
  for (const code of ["origin-unavailable", "session-ended"]) assert.equal(/** @type {any} */ (judge(answer(503, {}, kit(code, { retryable: true })), 0)).own, false);
});

test("an app that fails gets four more chances", () => {
  for (const tries of [0, 1, 2, 3]) assert.equal(verdict(answer(500, {}, kit("internal-error", { retryable: false })), tries), "again");
  assert.equal(verdict(answer(500, {}, kit("internal-error", { retryable: false })), 4), "rejected");
  assert.equal(verdict(answer(503, {}, kit("origin-unavailable", { retryable: true })), 40), "again");
});

test("only edges count", () => {
  for (const status of [200, 404, 500]) {
    const given = answer(status);
    given.headers.delete("edgekit-host");
    assert.equal(verdict(given, 40), "again");
  }
});

test("what is no problem document is none", () => {
  const document = answer(404, {}, { title: "Gone" });
  assert.deepEqual(problemOf(document.headers, document.body), { title: "Gone" });
  assert.equal(problemOf(answer(404).headers, document.body), undefined);
  for (const text of ["{", "null", "7"]) {
    assert.equal(problemOf(document.headers, /** @type {ArrayBuffer} */ (new TextEncoder().encode(text).buffer)), undefined);
  }
});

test("differences are told in words", () => {
  const outcome = { status: 200, location: "", digest: "a", state: '{"b":[1,{"c":2,"d":3}],"a":null}' };
  assert.deepEqual(differences(outcome, { ...outcome, state: '{ "a": null, "b": [1, {"d": 3, "c": 2}] }' }), []);
  assert.deepEqual(differences(outcome, { ...outcome, status: 409, location: "/x", digest: "b", state: "{}" }), [
    "status: here 200, at the edge 409",
    "location: here , at the edge /x",
    'state: here {"a":null,"b":[1,{"c":2,"d":3}]}, at the edge {}',
    "body: not the same",
  ]);
  const shown = (/** @type {string} */ body) => ({ ...outcome, digest: body, body });
  assert.deepEqual(differences(shown("a\nb\nc"), shown("a\nB\nc")), ['body: line 2: here "b", at the edge "B"']);
  assert.deepEqual(differences(shown("a"), shown("a\nb")), ['body: line 2: here "", at the edge "b"']);
});
