// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { NetworkFailure, createNetwork, isSafe } from "../../browser/network.js";
import { isOurs } from "../../browser/writes.js";
import { recordingFetch } from "./fakes.js";

const ORIGIN = "https://shop.test";
const FORM = "application/x-www-form-urlencoded";

/** @param {(request: Request) => Response | Promise<Response>} answer */
function networkTo(answer) {
  const { fetch, requests } = recordingFetch(answer);
  /** @type {(string | null)[]} */
  const views = [];
  let minted = 0;
  const network = createNetwork({
    fetch,
    mintKey: async () => `minted.${++minted}`,
    acceptView: async (view) => void views.push(view),
  });
  const { signal } = new AbortController();
  /** @param {Request} request */
  const send = async (request, base = "") => (await network(request)).send(base, signal);
  return { network, send, requests, views, signal };
}

/** A form post as the browser hands it to a service worker. @param {string} referrer */
function navigation(referrer, body = "a=b") {
  const request = new Request(`${ORIGIN}/cart`, { method: "POST", body, headers: { "content-type": FORM } });
  return Object.defineProperties(request, { mode: { value: "navigate" }, referrer: { value: referrer } });
}

test("a safe request passes as it is", async () => {
  const { send, requests } = networkTo(() => new Response("tea"));
  const response = await send(new Request(`${ORIGIN}/`, { headers: { "x-a": "1" } }));
  assert.equal(await response.text(), "tea");
  assert.deepEqual([...(requests[0]?.headers ?? [])], [["x-a", "1"]]);
});

test("an unsafe request gets a key, and says that redirects cannot be read", async () => {
  const { send, requests } = networkTo(() => new Response());
  const request = new Request(`${ORIGIN}/cart`, { method: "POST", body: "tea", headers: { "content-type": "text/plain" } });
  await send(request);
  const [sent] = requests;
  assert.equal(sent?.headers.get("idempotency-key"), "minted.1");
  assert.equal(sent?.headers.get("edgekit-client"), "1");
  assert.equal(sent?.headers.get("content-type"), "text/plain");
  assert.deepEqual([sent?.method, sent?.redirect, sent?.credentials, await sent?.text()], ["POST", "manual", "same-origin", "tea"]);
});

test("a key that is there stays, in the header or in the form", async () => {
  const { send, requests } = networkTo(() => new Response());
  const headers = { "idempotency-key": "k".repeat(16) };
  await send(new Request(`${ORIGIN}/cart`, { method: "DELETE", headers }));
  assert.equal(requests[0]?.headers.get("idempotency-key"), "k".repeat(16));
  await send(new Request(`${ORIGIN}/cart`, { method: "POST", body: new URLSearchParams({ _key: "x" }) }));
  const multipart = new FormData();
  multipart.set("_key", "x");
  await send(new Request(`${ORIGIN}/cart`, { method: "POST", body: multipart }));
  assert.deepEqual(requests.slice(1).map(({ headers }) => headers.get("idempotency-key")), [null, null]);
});

test("a form is ours only if one of our pages sent it", () => {
  for (const referrer of ["https://evil.test/", `${ORIGIN}.evil.test/`, "", "about:client"]) {
    assert.equal(isOurs(navigation(referrer), ORIGIN), false);
  }
  assert.equal(isOurs(navigation(`${ORIGIN}/`), ORIGIN), true);
  assert.equal(isOurs(new Request(`${ORIGIN}/cart`, { method: "POST" }), ORIGIN), true);
});

test("a hidden redirect becomes a real one", async () => {
  const { send } = networkTo(
    () => new Response(null, { headers: { "edgekit-status": "303", "edgekit-location": "/orders/7", "edgekit-host": "native" } }),
  );
  const response = await send(new Request(`${ORIGIN}/cart`, { method: "POST" }));
  assert.deepEqual([response.status, response.body], [303, null]);
  assert.deepEqual([...response.headers], [["edgekit-host", "native"], ["location", "/orders/7"]]);
});

test("a new view is known before the page has the answer, and the page never sees it", async () => {
  const { send, views } = networkTo(() => new Response("tea", { status: 201, headers: { "edgekit-view": "token", "x-a": "1" } }));
  const response = await send(new Request(`${ORIGIN}/cart`, { method: "POST" }));
  assert.deepEqual(views, ["token"]);
  assert.deepEqual([...response.headers], [["content-type", "text/plain;charset=UTF-8"], ["x-a", "1"]]);
  assert.deepEqual([response.status, await response.text()], [201, "tea"]);
});

test("a write can be sent again, with the same key and the same body", async () => {
  let tries = 0;
  const { network, requests, signal } = networkTo(() => (++tries === 1 ? Promise.reject(new TypeError("cut")) : new Response("done")));
  const { send, safe, size } = await network(new Request(`${ORIGIN}/cart`, { method: "POST", body: "abc" }));
  assert.deepEqual([safe, size], [false, 3]);
  await assert.rejects(send("", signal), NetworkFailure);
  assert.equal(await (await send("", signal)).text(), "done");
  assert.deepEqual(requests.map(({ headers }) => headers.get("idempotency-key")), ["minted.1", "minted.1"]);
  assert.equal(await requests[1]?.text(), "abc");
});

test("an edge with another origin is asked as nobody, and its view is not ours", async () => {
  const { send, requests, views } = networkTo(() => new Response("tea", { headers: { "edgekit-view": "token" } }));
  const request = new Request(`${ORIGIN}/tea?a=1`, { headers: { accept: "text/html", "x-secret": "1" } });
  assert.equal(await (await send(request, "https://b.test")).text(), "tea");
  const [sent] = requests;
  assert.deepEqual([sent?.url, sent?.credentials, sent?.redirect], ["https://b.test/tea?a=1", "omit", "error"]);
  assert.deepEqual([...(sent?.headers ?? [])], [["accept", "text/html"], ["accept-language", "*"]]);
  assert.deepEqual(views, []);
});

test("no answer, and a gateway's answer, are failures of the network", async () => {
  const offline = networkTo(() => Promise.reject(new TypeError("offline")));
  await assert.rejects(offline.send(new Request(`${ORIGIN}/`)), NetworkFailure);
  await assert.rejects(offline.send(new Request(`${ORIGIN}/`, { method: "POST" })), NetworkFailure);
  assert.equal(offline.requests.length, 2);
  const gateway = networkTo(() => new Response("bad gateway", { status: 502 }));
  await assert.rejects(gateway.send(new Request(`${ORIGIN}/`)), NetworkFailure);
});

test("an edge's own 503 is an answer", async () => {
  const { send } = networkTo(() => new Response("full", { status: 503, headers: { "edgekit-host": "edge" } }));
  assert.equal((await send(new Request(`${ORIGIN}/`))).status, 503);
});

test("what is safe", () => {
  assert.deepEqual(["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"].map(isSafe), [true, true, true, false, false, false, false]);
});
