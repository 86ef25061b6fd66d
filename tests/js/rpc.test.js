// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { madeOf } from "../../browser/as-sent.js";
import { createClient, pageAsSender } from "../../browser/rpc-client.js";
import { answerCalls } from "../../browser/rpc.js";

const ORIGIN = "https://shop.test";
const PAGE = { address: `${ORIGIN}/tea?a=1#b`, policy: "same-origin" };

/**
 * A page and a worker with a channel between them. `local` answers calls; undefined: the worker is dead.
 *
 * @param {import("node:test").TestContext} context
 * @param {((request: Request) => Promise<Response | null>) | undefined} local
 */
function pair(context, local) {
  /** @type {Request[]} */
  const fetched = [];
  /** @type {MessagePort[]} */
  const ports = [];
  context.mock.method(globalThis, "fetch", async (/** @type {Request} */ request) => {
    fetched.push(request);
    return new Response("fetched");
  });
  context.after(() => ports.forEach((port) => port.close()));
  const worker = {
    /** @param {{type: string}} message @param {MessagePort[]} transfer */
    postMessage(message, [port]) {
      assert.equal(message.type, "port");
      if (port === undefined) assert.fail("no port");
      ports.push(port);
      if (local) answerCalls(port, ORIGIN, local);
    },
  };
  const client = createClient(() => /** @type {any} */ (worker), () => PAGE);
  context.after(client.hangUp);
  return { client, fetched, ports };
}

test("the local host answers through the port", async (context) => {
  const { client, fetched, ports } = pair(context, async (request) =>
    new Response(`${request.method} ${request.url} ${request.headers.get("x-a")}`, { status: 201, headers: { "x-b": "2" } }),
  );
  const [one, two] = await Promise.all([1, 2].map((n) => client.fetch(`${ORIGIN}/${n}`, { headers: { "x-a": "1" } })));
  assert.deepEqual([one?.status, one?.headers.get("x-b"), await one?.text()], [201, "2", `GET ${ORIGIN}/1 1`]);
  assert.equal(await two?.text(), `GET ${ORIGIN}/2 1`);
  assert.deepEqual([fetched.length, ports.length], [0, 1]);
});

test("the local host sees where a call comes from as the page's policy allows it", async (context) => {
  // case P1, H9
  const local = async (/** @type {Request} */ request) => new Response(`${madeOf(request).referrer} ${madeOf(request).mode}`);
  const { client } = pair(context, local);
  const seen = async (/** @type {RequestInit} */ init) => (await client.fetch(`${ORIGIN}/`, init)).text();
  assert.equal(await seen({}), `${ORIGIN}/tea?a=1 cors`);
  assert.equal(await seen({ mode: "same-origin" }), `${ORIGIN}/tea?a=1 same-origin`);
  assert.equal(await seen({ referrerPolicy: "origin" }), `${ORIGIN}/ cors`);
  assert.equal(await seen({ referrerPolicy: "no-referrer" }), " cors");
  assert.equal(await seen({ referrer: "" }), " cors");
  assert.equal(await seen({ referrer: `${ORIGIN}/other#c` }), `${ORIGIN}/other cors`);
});

test("before the policy of the page is known, a call is an ordinary request", async (context) => {
  let isControlled = false;
  context.mock.method(globalThis, "fetch", async () => new Response("no-referrer", { headers: { "edgekit-host": "browser" } }));
  const sender = pageAsSender(() => /** @type {any} */ (isControlled), () => ORIGIN);
  assert.equal(sender(), undefined);
  isControlled = true;
  assert.equal(sender(), undefined);
  await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual(sender(), { address: ORIGIN, policy: "no-referrer" });
});

test("what only the browser can do is fetched", async (context) => {
  const { client, fetched } = pair(context, async () => new Response("local"));
  await client.fetch(`${ORIGIN}/`, { integrity: "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" });
  await client.fetch(`${ORIGIN}/`, { redirect: "error" });
  assert.equal(fetched.length, 2);
});

test("answers without a body stay without one", async (context) => {
  const { client } = pair(context, async () => new Response(null, { status: 304 }));
  const response = await client.fetch(`${ORIGIN}/`);
  assert.deepEqual([response.status, response.body], [304, null]);
});

test("what the local host cannot do is fetched", async (context) => {
  for (const local of [async () => null, async () => Promise.reject(new Error("no"))]) {
    const { client, fetched } = pair(context, local);
    assert.equal(await (await client.fetch(`${ORIGIN}/`)).text(), "fetched");
    assert.equal(fetched.length, 1);
  }
});

test("what changes something, or can be aborted, is fetched at once", async (context) => {
  const { client, fetched, ports } = pair(context, async () => new Response("local"));
  await client.fetch(`${ORIGIN}/`, { method: "POST", body: "a" });
  await client.fetch(`${ORIGIN}/`, { signal: new AbortController().signal });
  assert.deepEqual([fetched.length, ports.length], [2, 0]);
});

