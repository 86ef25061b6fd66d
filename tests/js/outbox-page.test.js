// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { outboxPage } from "../../browser/outbox-page.js";
import { content, refusalText, sentText } from "../../browser/row-text.js";

const bytes = (/** @type {string} */ text) => /** @type {ArrayBuffer} */ (new TextEncoder().encode(text).buffer);
/** @param {object} [change] @returns {any} */
const row = (change = {}) => ({
  ...{ seq: 1, key: "client.1", method: "POST", path: "/cart?a=<b>", time: 1_000, state: "waiting", size: 9 },
  headers: [["content-type", "application/x-www-form-urlencoded"]],
  body: bytes("_key=secret&sku=tea&note=%3Ci%3E"),
  ...change,
});
const REFUSED = row({
  seq: 2,
  state: "rejected",
  refusal: { status: 409, type: "application/problem+json", body: bytes('{"title":"The cart is full","detail":"Take one out."}'), at: 2_000 },
});

/** @param {{waiting?: any[], rejected?: any[], others?: number, halted?: string}} listed @param {string} [query] @param {RequestInit} [init] */
async function asked(listed, query = "", init = { headers: { accept: "text/html" } }) {
  /** @type {string[]} */
  const acts = [];
  const act = (/** @type {string} */ what) => async (/** @type {number} */ seq) => void acts.push(`${what} ${seq}`);
  const list = async () => ({ waiting: [], rejected: [], others: 0, halted: "", ...listed });
  const response = await outboxPage(new Request(`https://shop.test/_edge/outbox${query}`, init), list, { retry: act("retry"), discard: act("discard"), send: async () => void acts.push("send") });
  return { response, acts, text: await response.text() };
}

test("what waits is listed, with what was sent, as text", async () => {
  const { response, text } = await asked({ waiting: [row(), row({ seq: 3 })], others: 2 });
  assert.equal(response.status, 200);
  assert.match(response.headers.get("content-security-policy") ?? "", /default-src 'none'/);
  for (const words of ["2 changes are kept on this device", "POST /cart?a=&#60;b&#62;", "sku: tea, note: &#60;i&#62;", "1970-01-01 00:00 UTC", "2 changes of somebody else"]) {
    assert.ok(text.includes(words), words);
  }
  assert.ok(!text.includes("secret"));
  assert.ok(!/ style=| on\w+=/.test(text));
});

test("what is in the way says since when, and until when", async () => {
  // case P17
  const { text } = await asked({ waiting: [row({ trouble: { status: 503, why: "an answer 503", since: 3_600_000 } })] });
  assert.match(text, /Since <time datetime="1970-01-01T01:00:00.000Z">1970-01-01 01:00 UTC<\/time> the server has not been able/);
  assert.match(text, /until <time [^>]*>1970-01-02 01:00 UTC/);
});

test("what was refused says why", async () => {
  const { text } = await asked({ rejected: [REFUSED] });
  assert.match(text, /The cart is full\. Take one out\. <a href="\/_edge\/outbox\?answer=2">/);
  const { response, text: said } = await asked({ rejected: [REFUSED] }, "?answer=2");
  assert.deepEqual([response.headers.get("content-type"), JSON.parse(said).title], ["application/problem+json", "The cart is full"]);
});

test("whoever has to sign in again is told so", async () => {
  assert.match((await asked({ waiting: [row()], halted: "session-ended" })).text, /Your session has ended\. Sign in again/);
  assert.match((await asked({ waiting: [row()], halted: "offline" })).text, /One change is kept on this device\. It is sent as soon as/);
});

test("with nothing there the page says that", async () => {
  const { text } = await asked({});
  assert.match(text, /<h1>Everything is sent<\/h1>/);
  assert.ok(!text.includes("<form"));
});

test("forms act, and lead back to the list", async () => {
  const post = (/** @type {Record<string, string>} */ fields) => ({ method: "POST", body: new URLSearchParams(fields) });
  for (const [fields, expected] of /** @type {const} */ ([
    [{ do: "discard", seq: "7" }, ["discard 7"]],
    [{ do: "retry", seq: "7" }, ["retry 7", "send"]],
    [{ do: "send" }, ["send"]],
  ])) {
    const { response, acts } = await asked({}, "", post(fields));
    assert.deepEqual([response.status, response.headers.get("location"), acts], [303, "/_edge/outbox", expected]);
  }
});

test("all of it can be had as a file", async () => {
  const binary = row({ seq: 3, body: new Uint8Array([255, 0]).buffer, headers: [["content-type", "image/png"]] });
  const { response, text } = await asked({ waiting: [row(), binary], rejected: [REFUSED] }, "?export");
  assert.equal(response.headers.get("content-type"), "application/json");
  const [first, second, third] = JSON.parse(text);
  assert.deepEqual([first.seq, first.path, first.time, first.body], [1, "/cart?a=<b>", "1970-01-01T00:00:01.000Z", "_key=secret&sku=tea&note=%3Ci%3E"]);
  assert.deepEqual(second.body, { base64: "/wA=" });
  assert.deepEqual([third.state, third.refusal.status, JSON.parse(third.refusal.body).title], ["rejected", 409, "The cart is full"]);
});

test("bodies are shown as far as people can read them", async () => {
  const form = new FormData();
  form.set("_key", "secret");
  form.set("title", "Tea");
  form.set("photo", new Blob(["…"]), "tea.jpg");
  const { headers, body } = { headers: new Headers(new Response(form).headers), body: await new Response(form).arrayBuffer() };
  const boundary = /--(.+?)\r\n/.exec(new TextDecoder().decode(body))?.[1];
  headers.set("content-type", `multipart/form-data; boundary=${boundary}`);
  assert.equal(await sentText({ headers: [...headers], body }), "title: Tea, photo: tea.jpg");
  const sent = (/** @type {string} */ type, /** @type {any} */ content) => sentText({ headers: [["content-type", type]], body: content });
  assert.equal(await sent("application/json", bytes('{"a":1}')), '{"a":1}');
  assert.equal(await sent("image/png", new Blob(["12345"])), "image/png, 5 bytes");
  assert.equal(await sentText({ headers: [], body: null }), "");
  assert.equal(await content(null), null);
});

test("a reason is a title, in whatever form it came", () => {
  const said = (/** @type {string} */ type, /** @type {string} */ text) => refusalText({ status: 422, type, body: bytes(text), at: 0 });
  assert.equal(said("application/problem+json", '{"title":"No"}'), "No.");
  assert.equal(said("text/html; charset=utf-8", "<!doctype html><title>Tea &amp; &#60;rum&#62;</title>"), "The server answered 422: Tea & <rum>.");
  assert.equal(said("text/plain", "no"), "The server answered 422.");
});
