// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { createDeviceKey } from "../../browser/device-key.js";
import { NetworkFailure, createNetwork, isSafe } from "../../browser/network.js";
import { bodyDigest } from "../../browser/proof.js";
import { createProver } from "../../browser/prover.js";
import { isOurs } from "../../browser/writes.js";
import { claimsOf, memoryStore, recordingFetch } from "./fakes.js";

const ORIGIN = "https://shop.test";
const FORM = "application/x-www-form-urlencoded";

/**
 * @param {(request: Request) => Response | Promise<Response>} answer
 * @param {{ath: string, jkt: string}} [session]   bound to this device if its `jkt` is "ours"
 */
function networkTo(answer, session = { ath: "", jkt: "" }) {
  const { fetch, requests } = recordingFetch(answer);
  const store = memoryStore();
  const prover = createProver({ store, fetch, deviceKey: createDeviceKey(store), origin: ORIGIN, now: Date.now });
  /** @type {(string | null)[]} */
  const views = [];
  let [minted, refreshed] = [0, 0];
  const network = createNetwork({
    fetch,
    prover: { ...prover, owns: async (jkt) => jkt === "ours" },
    mintKey: async () => `minted.${++minted}`,
    user: {
      session: async () => session,
      accept: async (view) => void views.push(view),
      refresh: async () => (refreshed += 1) > 0,
    },
  });
  const { signal } = new AbortController();
  /** @param {Request} request */
  const send = async (request, base = "") => (await network(request)).send(base, signal);
  return { network, send, requests, views, signal, refreshed: () => refreshed };
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

test("an unsafe request proves its device, its session, its key and its body", async () => {
  const { send, requests } = networkTo(() => new Response(), { ath: "session", jkt: "" });
  await send(new Request(`${ORIGIN}/cart?a=1`, { method: "POST", body: "tea" }));
  await send(new Request(`${ORIGIN}/cart`, { method: "POST", body: new URLSearchParams({ _key: "x" }) }));
  const [one, two] = requests.map(claimsOf);
  assert.deepEqual([one?.htm, one?.htu, one?.htq, one?.ath], ["POST", `${ORIGIN}/cart`, "a=1", "session"]);
  assert.deepEqual([one?.ik, two?.ik], ["minted.1", ""]);
  assert.equal(one?.bd, await bodyDigest(new Blob(["tea"])));
  assert.equal(two?.bd, await bodyDigest(new Blob(["_key=x"])));
});

test("each try has a proof of its own", async () => {
  const { network, requests, signal } = networkTo(() => Promise.reject(new TypeError("cut")));
  const { send } = await network(new Request(`${ORIGIN}/cart`, { method: "POST", body: "abc" }));
  for (let i = 0; i < 2; i += 1) await assert.rejects(send("", signal), NetworkFailure);
  const [one, two] = requests.map(claimsOf);
  assert.deepEqual([one?.bd, one?.ik], [two?.bd, two?.ik]);
  assert.notEqual(one?.jti, two?.jti);
});

test("a safe request of a session that is bound to this device proves it", async () => {
  const { send, requests } = networkTo(() => new Response("tea"), { ath: "session", jkt: "ours" });
  const request = new Request(`${ORIGIN}/a?b=1`, { headers: { accept: "text/html", "accept-language": "de" } });
  const referrer = { referrer: { value: "https://other.test/" } };
  await send(Object.defineProperties(request, { mode: { value: "navigate" }, ...referrer }));
  await send(new Request(`${ORIGIN}/picture`, { mode: "no-cors" }));
  const [page, picture] = requests;
  const { jti, iat, ...claims } = claimsOf(/** @type {Request} */ (page));
  assert.deepEqual(claims, { htm: "GET", htu: `${ORIGIN}/a`, htq: "b=1", ath: "session" });
  assert.deepEqual(
    ["accept", "accept-language", "upgrade-insecure-requests", "edgekit-client"].map((name) => page?.headers.get(name)),
    ["text/html", "de", "1", "1"],
  );
  assert.deepEqual([page?.mode, page?.redirect, page?.credentials, page?.referrer], ["same-origin", "manual", "same-origin", ""]);
  assert.deepEqual([picture?.headers.has("dpop"), picture?.headers.get("upgrade-insecure-requests")], [true, null]);
});

test("what a page asks as nobody says nothing about the user, and teaches nothing", async () => {
  const headers = { "edgekit-view": "none", "dpop-nonce": "n", "www-authenticate": "DPoP" };
  const { send, requests, views, refreshed } = networkTo(() => new Response("tea", { status: 401, headers }), { ath: "session", jkt: "ours" });
  const response = await send(new Request(`${ORIGIN}/`, { credentials: "omit" }));
  const [sent, ...others] = requests;
  assert.deepEqual([sent?.credentials, sent?.headers.has("dpop"), others.length], ["omit", false, 0]);
  assert.deepEqual([views, refreshed(), await response?.text(), response?.headers.has("edgekit-view")], [[], 0, "tea", false]);
});

test("of a session that is bound to another device nothing can be proved", async () => {
  const { send, requests } = networkTo(() => new Response("tea"), { ath: "session", jkt: "theirs" });
  await send(new Request(`${ORIGIN}/`));
  assert.equal(requests[0]?.headers.has("dpop"), false);
});

test("a challenge to a safe request teaches that the session is bound", async () => {
  const refusal = () => new Response(null, { status: 401, headers: { "dpop-nonce": "n", "www-authenticate": "DPoP" } });
  const { send, requests, refreshed } = networkTo((request) => (request.headers.has("dpop") ? new Response("tea") : refusal()));
  assert.equal(await (await send(new Request(`${ORIGIN}/`))).text(), "tea");
  assert.deepEqual([requests.length, refreshed()], [2, 1]);
});

test("an app's own 401 reaches the page", async () => {
  const { send, requests } = networkTo(() => new Response("wrong password", { status: 401, headers: { "dpop-nonce": "n" } }));
  assert.equal(await (await send(new Request(`${ORIGIN}/in`, { method: "POST", body: "x" }))).text(), "wrong password");
  assert.equal(requests.length, 1);
});

test("a redirect that only the browser may read is left to the browser", async () => {
  const hidden = () => Object.defineProperty(new Response(), "type", { value: "opaqueredirect" });
  const { send, requests } = networkTo((request) => (request.headers.has("dpop") ? hidden() : new Response("tea")), { ath: "", jkt: "ours" });
  assert.equal(await (await send(new Request(`${ORIGIN}/picture`))).text(), "tea");
  assert.equal((await send(new Request(`${ORIGIN}/page`, { redirect: "manual" }))).type, "opaqueredirect");
  assert.equal(requests.length, 3);
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

test("what a gateway answers is not read, and its connection is free again", async () => {
  let cancelled = 0;
  const body = () => new ReadableStream({ cancel: () => void (cancelled += 1) }, { highWaterMark: 0 });
  for (const base of ["", "https://b.test"]) {
    const { send } = networkTo(() => new Response(body(), { status: 503 }));
    await assert.rejects(send(new Request(`${ORIGIN}/`), base), NetworkFailure);
  }
  assert.equal(cancelled, 2);
});

test("an edge's own 503 is an answer", async () => {
  const { send } = networkTo(() => new Response("full", { status: 503, headers: { "edgekit-host": "edge" } }));
  assert.equal((await send(new Request(`${ORIGIN}/`))).status, 503);
});

test("what is safe", () => {
  assert.deepEqual(["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"].map(isSafe), [true, true, true, false, false, false, false]);
});

test("what the outbox sends comes back as the edge has answered it", async () => {
  const headers = { "edgekit-view": "a-token", "edgekit-status": "303", "edgekit-location": "/cart" };
  const { network, views, signal } = networkTo(() => new Response("", { headers }));
  const sender = await network(new Request(`${ORIGIN}/cart`, { method: "POST" }), { raw: true });
  const response = await sender.send("", signal);
  assert.deepEqual([response.status, response.headers.get("edgekit-view"), views], [200, "a-token", []]);
});
