// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { createClient } from "../../browser/rpc-client.js";
import { answerCalls } from "../../browser/rpc.js";

const ORIGIN = "https://shop.test";

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
  const client = createClient(() => /** @type {any} */ (worker));
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

test("a worker that has died is noticed, and called anew", async (context) => {
  const { client, fetched, ports } = pair(context, undefined);
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const calls = Promise.all([client.fetch(`${ORIGIN}/1`), client.fetch(`${ORIGIN}/2`)]);
  context.mock.timers.tick(1_000);
  assert.deepEqual(await Promise.all((await calls).map((response) => response.text())), ["fetched", "fetched"]);
  assert.equal(fetched.length, 2);
  const again = client.fetch(`${ORIGIN}/3`);
  client.hangUp();
  await again;
  assert.equal(ports.length, 2);
});
