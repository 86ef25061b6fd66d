// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { createPersonal } from "../../browser/personal.js";
import { createServices } from "../../browser/services.js";
import { FakeCaches, edges, recordingFetch } from "./fakes.js";

const SHARED = { etag: '"v1"', "cache-control": "public, max-age=60" };
const offline = () => Promise.reject(new TypeError("offline"));
const text = (/** @type {import("../../browser/protocol.js").Reply} */ [status, , body]) => [status, new TextDecoder().decode(body)];

/** @param {(request: Request) => Response | Promise<Response>} answer @param {FakeCaches} [caches] */
function servicesOf(answer, caches = new FakeCaches()) {
  const { fetch, requests } = recordingFetch(answer);
  return { ...createServices({ fetch, caches: caches.typed, development: true }), requests, caches };
}

test("the catalog is asked for without credentials", async () => {
  const { publicFetch, requests } = servicesOf(() => edges("items", { headers: SHARED }));
  assert.deepEqual(text(await publicFetch("/catalog/products", '"v0"')), [200, "items"]);
  const [sent] = requests;
  assert.deepEqual([sent?.url, sent?.credentials], ["https://shop.test/_edge/catalog/products", "omit"]);
  assert.deepEqual([...(sent?.headers ?? [])], [["if-none-match", '"v0"']]);
});

test("a kept catalog answer serves while the network or the origin is gone", async () => {
  const { publicFetch, caches } = servicesOf(() => edges("items", { headers: SHARED }));
  await publicFetch("/catalog/products", "");
  for (const answer of [offline, () => edges("", { status: 503 })]) {
    const next = servicesOf(answer, caches);
    const reply = await next.publicFetch("/catalog/products", "");
    assert.deepEqual(text(reply), [200, "items"]);
    assert.match(reply[1], /cache-control\0public, max-age=60/);
    assert.deepEqual(text(await next.publicFetch("/catalog/products", '"v1"')), [304, ""]);
    assert.deepEqual(text(await next.publicFetch("/catalog/products", '"v0"')), [200, "items"]);
    assert.equal((await next.publicFetch("/catalog/other", ""))[0], 0);
  }
});

// case P14: a catalog that no interpreter can hold, and every interpreter that starts anew
test("a new interpreter asks with the tag of what is kept, and that is not transferred again", async () => {
  const caches = new FakeCaches();
  for (const etag of ['"v1"', 'W/"v1"']) {
    await servicesOf(() => edges("items", { headers: { ...SHARED, etag } }), caches).publicFetch("/catalog/products", "");
    const next = servicesOf(() => edges(null, { status: 304, headers: { ...SHARED, etag } }), caches);
    for (let i = 0; i < 2; i += 1) assert.deepEqual(text(await next.publicFetch("/catalog/products", "")), [200, "items"]);
    assert.deepEqual(text(await next.publicFetch("/catalog/products", '"v1"')), [304, ""]);
    assert.deepEqual(next.requests.map(({ headers }) => headers.get("if-none-match")), [etag, etag, '"v1"']);
  }
});

test("an answer that the cache has no room for is an answer all the same", async () => {
  const caches = new FakeCaches();
  (await caches.open("edgekit-catalog")).room = 0;
  const { publicFetch } = servicesOf(() => edges("items", { headers: SHARED }), caches);
  assert.deepEqual(text(await publicFetch("/catalog/products", "")), [200, "items"]);
});

test("what arrives late is kept for the next who asks, and asked for once", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  /** @type {(response: Response) => void} */
  let arrive = () => {};
  const slow = servicesOf(() => new Promise((resolve) => (arrive = resolve)));
  const settle = async () => { for (let i = 0; i < 20; i += 1) await null; };
  const ask = async () => {
    const reply = slow.publicFetch("/catalog/products", "");
    await settle();
    context.mock.timers.tick(3_000);
    return reply;
  };
  assert.deepEqual([(await ask())[0], (await ask())[0]], [0, 0]);
  assert.equal(slow.requests.length, 1);
  arrive(edges("items", { headers: SHARED }));
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(text(await servicesOf(offline, slow.caches).publicFetch("/catalog/products", "")), [200, "items"]);
});

test("a collection that is gone does not come back without a network", async () => {
  const { publicFetch, caches } = servicesOf(() => edges("items", { headers: SHARED }));
  await publicFetch("/catalog/products", "");
  assert.equal((await servicesOf(() => edges("", { status: 404 }), caches).publicFetch("/catalog/products", ""))[0], 404);
  assert.equal((await servicesOf(offline, caches).publicFetch("/catalog/products", ""))[0], 0);
});

test("what could be personal, or is no success, is not kept", async () => {
  for (const response of [
    edges("x", { headers: { "cache-control": "private" } }),
    edges("x", { headers: { "cache-control": "no-store" } }),
    edges("x", { headers: { vary: "*" } }),
    edges("x", { status: 404 }),
  ]) {
    const { publicFetch, caches } = servicesOf(() => response);
    assert.equal((await publicFetch("/catalog/products", ""))[0], response.status);
    assert.equal((await servicesOf(offline, caches).publicFetch("/catalog/products", ""))[0], 0);
  }
});

test("records are read as the user; only an edge may write them", async () => {
  const { userFetch, requests, caches } = servicesOf(() => edges("record"));
  assert.deepEqual(text(await userFetch("GET", "/records/user/orders/7", "x-a\x001", undefined)), [200, "record"]);
  assert.deepEqual([requests[0]?.url, requests[0]?.credentials], ["https://shop.test/_edge/records/user/orders/7", "same-origin"]);
  assert.equal((await userFetch("POST", "/commit", "", new Uint8Array()))[0], 0);
  assert.equal((await servicesOf(offline, caches).userFetch("GET", "/records/user/orders/7", "", undefined))[0], 0);
  assert.equal(requests.length, 1);
});

