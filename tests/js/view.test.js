// @ts-check
import assert from "node:assert/strict";
import { before, test } from "node:test";

import { keyRing, verifyView } from "../../browser/view.js";

const ES256 = { name: "ECDSA", namedCurve: "P-256" };
const LIFE = 14 * 86_400;
const CLAIMS = {
  sub: "guest",
  sid: "s".repeat(22),
  iat: 1_000,
  exp: 1_000 + LIFE,
  ver: 3,
  keys: ["k".repeat(16)],
  state: { cups: 2 },
  usr: { name: "Ada" },
  guest: false,
  frm: "f".repeat(22),
};

/** @type {CryptoKeyPair} */
let pair;
/** @type {CryptoKeyPair} */
let other;

before(async () => {
  const generate = () => crypto.subtle.generateKey(ES256, true, ["sign", "verify"]);
  [pair, other] = /** @type {[CryptoKeyPair, CryptoKeyPair]} */ (await Promise.all([generate(), generate()]));
});

/** @param {Uint8Array | string} data */
const encode = (data) => Buffer.from(data).toString("base64url");
/** @param {string} kid */
const findKey = async (kid) => (kid === "k1" ? pair.publicKey : undefined);

/**
 * @param {object} [change]
 * @param {string} [change.header]
 * @param {string} [change.payload]
 * @param {CryptoKey} [change.key]
 */
async function mint({ header = '{"alg":"ES256","kid":"k1","typ":"edgekit-view+jwt"}', payload, key } = {}) {
  const message = `${encode(header)}.${encode(payload ?? JSON.stringify(CLAIMS))}`;
  const signature = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, key ?? pair.privateKey, Buffer.from(message));
  return `${message}.${encode(new Uint8Array(signature))}`;
}

/** @param {object} change */
const payload = (change) => JSON.stringify({ ...CLAIMS, ...change });

test("a good token gives its claims, and its payload as it was signed", async () => {
  assert.deepEqual(await verifyView(await mint(), findKey), { claims: CLAIMS, json: JSON.stringify(CLAIMS) });
  const exact = payload({}).replace('"cups":2', '"cups":2.0,"big":12345678901234567890');
  assert.equal((await verifyView(await mint({ payload: exact }), findKey))?.json, exact);
});

test("an old view still reads", async () => {
  assert.notEqual(await verifyView(await mint({ payload: payload({ iat: 1, exp: 2 }) }), findKey), null);
});

test("a token with anything changed is refused", async () => {
  const [head, body, signature] = (await mint()).split(".");
  const flipped = Buffer.from(signature ?? "", "base64url");
  flipped[0] = (flipped[0] ?? 0) ^ 1;
  const forged = {
    "other payload": `${head}.${encode(payload({ sub: "admin" }))}.${signature}`,
    "other signature": `${head}.${body}.${encode(flipped)}`,
    "no signature": `${head}.${body}.`,
    "short signature": `${head}.${body}.${signature?.slice(0, -2)}`,
    "padded signature": `${head}.${body}.${signature}==`,
    "padded payload": `${head}.${body}=.${signature}`,
    "two parts": `${head}.${body}`,
    "four parts": `${head}.${body}.${signature}.`,
    "white space": ` ${head}.${body}.${signature}`,
    "standard alphabet": `${head}.${body}.${signature?.slice(0, -1)}+`,
    empty: "",
  };
  for (const [name, token] of Object.entries(forged)) assert.equal(await verifyView(token, findKey), null, name);
});

test("a second spelling of the same bytes is refused", async () => {
  const token = await mint();
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  // The last digit of 64 bytes carries two bits only: the other four are free to whoever does not look.
  const last = alphabet[alphabet.indexOf(token.at(-1) ?? "") + 1] ?? "";
  const respelled = token.slice(0, -1) + last;
  assert.deepEqual(Buffer.from(respelled.split(".")[2] ?? "", "base64url"), Buffer.from(token.split(".")[2] ?? "", "base64url"));
  assert.equal(await verifyView(respelled, findKey), null);
});

