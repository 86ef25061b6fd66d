// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { createWrite } from "../../browser/write.js";

const ORIGIN = "https://shop.test";

/** @param {{status?: number, ready?: boolean, starts?: boolean, online?: boolean, edge?: boolean, able?: boolean, drains?: boolean, room?: boolean, own?: string}} [world] */
function writes({ status = 200, ready = true, starts = true, online = true, edge = true, able = true, drains = true, room = true, own = "" } = {}) {
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
      async keep(drafting) {
        asked.push(`keep ${(await drafting).key}`);
        if (room) state.waiting += 1;
        return room ? drafting : null;
      },
      waiting: async () => state.waiting,
      next: async () => undefined,
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
    own: async () => (own === "" ? undefined : new Response(own, { headers: { "content-type": "text/html" } })),
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
  return { post, write, settled, excuse, asked, state, clock };
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

/** @param {string} [referrer] @param {boolean} [optimistic] @param {Parameters<typeof writes>[0]} [world] */
function submit(referrer = "", optimistic = true, world = {}) {
  const made = writes(world);
  const request = Object.defineProperties(new Request(`${ORIGIN}/cart`, { method: "POST" }), { mode: { value: "navigate" }, referrer: { value: referrer } });
  return { ...made, answer: made.write(request, optimistic, async () => null, () => {}) };
}

test("what nobody can run now is kept for an edge, if its route may happen later", async () => { // case N5
  for (const world of [{ ready: false, starts: false, edge: false, drains: false }, { able: false, edge: false, drains: false }]) {
    const { post, asked, state } = writes(world);
    const response = await post();
    assert.deepEqual([response?.status, response?.headers.get("edgekit-pending"), state.waiting], [202, "1", 1]);
    assert.equal(JSON.parse((await response?.text()) ?? "").status, "kept");
    assert.deepEqual(asked.slice(-2), ["keep of-this-write", "flush"]);
  }
});

test("and that is so while earlier ones wait, such as the one that made what this is about", async () => { // case N5
  const { post, asked, state } = writes({ able: false, edge: false, online: false, drains: false });
  state.waiting = 1;
  assert.deepEqual([(await post())?.status, state.waiting], [202, 2]);
  assert.deepEqual(asked, ["ahead of-this-write", "flush now", "keep of-this-write", "flush"]);
});

test("who has sent a form reads that it is kept, and gets back", async () => {
  const { answer } = submit(`${ORIGIN}/things/7?a=<b>&c=d`, true, { able: false });
  const html = (await (await answer)?.text()) ?? "";
  for (const words of ["Kept on this device", "You need not do it again", 'href="/things/7?a=%3Cb%3E&#38;c=d"']) assert.ok(html.includes(words), words);
});

test("where there is no room for it, nobody has answered, or it says that it was not sent", async () => {
  assert.equal(await writes({ able: false, edge: false, room: false }).post(), null);
  assert.equal(await writes({ able: false, edge: false, room: false, online: false }).post(), null, "a network error");
  const { answer } = submit("", true, { able: false, room: false, online: false });
  assert.match((await (await answer)?.text()) ?? "", /This was not sent/);
});

test("without a network other routes say that it was not sent and what to do", async () => { // case N17
  const html = (await (await submit(`${ORIGIN}/cart`, false, { online: false }).answer)?.text()) ?? "";
  for (const words of ["This was not sent", "it\nwill not happen later by itself", "still there", 'href="/cart">Go back']) assert.ok(html.includes(words), words);
  assert.doesNotMatch(html, /comes? first|sent yet/);
  assert.equal(await submit("", false).answer, null, "with a network it may have arrived");
});

test("the app's own page for that comes first", async () => { // case N17
  const { answer } = submit("", false, { online: false, own: "<h1>No order was placed</h1>" });
  assert.deepEqual([(await answer)?.status, await (await answer)?.text()], [503, "<h1>No order was placed</h1>"]);
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
    outbox: { waiting: async () => 1, next: async () => undefined, draft: () => assert.fail(), ahead: () => assert.fail(), keep: () => assert.fail() },
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
