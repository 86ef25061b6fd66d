// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { createDelivery } from "../../browser/delivery.js";
import { createEdges } from "../../browser/edges.js";
import { NetworkFailure } from "../../browser/network.js";

const ORIGIN = "https://shop.test";
/** @type {any} */
const ROW = { seq: 1, key: "k", bd: "", method: "POST", path: "/cart", headers: [], body: null, size: 0, time: 5, tries: 0 };

/** @param {(request: Request) => Promise<Response>} send @param {string[]} [bases] */
function delivery(send, bases = [""]) {
  /** @type {import("../../browser/verdict.js").Answer[]} */
  const answers = [];
  const edges = createEdges({ bases, fetch: async () => new Response(), now: () => 0, random: () => 0, note: () => {} });
  const deliver = createDelivery({
    origin: ORIGIN,
    user: { session: async () => ({ ath: "hash-of-the-session", jkt: "" }) },
    network: async (request, { raw } = {}) => (assert.ok(raw), { safe: false, size: 0, send: () => send(request) }),
    edges: async () => edges,
    settle: async (_row, answer) => void answers.push(answer),
  });
  return { deliver, answers };
}

test("a redirect is what it would be for a page", async () => {
  const headers = { "edgekit-status": "303", "edgekit-location": "/cart" };
  const { deliver, answers } = delivery(async () => new Response("", { headers }));
  assert.equal(await deliver(ROW), undefined);
  assert.deepEqual([answers[0]?.status, answers[0]?.headers.get("location")], [303, "/cart"]);
});

test("it says for whose session it is", async () => {
  const { deliver } = delivery(async (request) => (assert.equal(request.headers.get("edgekit-session"), "hash-of-the-session"), new Response()));
  await deliver(ROW);
});

test("an answer counts once all of it is there", async () => {
  const broken = new ReadableStream({ start: (controller) => controller.error(new TypeError("cut off")) });
  const { deliver, answers } = delivery(async () => new Response(broken));
  assert.deepEqual([await deliver(ROW), answers], [{ again: "the answer broke off", after: 0 }, []]);
});

test("without an edge there is no answer", async () => {
  const gone = async () => Promise.reject(new NetworkFailure("offline"));
  assert.deepEqual(await delivery(gone).deliver(ROW), { again: "no edge can be reached", after: 0 });
});

test("edges of other origins know nobody", async () => {
  const { deliver } = delivery(async () => assert.fail("asked"), ["https://other.test"]);
  assert.deepEqual(await deliver(ROW), { again: "no edge can be reached", after: 0 });
});

test("a body that the browser has lost is a refusal that says so", async () => {
  const { answers } = delivery(async () => new Response());
  const deliver = createDelivery({
    origin: ORIGIN,
    user: { session: async () => ({ ath: "hash-of-the-session", jkt: "" }) },
    network: async () => Promise.reject(new DOMException("gone", "NotReadableError")),
    edges: () => assert.fail(),
    settle: async (_row, answer) => void answers.push(answer),
  });
  await deliver(ROW);
  assert.deepEqual([answers[0]?.status, answers[0]?.headers.get("edgekit-host")], [410, "browser"]);
});
