// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { createExperience } from "../../browser/experience.js";
import { guarded } from "../../browser/guarded.js";
import { manifest, memoryNotes, memoryStore } from "./fakes.js";

const ORIGIN = "https://shop.test";
const TABLE = manifest({
  placement: [{ pattern: "/", regex: "^/$" }],
  optimistic: [{ pattern: "/cart", regex: "^/cart$" }],
});
const NEVER = new AbortController().signal;

/** @param {{installed?: boolean, fails?: boolean, notes?: ReturnType<typeof memoryNotes>}} [options] */
function hostOf({ installed = true, fails = false, notes = memoryNotes() } = {}) {
  /** @type {string[][]} */
  const seen = [];
  const experience = createExperience({ store: memoryStore(), release: "r", notes, now: () => 0 });
  const plain = /** @type {any} */ ({
    ready: () => true,
    async answer() {
      seen.push([...notes.names]);
      if (fails) throw new Error("it broke");
      return new Response("here");
    },
  });
  const found = { manifest: TABLE, read: async () => new Response(), copy: async () => undefined };
  const host = guarded(plain, { release: async () => (installed ? found : undefined), experience });
  /** @param {string} path @param {RequestInit} [init] */
  const answer = (path, init) => host.answer(new Request(ORIGIN + path, init), undefined, NEVER);
  return { host, answer, seen, notes, experience };
}

test("what it runs is noted before, and not any more after (P24)", async () => {
  const { answer, seen, notes, host } = hostOf();
  assert.equal(await (await answer("/"))?.text(), "here");
  await answer("/cart", { method: "POST" });
  assert.deepEqual(seen, [["r /"], ["r POST /cart"]]);
  assert.equal(notes.names.size, 0);
  assert.equal(host.ready(), true);
});

test("a failure ends the note too (P24)", async () => {
  const { answer, notes } = hostOf({ fails: true });
  await assert.rejects(answer("/"), /it broke/);
  assert.equal(notes.names.size, 0);
});

test("it does not run what has killed a worker, nor anything without a release (P24)", async () => {
  const left = memoryNotes();
  left.write("r /");
  const { answer, seen } = hostOf({ notes: left });
  assert.equal(await answer("/"), null);
  assert.notEqual(await answer("/cart", { method: "POST" }), null);
  assert.equal(seen.length, 1);
  assert.equal(await hostOf({ installed: false }).answer("/"), null);
});
