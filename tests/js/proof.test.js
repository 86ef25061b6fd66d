// @ts-check
import assert from "node:assert/strict";
import { createHash, createPublicKey, verify } from "node:crypto";
import { test } from "node:test";

import { createDeviceKey } from "../../browser/device-key.js";
import { bodyDigest, makeProof, sessionHash } from "../../browser/proof.js";
import { memoryStore } from "./fakes.js";

const JTI = "j".repeat(22);
const FACTS = { method: "GET", url: "https://shop.test/a%20b?q=%C3%BC&&#part", jti: JTI, at: 1_700_000_000_999, nonce: undefined, ath: "", write: undefined };

const sha256 = (/** @type {string | Buffer} */ data) => createHash("sha256").update(data).digest();

/** Read with Node's own library. @param {string} proof */
function read(proof) {
  const [head = "", payload = "", signature = ""] = proof.split(".");
  const header = JSON.parse(Buffer.from(head, "base64url").toString());
  const key = createPublicKey({ key: header.jwk, format: "jwk" });
  const bytes = Buffer.from(signature, "base64url");
  assert.ok(verify("sha256", Buffer.from(`${head}.${payload}`), { key, dsaEncoding: "ieee-p1363" }, bytes));
  return { header, claims: JSON.parse(Buffer.from(payload, "base64url").toString()) };
}

async function device() {
  const key = await createDeviceKey(memoryStore())();
  assert.ok(key);
  return key;
}

test("a proof is what RFC 9449 describes, and names the query", async () => {
  const key = await device();
  const { header, claims } = read(await makeProof(key, FACTS));
  assert.deepEqual(header, { typ: "dpop+jwt", alg: "ES256", jwk: key.jwk });
  assert.deepEqual(Object.keys(header.jwk).sort(), ["crv", "kty", "x", "y"]);
  assert.deepEqual(claims, { jti: JTI, htm: "GET", htu: "https://shop.test/a%20b", htq: "q=%C3%BC&&", iat: 1_700_000_000 });
});

test("what is known about nonce, session and body goes in", async () => {
  const write = { ik: "key", bd: "digest" };
  const { claims } = read(await makeProof(await device(), { ...FACTS, method: "POST", url: "https://shop.test/?", nonce: "n", ath: "a", write }));
  assert.deepEqual(claims, { jti: JTI, htm: "POST", htu: "https://shop.test/", htq: "", iat: 1_700_000_000, nonce: "n", ath: "a", ik: "key", bd: "digest" });
});

test("a session is named by its hash", async () => {
  assert.equal(await sessionHash("s".repeat(22)), sha256("s".repeat(22)).toString("base64url"));
});

test("a body is hashed in pieces of 1 MiB", async () => {
  const piece = 1_048_576;
  for (const size of [0, 1, piece - 1, piece, piece + 1, 2 * piece, 2 * piece + 5]) {
    const bytes = Buffer.alloc(size, "tea");
    const pieces = [];
    for (let at = 0; at < size; at += piece) pieces.push(sha256(bytes.subarray(at, at + piece)));
    assert.equal(await bodyDigest(new Blob([bytes])), sha256(Buffer.concat(pieces)).toString("base64url"), `${size} bytes`);
  }
  assert.equal(await bodyDigest(null), sha256("").toString("base64url"));
});
