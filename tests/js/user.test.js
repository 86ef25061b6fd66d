// @ts-check
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { before, test } from "node:test";

import { createUser } from "../../browser/user.js";
import { BROKEN_STORE, memoryStore, recordingFetch } from "./fakes.js";

const LIFE = 14 * 86_400; // seconds
const ES256 = { name: "ECDSA", namedCurve: "P-256" };
/** @type {CryptoKeyPair} */
let pair;

before(async () => {
  pair = /** @type {CryptoKeyPair} */ (await crypto.subtle.generateKey(ES256, true, ["sign", "verify"]));
});

/**
 * A signed view: of a guest, unless `user` names somebody who is signed in.
 *
 * @param {{session?: string, user?: string, ver?: number, iat?: number, jkt?: string}} [change]
 */
async function token({ session = "s", user, ver = 1, iat = 1_000, jkt } = {}) {
  const encode = (/** @type {string | Uint8Array} */ data) => Buffer.from(data).toString("base64url");
  const who = { sub: user ?? "guest", guest: user === undefined, usr: {}, sid: session.repeat(22), frm: "f".repeat(22), jkt };
  const claims = { ...who, iat, exp: iat + LIFE, ver, keys: [], state: {} };
  const message = `${encode('{"alg":"ES256","kid":"k1","typ":"edgekit-view+jwt"}')}.${encode(JSON.stringify(claims))}`;
  const signature = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, pair.privateKey, Buffer.from(message));
  return `${message}.${encode(new Uint8Array(signature))}`;
}

/** How pages and proofs know a session. @param {string} session */
const hashOf = (session) => createHash("sha256").update(session.repeat(22)).digest("base64url");
const nameOf = (/** @type {string} */ session) => hashOf(session).slice(0, 16);

/**
 * @param {() => Promise<string> | string} edge   what `GET /_edge/view` says
 * @param {import("../../browser/store.js").Store} [store]
 */
function userOf(edge, store = memoryStore()) {
  const clock = { now: 2_000_000 };
  const { fetch, requests } = recordingFetch(async () => new Response(null, { status: 204, headers: { "edgekit-view": await edge() } }));
  /** @type {string[]} */
  const sessions = []; // that the questions named
  /** @type {string[]} */
  const changes = [];
  const user = createUser({
    store,
    send: async (target, init, { ath = "", eager = true } = {}) => (sessions.push(eager ? `proven ${ath}` : ath), fetch(target, init)),
    findKey: async () => pair.publicKey,
    now: () => clock.now,
    time: () => clock.now,
    onChange: (who) => void changes.push(who),
  });
  const version = async () => JSON.parse((await user.current()) ?? "{}").ver;
  return { user, version, requests, store, clock, sessions, changes };
}

const offline = () => Promise.reject(new TypeError("offline"));

test("without a view an edge is asked, once", async () => {
  const { version, requests } = userOf(() => token({ ver: 5 }));
  assert.equal(await version(), 5);
  assert.equal(await version(), 5);
  assert.equal(requests.length, 1);
  assert.equal(requests[0]?.headers.get("edgekit-client"), "1");
});

test("that there is no view is knowledge too", async () => {
  const { user, requests } = userOf(() => "none");
  assert.equal(await user.current(), undefined);
  assert.equal(await user.current(), undefined);
  assert.equal(requests.length, 1);
});

test("offline it goes on without, and asks again later", async () => {
  const { user, requests, clock } = userOf(offline);
  assert.equal(await user.current(), undefined);
  assert.equal(await user.current(), undefined);
  assert.equal(requests.length, 1);
  clock.now += 10_000;
  await user.current();
  assert.equal(requests.length, 2);
});

test("the payload outlives the worker, the token is not kept", async () => {
  const store = memoryStore();
  await userOf(offline, store).user.accept(await token({ ver: 2 }));
  const next = userOf(() => assert.fail("asked"), store);
  assert.equal(await next.version(), 2);
  const kept = JSON.stringify(await store.get("view"));
  const parts = (await token({ ver: 2 })).split(".");
  for (const part of parts) assert.ok(!kept.includes(part));
});

