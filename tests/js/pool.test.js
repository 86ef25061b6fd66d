// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { IF_ALL_FAIL, LOCAL_LIMIT, answered, backOff, failed, isHealthy, newMember, order, overtaken, patience } from "../../browser/pool.js";

const NOW = 1_000_000;
const own = newMember("");
const down = failed(own, NOW, 0.5);
const quick = answered(own, 40, NOW);
const sluggish = answered(own, 400, NOW);
const stalled = overtaken(own, 300, NOW);

const safe = { safe: true, anywhere: true, slow: false, local: /** @type {const} */ ("ready"), edges: [own], online: true, now: NOW };

/** @param {Partial<Parameters<typeof order>[0]>} facts */
const plan = (facts) => order({ ...safe, ...facts }).map(({ to, after }) => `${to === "local" ? "local" : `edge ${to}`} @${after}`);

for (const [when, facts, expected] of /** @type {[string, Partial<Parameters<typeof order>[0]>, string[]][]} */ ([
  ["a ready local host answers; an edge helps when it takes too long", {}, ["local @0", `edge 0 @${LOCAL_LIMIT}`]],
  ["while it boots, an edge answers at once", { local: "startable" }, ["edge 0 @0", "local @300"]],
  ["an edge that is usually quick is not waited for long", { local: "startable", edges: [quick] }, ["edge 0 @0", "local @300"]],
  ["one that usually takes its time gets three times that", { local: "startable", edges: [sluggish] }, ["edge 0 @0", "local @1200"]],
  ["one that lost its race is not waited for", { local: "startable", edges: [stalled] }, ["edge 0 @0", "local @0"]],
  ["one that is down is only tried beside the local host", { local: "startable", edges: [down] }, ["local @0", "edge 0 @0"]],
  ["the same without a network", { local: "startable", online: false }, ["local @0", "edge 0 @0"]],
  ["a local host that backs off is left alone", { local: "down" }, ["edge 0 @0"]],
  ["a route that is slow here goes to an edge", { slow: true }, ["edge 0 @0", `local @${IF_ALL_FAIL}`]],
  ["but not to one that is down", { slow: true, edges: [down] }, ["local @0", "edge 0 @0"]],
  ["what only edges may answer goes there", { anywhere: false }, ["edge 0 @0"]],
  ["also to one that is down", { anywhere: false, edges: [down] }, ["edge 0 @0"]],
  ["a write goes to our own origin, twice", { safe: false, edges: [own, newMember("https://b.test")] }, [`edge 0 @${IF_ALL_FAIL}`, `edge 0 @${IF_ALL_FAIL}`]],
  ["the next edge is asked when the best one is late", { anywhere: false, edges: [own, newMember("https://b.test")] }, ["edge 0 @0", "edge 1 @300"]],
  ["health comes before everything", { anywhere: false, edges: [down, newMember("https://b.test")] }, ["edge 1 @0", "edge 0 @300"]],
  ["our own origin comes before others that are quicker", { anywhere: false, edges: [answered(newMember("https://b.test"), 5, NOW), sluggish] }, ["edge 1 @0", "edge 0 @1200"]],
  [
    "then the quickest",
    { anywhere: false, edges: [answered(newMember("https://b.test"), 50, NOW), answered(newMember("https://c.test"), 20, NOW)] },
    ["edge 1 @0", "edge 0 @300"],
  ],
  ["the local host comes before further edges", { local: "startable", edges: [own, newMember("https://b.test")] }, ["edge 0 @0", "local @300", `edge 1 @${IF_ALL_FAIL}`]],
  ["nobody is there", { local: "down", edges: [] }, []],
])) {
  test(when, () => assert.deepEqual(plan(facts), expected));
}

test("the wait between two tries doubles, is spread and ends at a minute", () => {
  assert.deepEqual([1, 2, 3, 20].map((failures) => backOff(failures, 0)), [500, 1_000, 2_000, 30_000]);
  assert.ok(backOff(20, 0.999) < 60_000 && backOff(1, 0.999) < 1_000);
});

test("failures count in a row; an answer ends them", () => {
  const twice = failed(down, NOW, 0);
  assert.equal(twice.failures, 2);
  assert.equal(isHealthy(twice, NOW + 999), false);
  assert.equal(isHealthy(twice, NOW + 1_000), true);
  assert.deepEqual(answered(twice, 10, NOW), answered(own, 10, NOW));
});

test("the latency follows what is measured, and is forgotten after a minute", () => {
  assert.equal(answered(sluggish, 500, NOW).latency, 430);
  assert.equal(patience(sluggish, NOW), 1_200);
  assert.equal(patience(answered(own, 1_000, NOW), NOW), 1_500);
  assert.equal(patience(answered(own, 1_600, NOW), NOW), 0);
  assert.equal(patience(sluggish, NOW + 60_001), 300);
});

test("who lost a race before its time was up is not blamed; who recovers is measured afresh", () => {
  assert.equal(overtaken(quick, 299, NOW), quick);
  assert.equal(patience(stalled, NOW), 0);
  assert.equal(answered(stalled, 80, NOW).latency, 80);
});