test("only the one header is accepted", async () => {
  for (const header of [
    '{"alg":"none","kid":"k1","typ":"edgekit-view+jwt"}',
    '{"alg":"HS256","kid":"k1","typ":"edgekit-view+jwt"}',
    '{"alg":"ES256","kid":"k1","typ":"edgekit-assertion+jwt"}',
    '{"alg":"ES256","kid":"k1"}',
    '{"alg":"ES256","kid":"k1","typ":"edgekit-view+jwt","crit":[]}',
    '{"alg":"ES256","jwk":{},"kid":"k1","typ":"edgekit-view+jwt"}',
    '{"alg":"none","alg":"ES256","kid":"k1","typ":"edgekit-view+jwt"}',
    '{"alg":"ES256","kid":"../k1","typ":"edgekit-view+jwt"}',
    '{"alg":"ES256","kid":7,"typ":"edgekit-view+jwt"}',
    "[]",
    "null",
    "not JSON",
  ]) {
    assert.equal(await verifyView(await mint({ header }), findKey), null, header);
  }
});

test("claims have the right types", async () => {
  for (const change of [
    { sub: 1 }, { ver: 1.5 }, { ver: "1" }, { keys: "k" }, { keys: [1] }, { state: [] }, { state: null },
    { iat: "1000" }, { exp: 1_000 }, { exp: 1_001 + LIFE }, { exp: undefined },
    { sid: "s" }, { sid: undefined }, { sid: `${"s".repeat(21)}=` }, { usr: [] }, { usr: undefined }, { guest: 0 },
    { frm: "f" }, { frm: undefined }, { jkt: "j" }, { jkt: null },
  ]) {
    assert.equal(await verifyView(await mint({ payload: payload(change) }), findKey), null, JSON.stringify(change));
  }
  for (const text of ["null", "[]", "{", "7"]) assert.equal(await verifyView(await mint({ payload: text }), findKey), null);
});

test("a view may name the device of its session", async () => {
  const jkt = "j".repeat(43);
  assert.equal((await verifyView(await mint({ payload: payload({ jkt }) }), findKey))?.claims.jkt, jkt);
});

test("an unknown key and another edge's key are refused", async () => {
  assert.equal(await verifyView(await mint({ header: '{"alg":"ES256","kid":"k2","typ":"edgekit-view+jwt"}' }), findKey), null);
  assert.equal(await verifyView(await mint({ key: other.privateKey }), findKey), null);
});

test("a token over the limit is not even looked at", async () => {
  const state = { long: "x".repeat(4000) };
  assert.equal(await verifyView(await mint({ payload: payload({ state }) }), () => assert.fail("looked")), null);
});

test("the key ring fetches once, again for an unknown key, but at most once a minute", async () => {
  let [time, fetches] = [0, 0];
  const jwk = { ...(await crypto.subtle.exportKey("jwk", pair.publicKey)), kid: "k1" };
  const find = keyRing(async () => ({ keys: fetches++ === 0 ? [] : [jwk] }), () => time);
  assert.equal(await find("k1"), undefined);
  assert.equal(await find("k1"), undefined);
  assert.equal(fetches, 1);
  time = 60_000;
  const [first, second] = await Promise.all([find("k1"), find("k1")]);
  assert.equal(first?.type, "public");
  assert.equal(second, first);
  assert.equal(fetches, 2);
});

test("a fetch of keys that failed is not held against the next", async () => {
  const sets = [Promise.reject(new Error("offline")), Promise.resolve({ keys: [] })];
  sets[0]?.catch(() => {});
  const find = keyRing(() => sets.shift() ?? assert.fail("asked too often"), () => 0);
  assert.equal(await find("k1"), undefined);
  assert.equal(await find("k1"), undefined);
  assert.equal(sets.length, 0);
});
