// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { inspection, resetBy } from "../../browser/inspect.js";
import { failed, newMember, overtaken } from "../../browser/pool.js";

/** @type {import("../../browser/inspect.js").Facts} */
const FACTS = {
  state: { phase: "ready", release: "0123", mode: "production" },
  release: { id: "0123", app: "shop.app:app", kit: "0.1.0", python: "3.14.2", files: 12, bytes: 12_345_678 },
  start: { restored: true, timeline: [["restored", 210], ["ready", 240]] },
  caches: [{ name: "edgekit-release-0123", entries: [{ url: "/_edge/sha256/a", bytes: 2_000 }, { url: "/b", bytes: 500 }] }],
  storage: { usage: 31_000_000, quota: 900_000_000 },
  edges: [overtaken(newMember(""), 400, 1_000), failed(newMember("https://b.test"), 1_000, 0)],
  answers: { local: 7, edge: 2, static: 3, nobody: 0 },
  outbox: { waiting: [{}, {}], rejected: [], others: 1, halted: "session-ended", verdicts: { applied: 4, unforeseen: 1 } },
  routes: { slow: { "/search": 600_000 }, alone: ["/orders", "/", "/teas/{sku}"], kept: ["/cart"] },
  online: true,
  worker: { since: 0, now: 1_000 },
  errors: [{ at: 500, what: 'File "<string>"\nValueError: <b>' }],
};

/** @param {string} accept */
const asked = (accept) => inspection(new Request("https://shop.test/_edge/browser", { headers: { accept } }), FACTS);

test("programs get all of it as JSON", async () => {
  const response = asked("application/json");
  assert.deepEqual([response.status, response.headers.get("content-type")], [200, "application/json"]);
  const { answers, start, caches, outbox } = JSON.parse(await response.text());
  assert.deepEqual([answers, start, caches], [FACTS.answers, FACTS.start, FACTS.caches]);
  assert.deepEqual(outbox, { ...FACTS.outbox, waiting: 2, rejected: 0 });
});

test("people get a page", async () => {
  const html = await asked("text/html,*/*").text();
  for (const text of [
    "from its snapshot: restored 210 ms, ready 240 ms",
    "12 files, 12.3 MB",
    "own origin</th><td>healthy; latency slower than anybody waits for",
    "https://b.test</th><td>not asked before 1970-01-01T00:00:01.500Z, 1 failure in a row",
    "local 7, edge 2, static 3, nobody 0",
    "2 waiting, 0 refused, 1 of others; session-ended",
    "applied 4, unforeseen 1",
    "/search until 1970-01-01T00:10:00.000Z",
    "2 entries, 2.5 kB",
    "31.0 MB of 900.0 MB",
  ]) {
    assert.ok(html.includes(text), text);
  }
});

test("it lists what works without a network, and leads to it", async () => { // case N15
  const html = await asked("text/html").text();
  assert.match(html, /<ul><li><a href="\/">\/<\/a><\/li><li><a href="\/orders">\/orders<\/a><\/li><li>\/teas\/\{sku\}<\/li><\/ul>/);
  assert.match(html, /kept and sent later:<\/p><ul><li><a href="\/cart">/);
  assert.match(html, /<a class="button" href="\/">Back to the start<\/a>/);
});

test("one of a thing is not many", async () => { // case N15
  const one = { ...FACTS, caches: [{ name: "edgekit-catalog", entries: [{ url: "/b", bytes: 500 }] }] };
  const html = await inspection(new Request("https://shop.test/_edge/browser", { headers: { accept: "text/html" } }), one).text();
  assert.match(html, /1 entry, 0.5 kB/);
  assert.doesNotMatch(html, /\b1 (entries|failures|files)/);
});

test("it can be reset, if there is a network to fetch it all again", async () => { // case N15
  assert.match(await asked("text/html").text(), /<button class="button" name="do" value="reset">/);
  const offline = inspection(new Request("https://shop.test/_edge/browser", { headers: { accept: "text/html" } }), { ...FACTS, online: false });
  assert.doesNotMatch(await offline.text(), /value="reset"/);
  let forgotten = 0;
  const send = (/** @type {string} */ what) => resetBy(new Request("https://shop.test/_edge/browser", { method: "POST", body: new URLSearchParams({ do: what }) }), async () => void (forgotten += 1));
  assert.deepEqual([(await send("reset")).headers.get("location"), forgotten], ["/", 1]);
  assert.deepEqual([(await send("else")).headers.get("location"), forgotten], ["/_edge/browser", 1]);
});

test("what went wrong is text, not markup", async () => {
  assert.match(await asked("text/html").text(), /File &#34;&#60;string&#62;&#34;\nValueError: &#60;b&#62;/);
});