test("another site is nobody's business", async (context) => {
  const { client, fetched } = pair(context, async () => new Response("local"));
  assert.equal(await (await client.fetch("https://other.test/")).text(), "fetched");
  assert.equal(fetched.length, 1);
});

test("what changes something is sent once, and what is asked as nobody is not asked as the user", async (context) => {
  const { client, fetched, ports } = pair(context, async () => new Response("local"));
  for (const method of ["POST", "PUT", "PATCH", "DELETE"]) await client.fetch(`${ORIGIN}/`, { method });
  assert.deepEqual(fetched.map(({ method }) => method), ["POST", "PUT", "PATCH", "DELETE"]);
  await client.fetch(`${ORIGIN}/`, { credentials: "omit" });
  assert.deepEqual([fetched.length, fetched[4]?.credentials, ports.length], [5, "omit", 0]);
});

test("a redirect is followed by the browser", async (context) => {
  for (const status of [301, 302, 303, 307, 308]) {
    const { client, fetched } = pair(context, async () => new Response(null, { status, headers: { location: "/a/" } }));
    assert.equal(await (await client.fetch(`${ORIGIN}/a`)).text(), "fetched");
    assert.equal(fetched.length, 1);
  }
});

test("a worker that has died is noticed, and called anew", async (context) => {
  const { client, fetched, ports } = pair(context, undefined);
  context.mock.timers.enable({ apis: ["setTimeout"] });
  for (const n of [1, 2, 3]) {
    const call = client.fetch(`${ORIGIN}/${n}`);
    context.mock.timers.tick(1_000);
    assert.equal(await (await call).text(), "fetched");
    assert.deepEqual([fetched.length, ports.length], [n, 1]);
  }
  const again = client.fetch(`${ORIGIN}/4`);
  client.hangUp();
  await again;
  assert.equal(ports.length, 2);
});

test("who gives a port up gives up all that waits for it", async (context) => {
  const { client, fetched } = pair(context, undefined);
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const calls = [1, 2, 3].map((n) => client.fetch(`${ORIGIN}/${n}`));
  context.mock.timers.tick(999);
  calls.push(client.fetch(`${ORIGIN}/4`));
  context.mock.timers.tick(1);
  await Promise.all(calls);
  assert.equal(fetched.length, 4);
});

test("a call that takes too long goes the ordinary way alone", async (context) => {
  const never = new Promise(() => {});
  const { client, fetched, ports } = pair(context, async ({ url }) => url.endsWith("/slow") ? never : new Response("local"));
  context.mock.timers.enable({ apis: ["setTimeout"] });
  for (let n = 1; n <= 4; n += 1) {
    const call = client.fetch(`${ORIGIN}/slow`);
    context.mock.timers.tick(999);
    const other = client.fetch(`${ORIGIN}/`);
    context.mock.timers.tick(1);
    assert.equal(await (await call).text(), "fetched");
    assert.equal(await (await other).text(), "local");
    assert.deepEqual([fetched.length, ports.length], [n, 1]);
  }
});

/** A local host with an answer that never ends. @param {string} contentType */
function endless(contentType) {
  /** @type {Request[]} */
  const requests = [];
  let isOpen = true;
  let stop = () => {};
  /** @type {Promise<void>} */
  const stopped = new Promise((resolve) => {
    stop = () => void ((isOpen = false), resolve());
  });
  const local = async (/** @type {Request} */ request) => {
    requests.push(request);
    const body = new ReadableStream({
      start(controller) {
        request.signal.addEventListener("abort", () => (stop(), controller.error(request.signal.reason)));
      },
      async pull(controller) {
        await new Promise((resolve) => setImmediate(resolve));
        if (isOpen) controller.enqueue(new Uint8Array(9));
      },
      cancel: () => stop(),
    });
    return new Response(body, { headers: { "content-type": contentType } });
  };
  return { local, requests, stopped };
}

test("events do not come through the port, and the local host stops sending them", async (context) => {
  const { local, stopped } = endless("text/event-stream; charset=utf-8");
  const { client, fetched } = pair(context, local);
  assert.equal(await (await client.fetch(`${ORIGIN}/`)).text(), "fetched");
  await stopped;
  assert.equal(fetched.length, 1);
});

test("the local host stops working on what the page has given up", async (context) => {
  const { local, requests, stopped } = endless("text/plain");
  const { client } = pair(context, local);
  const call = client.fetch(`${ORIGIN}/`);
  while (requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
  client.hangUp();
  await stopped;
  assert.equal(await (await call).text(), "fetched");
});

test("the local host stops working for a page that was closed", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { local, requests, stopped } = endless("text/plain");
  const { port1, port2 } = new MessageChannel();
  context.after(() => port1.close());
  answerCalls(/** @type {any} */ (port2), ORIGIN, local);
  port1.postMessage({ id: 1, path: "/", method: "GET", headers: [] });
  while (requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
  context.mock.timers.tick(1_499);
  assert.equal(requests[0]?.signal.aborted, false);
  context.mock.timers.tick(1);
  await stopped;
});
