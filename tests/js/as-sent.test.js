// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { addedHeaders, madeOf, refererOf, restOf, standsFor } from "../../browser/as-sent.js";

const ORIGIN = "https://shop.test";
const KNOWN = { origin: ORIGIN, language: "de-AT,de;q=0.9", agent: { userAgent: "Browser/1" } };
/** @type {import("../../browser/as-sent.js").Made} */
const NAVIGATION = { referrer: `${ORIGIN}/tea`, referrerPolicy: "same-origin", mode: "navigate", destination: "document", cache: "default" };

/** @param {Partial<import("../../browser/as-sent.js").Made>} made @param {RequestInit} [init] */
const requestMade = (made, init) => standsFor(new Request(`${ORIGIN}/h`, init), { ...NAVIGATION, ...made });

/** @param {Request} request @param {Partial<import("../../browser/as-sent.js").Known>} [known] */
const added = (request, known) => Object.fromEntries(addedHeaders(request, { ...KNOWN, ...known }));

test("the app sees what the network would add", () => {
  // case P5
  assert.deepEqual(added(requestMade({})), {
    "accept": "*/*",
    "accept-language": "de-AT,de;q=0.9",
    "user-agent": "Browser/1",
    "referer": `${ORIGIN}/tea`,
    "sec-fetch-site": "same-origin",
    "sec-fetch-mode": "navigate",
    "sec-fetch-dest": "document",
  });
  const call = added(requestMade({ mode: "cors", destination: "", size: 3, cache: "no-store" }, { method: "POST", body: "tea" }));
  assert.deepEqual([call.origin, call["content-length"], call["sec-fetch-dest"]], [ORIGIN, "3", "empty"]);
  assert.deepEqual([call.pragma, call["cache-control"]], ["no-cache", "no-cache"]);
  assert.equal(added(requestMade({ cache: "no-cache" }))["cache-control"], "max-age=0");
});

test("what the page has said itself stays", () => {
  const request = requestMade({}, { headers: { accept: "text/x", "accept-language": "fr", "user-agent": "me" } });
  assert.deepEqual(Object.keys(added(request)), ["referer", "sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest"]);
});

test("hints are said where the browser has them", () => {
  const userAgentData = { brands: [{ brand: "Not", version: "8" }, { brand: "Chromium", version: "156" }], mobile: false, platform: "Linux" };
  const headers = added(requestMade({}), { agent: { userAgent: "", userAgentData, globalPrivacyControl: true } });
  assert.equal(headers["sec-ch-ua"], '"Not";v="8", "Chromium";v="156"');
  assert.deepEqual([headers["sec-ch-ua-mobile"], headers["sec-ch-ua-platform"], headers["sec-gpc"]], ["?0", '"Linux"', "1"]);
});

test("where a navigation comes from", () => {
  const site = (/** @type {Partial<import("../../browser/as-sent.js").Made>} */ made) => added(requestMade(made))["sec-fetch-site"];
  assert.equal(site({ referrer: "https://other.example/" }), "cross-site");
  assert.equal(site({ referrer: "http://shop.test/" }), "cross-site");
  assert.equal(site({ referrer: "https://shop.test:8443/" }), "same-site");
  assert.equal(site({ referrer: "", mode: "cors", destination: "" }), "same-origin");
  // Nobody can know: whoever looks escalates.
  for (const referrer of ["", "https://blog.shop.test/", "https://other.test/"]) assert.equal(site({ referrer }), undefined);
});

test("a page that hides its referrer has an origin that says nothing, if a form is sent", () => {
  // case P6
  const write = { method: "POST", body: "tea" };
  const hidden = added(requestMade({ referrer: "", referrerPolicy: "no-referrer" }, write));
  assert.deepEqual([hidden.referer, hidden.origin, hidden["sec-fetch-site"]], [undefined, "null", "same-origin"]);
  assert.equal(added(requestMade({ referrer: "", referrerPolicy: "no-referrer", mode: "cors" }, write)).origin, ORIGIN);
});

test("a request that is made anew names the page's own referrer, and the rest in a header", () => {
  // case P1
  assert.deepEqual(refererOf(requestMade({}), ORIGIN), { referrer: `${ORIGIN}/tea`, referrerPolicy: "same-origin" });
  assert.deepEqual(restOf(requestMade({}), ORIGIN), { "Edgekit-Sent": "sec-fetch-mode=navigate&sec-fetch-dest=document&sec-fetch-site=same-origin" });
  const foreign = requestMade({ referrer: "https://other.test/a?b" });
  assert.equal(refererOf(foreign, ORIGIN).referrer, "");
  const rest = new URLSearchParams(restOf(foreign, ORIGIN)["Edgekit-Sent"]);
  assert.deepEqual([rest.get("referer"), rest.get("sec-fetch-site")], ["https://other.test/a?b", "cross-site"]);
  const write = new URLSearchParams(restOf(requestMade({ hints: [["sec-ch-ua-mobile", "?1"]] }, { method: "POST" }), ORIGIN)["Edgekit-Sent"]);
  assert.deepEqual([write.get("sec-ch-ua-mobile"), write.get("sec-fetch-site")], ["?1", null]);
});

test("an edge is told the most likely site of a navigation", () => {
  const told = (/** @type {Partial<import("../../browser/as-sent.js").Made>} */ made) =>
    new URLSearchParams(restOf(requestMade(made), ORIGIN)["Edgekit-Sent"]).get("sec-fetch-site");
  assert.deepEqual(["", "https://blog.shop.test/", "https://other.test/"].map((referrer) => told({ referrer })), ["none", "same-site", "cross-site"]);
});

test("of a request that a script has made, the request itself tells", () => {
  const { referrer, mode, cache } = madeOf(new Request(`${ORIGIN}/`, { cache: "reload" }));
  assert.deepEqual([referrer, mode, cache], ["", "cors", "reload"]);
  assert.equal(madeOf(standsFor(new Request(ORIGIN))).mode, "same-origin");
});
