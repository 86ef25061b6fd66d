// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { inspection } from "../../browser/inspect.js";
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
  routes: { slow: { "/search": 600_000 }, alone: ["/"] },
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
    "12 files".replace(" files", ", 12.3 MB"),
    "own origin</th><td>healthy; latency slower than anybody waits for",
    "https://b.test</th><td>not asked before 1970-01-01T00:00:01.500Z, 1 failures in a row",
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

test("what went wrong is text, not markup", async () => {
  assert.match(await asked("text/html").text(), /File &#34;&#60;string&#62;&#34;\nValueError: &#60;b&#62;/);
});
