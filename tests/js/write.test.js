// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { createWrite } from "../../browser/write.js";

const ORIGIN = "https://shop.test";

/** @param {{status?: number, ready?: boolean, starts?: boolean, online?: boolean, edge?: boolean, able?: boolean, drains?: boolean}} [world] */
function writes({ status = 200, ready = true, starts = true, online = true, edge = true, able = true, drains = true } = {}) {
  /** @type {string[]} */
  const asked = [];
  const state = { waiting: 0, ready };
  const clock = { now: 0 };
  const draft = { key: "of-this-write", bd: "", method: "POST", path: "/cart", headers: /** @type {[string, string][]} */ ([["idempotency-key", "of-this-write"]]), body: null, size: 0, time: 5 };
  const { write, settled, excuse } = createWrite({
    outbox: {
      draft: async () => draft,
      async ahead(drafting) {
        asked.push(`ahead ${(await drafting).key}`);
        return able ? new Response("ahead", { status }) : null;
      },
      waiting: async () => state.waiting,
    },
    line: {
      async flush({ urgent } = {}) {
        asked.push(urgent ? "flush now" : "flush");
        if (drains) state.waiting = 0;
      },
      beside: (work) => (asked.push("beside"), work()),
    },
    host: { ready: () => state.ready, start: async () => (starts && asked.push("start"), (state.ready ||= starts)) },
    origin: ORIGIN,
    online: () => online,
    now: () => clock.now,
  });
  const post = (optimistic = true, /** @type {RequestInit} */ init = {}) =>
    write(
      new Request(`${ORIGIN}/cart`, { method: "POST", ...init }),
      optimistic,
      async (request) => {
        asked.push(`edge ${request.headers.get("idempotency-key")} ${request.headers.get("edgekit-time")}`);
        return edge ? new Response("edge") : null;
      },
      () => {},
    );
  return { post, settled, excuse, asked, state, clock };
}

const text = async (/** @type {Promise<Response | null>} */ response) => (await response)?.text();

test("a ready host answers ahead, and then all is sent", async () => {
  const { post, asked } = writes();
  assert.equal(await text(post()), "ahead");
  assert.deepEqual(asked, ["ahead of-this-write", "flush"]);
});

test("a refusal is left to an edge, if one is near", async () => {
  const near = writes({ status: 409 });
  assert.equal(await text(near.post()), "edge");
  const far = writes({ status: 409, online: false });
  assert.equal(await text(far.post()), "ahead");
  assert.deepEqual(far.asked, ["ahead of-this-write", "flush"]);
  const gone = writes({ status: 409, edge: false });
  assert.equal(await text(gone.post()), "ahead");
});

test("what it cannot answer goes to an edge under the same key, after what is waiting", async () => {
  const { post, asked, state } = writes({ able: false });
  state.waiting = 2;
  assert.equal(await text(post()), "edge");
  assert.deepEqual(asked, ["ahead of-this-write", "flush now", "beside", "edge of-this-write null"]);
});

test("other routes go to an edge as they are", async () => {
  const { post, asked } = writes();
  assert.equal(await text(post(false)), "edge");
  assert.deepEqual(asked, ["beside", "edge null null"]);
});

test("what names somebody else is not kept", async () => {
  for (const init of /** @type {RequestInit[]} */ ([{ headers: { authorization: "Bearer x" } }, { credentials: "omit" }])) {
    assert.equal(await text(writes().post(true, init)), "edge");
  }
});

test("while the host starts an edge answers; if none can, the host as soon as it has", async () => {
  assert.equal(await text(writes({ ready: false }).post()), "edge");
  const { post, asked } = writes({ ready: false, edge: false });
  assert.equal(await text(post()), "ahead");
  assert.deepEqual(asked, ["beside", "edge of-this-write null", "start", "ahead of-this-write", "flush"]);
});

test("without a network the host is waited for at once", async () => {
  const { post, asked } = writes({ ready: false, online: false });
  assert.equal(await text(post()), "ahead");
  assert.deepEqual(asked, ["start", "ahead of-this-write", "flush"]);
});

test("whoever has something waiting waits for the host as well", async () => {
  const { post, asked, state } = writes({ ready: false });
  state.waiting = 1;
  assert.equal(await text(post()), "ahead");
  assert.deepEqual(asked, ["start", "ahead of-this-write", "flush"]);
});

test("with neither nobody has answered", async () => {
  assert.equal(await writes({ ready: false, starts: false, edge: false }).post(), null);
  assert.equal(await writes({ able: false, edge: false }).post(), null);
});

test("what would overtake earlier writes is not sent, and says so", async () => {
  const { post, asked, state } = writes({ drains: false });
  state.waiting = 2;
  const response = await post(false, { headers: { accept: "text/html" } });
  assert.equal(response?.status, 503);
  const { code, retryable, detail } = JSON.parse((await response?.text()) ?? "");
  assert.deepEqual([code, retryable], ["needs-edge", true]);
  assert.equal(detail, "2 changes that you made before could not be sent yet and come first. This request was not sent.");
  assert.deepEqual(asked, ["flush now"]);
});

test("unless the user has agreed to that, once", async () => {
  const { post, excuse, state, clock } = writes({ drains: false });
  state.waiting = 2;
  excuse(`${ORIGIN}/elsewhere`);
  assert.equal((await post(false))?.status, 503);
  excuse(`${ORIGIN}/cart`);
  assert.equal(await text(post(false)), "edge");
  assert.equal((await post(false))?.status, 503);
  excuse(`${ORIGIN}/cart`);
  clock.now = 10_001;
  assert.equal((await post(false))?.status, 503);
});

test("before a question goes to an edge it gets what is waiting, if it is to be had", async () => {
  const { settled, asked, state } = writes();
  assert.equal(await settled(), true);
  assert.deepEqual(asked, []);
  state.waiting = 1;
  assert.equal(await settled(), true);
  assert.deepEqual(asked, ["flush"]);
  const other = writes({ drains: false });
  other.state.waiting = 1;
  assert.equal(await other.settled(), false);
});

test("a wait has an end", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { write } = createWrite({
    outbox: { waiting: async () => 1, draft: () => assert.fail(), ahead: () => assert.fail() },
    line: { flush: () => new Promise(() => {}), beside: () => assert.fail() },
    host: { ready: () => true, start: async () => true },
    origin: ORIGIN,
    online: () => true,
    now: () => 0,
  });
  const response = write(new Request(ORIGIN, { method: "POST" }), false, async () => null, () => {});
  await new Promise((resolve) => setImmediate(resolve));
  context.mock.timers.tick(5_000);
  assert.equal((await response)?.status, 503);
});
