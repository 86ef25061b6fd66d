// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { createClock } from "../../browser/clock.js";
import { createDeviceKey } from "../../browser/device-key.js";
import { NetworkFailure, createNetwork, isSafe } from "../../browser/network.js";
import { bodyDigest } from "../../browser/proof.js";
import { createProver } from "../../browser/prover.js";
import { claimsOf, memoryStore, recordingFetch } from "./fakes.js";

const ORIGIN = "https://shop.test";

/**
 * @param {(request: Request) => Response | Promise<Response>} answer
 * @param {{ath: string, jkt: string}} [session]   bound to this device if its `jkt` is "ours"
 */
function networkTo(answer, session = { ath: "", jkt: "" }, guest = true) {
  const { fetch, requests } = recordingFetch(answer);
  const store = memoryStore();
  const prover = createProver({ store, fetch, deviceKey: createDeviceKey(store), origin: ORIGIN, clock: createClock({ store, wall: Date.now }) });
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
      isGuest: async () => guest,
    },
  });
  const { signal } = new AbortController();
  /** @param {Request} request */
  const send = async (request) => /** @type {Response} */ (await (await network(request)).send("", signal));
  /** @param {Request} request */
  const sendAbroad = async (request) => (await network(request)).send("https://b.test", signal);
  return { network, send, sendAbroad, requests, views, signal, refreshed: () => refreshed };
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
  assert.equal(await (await send("", signal))?.text(), "done");
  assert.deepEqual(requests.map(({ headers }) => headers.get("idempotency-key")), ["minted.1", "minted.1"]);
  assert.equal(await requests[1]?.text(), "abc");
});

const PUBLIC = { "cache-control": "public, max-age=60", "edgekit-host": "native", "content-type": "text/html" };

/** @param {string} accept @param {Record<string, string>} [more] */
function page(accept, more) {
  const request = new Request(`${ORIGIN}/tea?a=1`, { headers: { accept, "accept-language": "de", ...more } });
  return Object.defineProperty(request, "mode", { value: "navigate" });
}

test("an edge with another origin is asked as nobody, in a way that needs no preflight", async () => {
  const { sendAbroad, requests, views } = networkTo(() => new Response("tea", { headers: PUBLIC }), { ath: "guest", jkt: "ours" });
  const response = await sendAbroad(page(`text/html,${"x".repeat(130)}`));
  assert.deepEqual([await response?.text(), views], ["tea", []]);
  const [sent] = requests;
  assert.deepEqual(
    [sent?.url, sent?.mode, sent?.credentials, sent?.redirect, sent?.referrerPolicy],
    ["https://b.test/tea?a=1", "cors", "omit", "manual", "no-referrer"],
  );
  assert.deepEqual([...(sent?.headers ?? [])], [["accept", "text/html"], ["accept-language", "de"]]);
  await sendAbroad(new Request(`${ORIGIN}/picture`, { headers: { accept: `image/webp,${"x".repeat(130)}` } }));
  assert.deepEqual([...(requests[1]?.headers ?? [])].filter(([name]) => name === "accept"), [["accept", "*/*"]]);
});

test("a page from another origin has the policy of ours", async () => {
  const { sendAbroad } = networkTo(() => new Response("tea", { headers: { ...PUBLIC, "referrer-policy": "no-referrer" } }));
  const headers = (await sendAbroad(page("text/html")))?.headers;
  assert.match(headers?.get("content-security-policy") ?? "", /default-src 'none'/);
  assert.equal(headers?.get("referrer-policy"), "no-referrer");
});

/** What stays at home. @type {[string, () => Request][]} */
const OWN = [
  ["a question about options", () => new Request(`${ORIGIN}/`, { method: "OPTIONS" })],
  ["a header that the page has set", () => new Request(`${ORIGIN}/`, { headers: { "hx-request": "true" } })],
  ["who proves to be somebody", () => new Request(`${ORIGIN}/`, { headers: { authorization: "Bearer a" } })],
  ["a part of a file", () => new Request(`${ORIGIN}/`, { headers: { range: "bytes=0-1" } })],
  ["a part of a page", () => new Request(`${ORIGIN}/`, { headers: { accept: "text/html" } })],
];
for (const [what, request] of OWN) {
  test(`stays at home: ${what}`, async () => {
    const { sendAbroad, requests } = networkTo(() => new Response("tea", { headers: PUBLIC }));
    assert.deepEqual([await sendAbroad(request()), requests.length], [null, 0]);
  });
}

test("who is signed in, or perhaps is, asks nobody abroad", async () => {
  const { sendAbroad, requests } = networkTo(() => new Response("tea", { headers: PUBLIC }), { ath: "session", jkt: "" }, false);
  assert.deepEqual([await sendAbroad(page("text/html")), requests.length], [null, 0]);
});

test("a write never goes abroad, whatever it is told", async () => {
  const { sendAbroad, requests } = networkTo(() => new Response("done"));
  await sendAbroad(new Request(`${ORIGIN}/cart`, { method: "POST", body: "a" }));
  assert.deepEqual(requests.map(({ url }) => url), [`${ORIGIN}/cart`]);
});

/** Headers of answers that are not, or perhaps not, for everybody. @type {[string, Record<string, string>, number?][]} */
const NOT_FOR_US = [
  ["private", { ...PUBLIC, "cache-control": "private, no-cache" }],
  ["private all the same", { ...PUBLIC, "cache-control": 'public, private="set-cookie"' }],
  ["not to be kept", { ...PUBLIC, "cache-control": "public, no-store" }],
  ["without a word about it", { "edgekit-host": "native" }],
  ["merely cacheable", { ...PUBLIC, "cache-control": "max-age=60" }],
  ["different with cookies", { ...PUBLIC, vary: "accept-encoding, Cookie" }],
  ["different in some way", { ...PUBLIC, vary: "*" }],
  ["for a guest who was made for it", { ...PUBLIC, "edgekit-view": "changed" }],
  ["not the kit's", { "cache-control": "public" }],
  ["not found", PUBLIC, 404],
  ["a redirect", PUBLIC, 302],
];
for (const [what, headers, status = 200] of NOT_FOR_US) {
  test(`from abroad this is not shown: an answer that is ${what}`, async () => {
    const { sendAbroad, views } = networkTo(() => new Response("tea", { status, headers }));
    assert.deepEqual([await sendAbroad(page("text/html")), views], [null, []]);
  });
}

test("what an edge abroad does not answer is a failure of the network", async () => {
  const { sendAbroad } = networkTo(() => Promise.reject(new TypeError("blocked")));
  await assert.rejects(sendAbroad(page("text/html")), NetworkFailure);
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
    const { network, signal } = networkTo(() => new Response(body(), { status: 503 }));
    await assert.rejects((await network(new Request(`${ORIGIN}/`))).send(base, signal), NetworkFailure);
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
  assert.deepEqual([response?.status, response?.headers.get("edgekit-view"), views], [200, "a-token", []]);
});