test("a newer view replaces, an older one of the same session does not", async () => {
  const { user, version } = userOf(offline);
  await user.accept(await token({ ver: 3 }));
  await user.accept(await token({ ver: 2 }));
  assert.equal(await version(), 3);
  await user.accept(await token({ session: "t", ver: 1 }));
  assert.equal(await version(), 1);
  await user.accept("none");
  assert.equal(await user.current(), undefined);
});

test("an edge that was asked has the last word, also about a cookie that got lost", async () => {
  const { user, version } = userOf(() => token({ ver: 5 }));
  await user.accept(await token({ ver: 7 }));
  await user.refresh();
  assert.equal(await version(), 5);
});

test("what does not verify changes nothing", async () => {
  const { user, version } = userOf(offline);
  await user.accept(await token({ ver: 3 }));
  for (const bad of [null, "", "x.y.z", `${await token({ ver: 9 })}A`]) await user.accept(bad);
  assert.equal(await version(), 3);
});

test("a change without a token is fetched", async () => {
  const { user, version, requests } = userOf(() => token({ ver: 4 }));
  await user.accept("changed");
  assert.equal(await version(), 4);
  assert.equal(requests.length, 1);
});

test("an edge that only says `changed` does not send us round in circles", async () => {
  const { user, requests } = userOf(() => "changed");
  await user.refresh();
  assert.equal(requests.length, 1);
});

test("an answer that came meanwhile is newer than the one asked for", async () => {
  /** @type {(value: string) => void} */
  let answer = () => {};
  const { user, version } = userOf(() => new Promise((resolve) => (answer = resolve)));
  const asking = user.refresh();
  await user.accept(await token({ ver: 7 }));
  answer("none");
  await asking;
  assert.equal(await version(), 7);
});

test("an expired view is used, and renewed behind the answer", async () => {
  const { user, version, requests, clock } = userOf(() => token({ ver: 2, iat: 100_000 }));
  await user.accept(await token({ ver: 1 }));
  clock.now = (1_001 + LIFE) * 1000;
  assert.equal(await version(), 1);
  await user.refresh(); // joins the question that is under way
  assert.equal(requests.length, 1);
  assert.equal(await version(), 2);
});

test("a store that fails is no reason to forget", async () => {
  const { user, version } = userOf(offline, BROKEN_STORE);
  await user.accept(await token({ ver: 3 }));
  assert.equal(await version(), 3);
});

test("the session is known without asking, also to the next worker", async () => {
  const store = memoryStore();
  const { user } = userOf(() => assert.fail("asked"), store);
  assert.deepEqual(await user.session(), { ath: "", jkt: "" });
  const jkt = "j".repeat(43);
  await user.accept(await token({ jkt }));
  assert.deepEqual(await user.session(), { ath: hashOf("s"), jkt });
  assert.deepEqual(await userOf(offline, store).user.session(), { ath: hashOf("s"), jkt });
  await user.accept("none");
  assert.deepEqual(await user.session(), { ath: "", jkt: "" });
});

test("a view that another version of us has kept is not used", async () => {
  const store = memoryStore({ view: { json: "{}", sub: "guest", ver: 3, exp: 9e9 } });
  const { version } = userOf(() => token({ ver: 4 }), store);
  assert.equal(await version(), 4);
});

test("questions name the session, and prove it unless it is a guest's", async () => {
  const { user, sessions } = userOf(() => token({ ver: 2 }));
  await user.refresh();
  await user.send("/_edge/records/user/orders", {});
  await user.accept(await token({ user: "ada", ver: 3 }));
  await user.refresh();
  assert.deepEqual(sessions, ["", `proven ${hashOf("s")}`, `proven ${hashOf("s")}`]);
});

