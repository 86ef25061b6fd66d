// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { endingWell, isEventSource } from "../../browser/event-source.js";

/** @param {object} change */
const asked = (change = {}) =>
  /** @type {any} */ ({ method: "GET", mode: "cors", cache: "no-store", headers: new Headers({ accept: "text/event-stream" }), ...change });

test("an EventSource is told from a script that reads events", () => {
  assert.equal(isEventSource(asked()), true);
  for (const change of [{ method: "POST" }, { mode: "navigate" }, { cache: "default" }, { headers: new Headers({ accept: "*/*" }) }]) {
    assert.equal(isEventSource(asked(change)), false);
  }
});

test("a body that breaks ends, with all that has come before", async () => {
  // case P2
  let sent = false;
  const broken = new ReadableStream({
    pull(controller) {
      if (sent) return controller.error(new TypeError("cut"));
      sent = true;
      controller.enqueue(new TextEncoder().encode("data: 1\n\n"));
    },
  });
  /** @type {Promise<unknown>[]} */
  const works = [];
  const response = endingWell(new Response(broken, { status: 201, headers: { "x-a": "1" } }), (work) => void works.push(work));
  assert.deepEqual([response.status, response.headers.get("x-a"), await response.text()], [201, "1", "data: 1\n\n"]);
  assert.equal(works.length, 1);
  await works[0];
});

test("an answer without a body stays as it is, and who leaves an answer leaves its source", async () => {
  const empty = new Response(null, { status: 204 });
  assert.equal(endingWell(empty, () => assert.fail()), empty);
  let reason;
  const response = endingWell(new Response(new ReadableStream({ cancel: (why) => void (reason = why) })), () => {});
  await response.body?.cancel("gone");
  assert.equal(reason, "gone");
});