test("records are asked for with whatever proves who asks", async () => {
  const { fetch } = recordingFetch(() => assert.fail("asked as nobody"));
  const asUser = async (/** @type {string} */ path) => edges(`proven ${path}`);
  const services = createServices({ fetch, asUser, caches: new FakeCaches().typed, development: false });
  assert.deepEqual(text(await services.userFetch("GET", "/records/user/orders", "")), [200, "proven /_edge/records/user/orders"]);
});

test("without the network, or the origin, a record is as it was last read", async () => {
  const caches = new FakeCaches();
  const personal = createPersonal({ caches: caches.typed, who: async () => "ann", note: (error) => assert.fail(String(error)) });
  let [answer, told] = [() => edges("record"), 0];
  const { fetch } = recordingFetch(() => answer());
  const services = createServices({ fetch, caches: caches.typed, personal, development: false, onPersonal: () => void (told += 1) });
  const read = () => services.userFetch("GET", "/records/user/orders/7", "");
  await read();
  for (const failure of [() => edges("", { status: 503 }), () => { throw new TypeError("offline"); }]) {
    answer = failure;
    assert.deepEqual(text(await read()), [200, "record"]);
  }
  assert.equal(told, 0, "what is kept is there the next time, with or without a network"); // case N15
  answer = () => edges("gone", { status: 404 });
  assert.deepEqual(text(await read()), [404, "gone"]);
  assert.equal(told, 1);
});

test("the host learns how it is run, and where the static files of its release are", () => {
  assert.deepEqual(JSON.parse(servicesOf(offline).config), { origin: true, keys: null, development: true, static: {} });
  const files = { "/static/a.css": "/_edge/static/1/a.css" };
  const { fetch } = recordingFetch(offline);
  const { config } = createServices({ fetch, caches: new FakeCaches().typed, development: false, files });
  assert.deepEqual(JSON.parse(config).static, files);
});

test("what the network tells about the user is counted, the catalog is not", async () => {
  let personal = 0;
  const { fetch } = recordingFetch(() => edges("x", { headers: SHARED }));
  const services = createServices({ fetch, caches: new FakeCaches().typed, development: false, onPersonal: () => void (personal += 1) });
  await services.publicFetch("/catalog/products", "");
  assert.equal(personal, 0);
  await services.userFetch("GET", "/records/user/orders/7", "", undefined);
  await services.userFetch("POST", "/commit", "", new Uint8Array());
  assert.equal(personal, 1);
});

// case P8
test("what somebody else says on the way to an edge is never taken for data, and no good copy is given up for it", async () => {
  const caches = new FakeCaches();
  const edge = servicesOf(() => edges("items", { headers: SHARED }), caches);
  await edge.publicFetch("/catalog/products", "");
  const personal = createPersonal({ caches: caches.typed, who: async () => "ann", note: (error) => assert.fail(String(error)) });
  const page = { "content-type": "text/html", "content-length": "6" };
  /** @type {(() => Response | Promise<Response>)[]} */
  const strangers = [
    () => new Response("portal", { headers: { ...page, ...SHARED } }),
    () => new Response("{}", { headers: { "content-type": "application/json", ...SHARED } }),
    () => edges("portal", { headers: page }),
    () => edges('{"items": [', { headers: { ...SHARED, "content-length": "" } }),
    () => new Response(null, { status: 204 }),
    () => new Response(null, { status: 304, headers: SHARED }),
    () => new Response("portal", { status: 404, headers: page }),
    () => new Response("portal", { status: 511, headers: page }),
    () => edges("wait", { status: 429 }),
    () => Promise.reject(new TypeError("redirected")),
  ];
  const whole = { fetch: recordingFetch(() => edges("record")).fetch, caches: caches.typed, personal, development: true };
  assert.deepEqual(text(await createServices(whole).userFetch("GET", "/records/user/orders/1", "")), [200, "record"]);
  for (const [at, stranger] of strangers.entries()) {
    const answer = () => {
      const response = stranger();
      if (response instanceof Response && response.headers.get("content-length") === "") response.headers.delete("content-length");
      return response;
    };
    const { publicFetch } = servicesOf(answer, caches);
    assert.deepEqual(text(await publicFetch("/catalog/products", "")), [200, "items"], String(at));
    assert.equal((await publicFetch("/catalog/other", ""))[0], 0, String(at));
    if (at < 7) {
      const { userFetch } = createServices({ ...whole, fetch: recordingFetch(answer).fetch });
      assert.deepEqual(text(await userFetch("GET", "/records/user/orders/1", "")), [200, "record"], String(at));
      assert.equal((await userFetch("GET", "/records/user/orders/2", ""))[0], 0, String(at));
    }
  }
});

// case P18
test("behind a proxy that asks everybody for a password the catalog is asked for with it", async () => {
  const portal = new Response("who?", { status: 401, headers: { "www-authenticate": "Basic" } });
  const { publicFetch, requests } = servicesOf((request) => (request.credentials === "omit" ? portal.clone() : edges("items", { headers: SHARED })));
  assert.deepEqual(text(await publicFetch("/catalog/products", "")), [200, "items"]);
  assert.deepEqual(requests.map(({ credentials }) => credentials), ["omit", "same-origin"]);
});