test("whoever is signed in is asked for again and again, beside the answer", async () => {
  let answer = await token({ user: "ada", ver: 2 });
  const { user, version, requests, clock, changes } = userOf(() => answer);
  await user.accept(await token({ user: "ada" }));
  assert.equal(await version(), 1);
  await user.refresh(); // joins
  assert.deepEqual([await version(), requests.length], [2, 1]);
  clock.now += 10_000;
  answer = "none"; // revoked
  assert.equal(await version(), 2);
  await user.refresh();
  assert.equal(await user.current(), undefined);
  assert.deepEqual([requests.length, changes], [2, [nameOf("s"), ""]]);
  clock.now += 100_000;
  assert.equal(await user.current(), undefined);
  assert.equal(requests.length, 2);
});

test("a refusal may say that there is nobody any more", async () => {
  const { fetch } = recordingFetch(() => new Response(null, { status: 401, headers: { "edgekit-view": "none" } }));
  const user = createUser({ store: memoryStore(), send: (target, init) => fetch(target, init), findKey: async () => pair.publicKey, now: Date.now, time: Date.now, onChange() {} });
  await user.accept(await token({ user: "ada" }));
  await user.send("/_edge/records/user/orders", {});
  assert.equal(await user.who(), "");
});

test("pages hear of every change of session, and of nothing else", async () => {
  const { user, changes } = userOf(offline);
  assert.equal(await user.who(), "");
  await user.accept(await token({ session: "g" }));
  await user.accept(await token({ session: "a", user: "ada" }));
  await user.accept(await token({ session: "a", user: "ada", ver: 2 }));
  await user.accept(await token({ session: "b", user: "ada" }));
  assert.equal(await user.who(), nameOf("b"));
  await user.accept("none");
  await user.accept("none");
  assert.deepEqual(changes, [`guest-${nameOf("g")}`, nameOf("a"), nameOf("b"), ""]);
});

test("an answer that is late does not bring back who has signed out", async () => {
  const late = await token({ session: "a", user: "ada", ver: 9 });
  const { user } = userOf(() => late);
  await user.accept(await token({ session: "a", user: "ada" }));
  await user.accept("none");
  await user.accept(late);
  assert.equal(await user.who(), "");
  await user.accept(await token({ session: "g" }));
  await user.accept(await token({ session: "g", ver: 2 }));
  await user.accept(late);
  assert.equal(await user.who(), `guest-${nameOf("g")}`);
  await user.refresh(); // but an edge that is asked now knows best
  assert.equal(await user.who(), nameOf("a"));
});

test("whether somebody is signed in is known only once an edge has said so", async () => {
  const { user } = userOf(offline);
  assert.equal(await user.isGuest(), false);
  for (const [view, guest] of /** @type {const} */ ([[await token(), true], [await token({ session: "t", user: "ada" }), false], ["none", true]])) {
    await user.accept(view);
    assert.equal(await user.isGuest(), guest);
  }
});

test("what is known can be had without a question", async () => {
  const { user, requests } = userOf(() => assert.fail("asked"));
  assert.equal(await user.known(), undefined);
  await user.accept(await token({ ver: 3 }));
  assert.equal(JSON.parse((await user.known()) ?? "").ver, 3);
  assert.equal(requests.length, 0);
});

test("a question tells whether an edge has answered it", async () => {
  assert.equal(await userOf(() => token({ ver: 2 })).user.refresh(), true);
  assert.equal(await userOf(offline).user.refresh(), false);
});

test("a worker that takes over goes on where the one before has stopped", async () => {
  const store = memoryStore();
  const [active, waiting] = [userOf(offline, store), userOf(offline, store)];
  await waiting.user.known();
  await active.user.accept(await token({ ver: 4 }));
  assert.equal(await waiting.user.known(), undefined);
  waiting.user.reopen();
  assert.equal(await waiting.version(), 4);
});
