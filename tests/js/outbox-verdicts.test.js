// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { world } from "./outbox-world.js";

const MINUTE = 60_000;

test("an edge confirms in order, and what was foretold stays as it is", async () => {
  const { post, line, shown, server, disk, heard, verdicts, local } = world();
  for (const note of ["one", "two", "three"]) await post("/notes", note);
  const { runs } = local;
  await line.flush();
  assert.deepEqual(server.calls.map(({ sent, key, time }) => [sent, key, time]), [
    ["one", "client.1", "1000000"],
    ["two", "client.2", "1000000"],
    ["three", "client.3", "1000000"],
  ]);
  assert.deepEqual([disk.state.disk.size, local.runs, await shown()], [0, runs, ["one", "two", "three"]]);
  assert.deepEqual(heard.at(-1), {
    waiting: 0,
    rejected: 0,
    halted: "",
    verdicts: [{ seq: 3, key: "client.3", method: "POST", path: "/notes", verdict: "applied", asForetold: true }],
  });
  assert.deepEqual(verdicts.counts(), { applied: 3, replayed: 0, rejected: 0, unforeseen: 0 });
});

test("an answer that got lost is asked for again, with no second effect", async () => {
  const { post, line, shown, server, pass, verdicts } = world();
  await post("/notes", "one");
  await post("/notes", "two");
  server.loses = true;
  await line.flush();
  server.loses = false;
  await pass(MINUTE);
  assert.deepEqual([server.notes, await shown()], [["one", "two"], ["one", "two"]]);
  assert.deepEqual([verdicts.counts().applied, verdicts.counts().unforeseen], [2, 0]);
});

test("a row stays until it is known what came of it", async () => {
  const { post, line, server, disk, pass } = world();
  await post("/notes", "one");
  server.loses = true;
  await line.flush();
  // The cookie has it, this worker does not; and the question for the view finds nobody.
  server.loses = false;
  const { answer } = server;
  server.answer = async (request) => {
    const response = await answer(request);
    server.reachable = false;
    return response;
  };
  await pass(1_500);
  assert.equal(disk.state.disk.size, 1);
  Object.assign(server, { reachable: true, answer });
  await pass(MINUTE);
  assert.equal(disk.state.disk.size, 0);
});

test("a refusal that nobody foresaw is kept, and what came after is run without it", async () => {
  const { post, line, shown, server, disk, heard, rows } = world();
  for (const note of ["one", "bad", "three"]) await post("/notes", note);
  server.instead = ({ sent }) =>
    sent === "bad" ? new Response("<title>Too bad</title>", { status: 422, headers: { "edgekit-host": "native", "content-type": "text/html" } }) : null;
  await line.flush();
  assert.deepEqual([server.notes, await shown()], [["one", "three"], ["one", "three"]]);
  assert.deepEqual([heard.at(-1)?.waiting, heard.at(-1)?.rejected], [0, 1]);
  const [kept] = rows.all();
  assert.deepEqual([kept?.state, kept?.refusal?.status, kept?.refusal?.type], ["rejected", 422, "text/html"]);
  assert.equal(new TextDecoder().decode(kept?.refusal?.body), "<title>Too bad</title>");
  assert.deepEqual([...disk.state.disk.values()].map(({ state }) => state), ["rejected"]);
});

test("what the user has been refused is not kept, so that it does not happen later", async () => {
  const { post, line, disk, server } = world();
  assert.equal((await post("/refuse", "x"))?.status, 409);
  await line.flush();
  assert.deepEqual([disk.state.disk.size, server.calls.length], [0, 0]);
});

test("a refusal that was only foretold later is news for the user", async () => {
  const { post, line, shown, server, signIn, rows } = world();
  assert.equal((await post("/full", "x"))?.status, 303);
  Object.assign(server, { notes: ["a", "b", "c"], ver: 2 });
  signIn({}); // the view of now
  assert.deepEqual(await shown(), ["a", "b", "c"]);
  await line.flush();
  assert.deepEqual(rows.all().map(({ state, refusal }) => [state, refusal?.status]), [["rejected", 409]]);
});

test("what goes otherwise than foretold is said in words, and the rest is run again", async () => {
  const { post, line, shown, server, noted, verdicts } = world();
  server.notes = ["of another device"];
  for (const path of ["/notes", "/full", "/full"]) await post(path, path);
  server.ver += 1;
  await line.flush();
  assert.deepEqual(server.notes, ["of another device", "/notes", "/full"]);
  assert.deepEqual(await shown(), server.notes);
  assert.equal(verdicts.counts().unforeseen, 1);
  assert.match(String(noted[0]), /POST \/notes went otherwise than foretold\n {2}state: here \{"notes":\["\/notes"\]\}, at the edge/);
});

test("who has signed out meanwhile is waited for", async () => {
  const { post, line, server, signIn, disk } = world();
  await post("/notes", "ann's");
  signIn({ sub: "bob", sid: "b" });
  await line.flush();
  assert.deepEqual([server.calls.length, disk.state.disk.size], [0, 1]);
  signIn({ sub: "ann", sid: "new" });
  await line.flush();
  assert.equal(disk.state.disk.size, 0);
});

test("a session that has ended stops the line, and nothing is lost", async () => {
  const { post, line, server, disk, heard, pass } = world();
  await post("/notes", "one");
  const document = JSON.stringify({ type: "urn:problem-type:edgekit:session-ended", status: 401 });
  server.instead = () => new Response(document, { status: 401, headers: { "edgekit-host": "native", "content-type": "application/problem+json" } });
  await line.flush();
  assert.deepEqual([disk.state.disk.size, heard.at(-1)?.halted], [1, "session-ended"]);
  server.instead = () => null;
  await pass(MINUTE);
  assert.deepEqual([disk.state.disk.size, heard.at(-1)?.halted], [0, ""]);
});

test("a session that is not the one we know is asked for", async () => {
  const { post, line, server, signIn, pass } = world();
  signIn({ sub: "guest:1", sid: "lost", guest: true });
  await post("/notes", "one");
  const refusal = () => new Response("", { status: 412, headers: { "edgekit-host": "native", "content-type": "application/problem+json" } });
  const document = JSON.stringify({ type: "urn:problem-type:edgekit:session-changed", retryable: true });
  server.instead = ({ session }) => (session === "lost" ? new Response(document, refusal()) : null);
  await line.flush();
  await pass(MINUTE); // it is Ann now, who does not send what a guest wrote
  assert.deepEqual(server.notes, []);
  assert.deepEqual(server.calls.map(({ session }) => session), ["lost"]);
});

test("an app that fails each time holds nobody up", async () => {
  const { post, line, server, rows, pass } = world();
  await post("/notes", "poison");
  await post("/notes", "two");
  server.instead = ({ sent }) => (sent === "poison" ? new Response("", { status: 500, headers: { "edgekit-host": "native" } }) : null);
  await line.flush();
  await pass(5 * MINUTE);
  assert.deepEqual(server.notes, ["two"]);
  assert.deepEqual(rows.all().map(({ state, refusal }) => [state, refusal?.status]), [["rejected", 500]]);
});

test("an edge that was away does not count as a failure of the app", async () => {
  const { post, line, server, disk, pass } = world();
  await post("/notes", "one");
  const answer = (/** @type {number} */ status) => () => new Response("", { status, headers: { "edgekit-host": "native" } });
  server.instead = answer(503);
  await line.flush();
  await pass(5 * MINUTE);
  server.instead = answer(500);
  await pass(MINUTE);
  server.instead = () => null;
  await pass(MINUTE);
  assert.deepEqual([server.notes, disk.state.disk.size], [["one"], 0]);
});

// case P17
test("a write that edges have trouble with for a day is put aside and shown, and those behind it go on", async () => {
  const { post, line, server, clock, rows, heard } = world();
  const later = (/** @type {number} */ ms) => ((clock.now += ms), line.flush({ urgent: true }));
  await post("/notes", "one");
  await post("/notes", "two");
  const busy = new Response("busy", { status: 503, headers: { "edgekit-host": "native" } });
  server.instead = ({ sent }) => (sent === "one" ? busy.clone() : null);
  await line.flush();
  await later(MINUTE);
  const [row] = rows.of(JSON.stringify({ sub: "ann", sid: "s", guest: false }));
  assert.deepEqual([row?.trouble, server.notes], [{ status: 503, why: "an answer 503", since: 1_000_000 }, []]);
  await later(23 * 60 * MINUTE);
  assert.deepEqual([server.notes, heard.at(-1)?.rejected], [[], 0]);
  await later(61 * MINUTE);
  assert.deepEqual([server.notes, heard.at(-1)?.waiting, heard.at(-1)?.rejected], [["two"], 0, 1]);
  assert.equal(rows.all()[0]?.refusal?.status, 503);
});

test("whatever would be the same with any other write puts none aside", async () => {
  const problem = (/** @type {string} */ code) => JSON.stringify({ type: `urn:problem-type:edgekit:${code}`, retryable: true });
  /** @type {[string, number, Record<string, string>][]} */
  const answers = [
    [problem("origin-unavailable"), 503, { "edgekit-host": "native", "content-type": "application/problem+json" }],
    [problem("session-ended"), 401, { "edgekit-host": "native", "content-type": "application/problem+json" }],
    ["portal", 200, {}],
    ["proxy", 503, {}],
  ];
  for (const [body, status, headers] of answers) {
    const { post, line, server, clock, disk, heard } = world();
    await post("/notes", "one");
    server.instead = () => new Response(body, { status, headers });
    await line.flush();
    clock.now += 3 * 24 * 60 * MINUTE;
    await line.flush({ urgent: true });
    assert.deepEqual([disk.state.disk.size, heard.at(-1)?.rejected], [1, 0], body);
  }
});

// case P11
test("a fresh write whose date is wrong because of this device's clock is dated anew", async () => {
  const DAY = 86_400_000;
  const { post, line, server, pass, clock, verdicts } = world();
  const truth = () => clock.now + 8 * DAY;
  const headers = () => ({ "edgekit-host": "native", date: new Date(truth()).toUTCString() });
  server.instead = ({ time }) =>
    truth() - Number(time) > 7 * DAY ? new Response("too old", { status: 410, headers: headers() }) : null;
  await post("/notes", "one");
  await pass(10 * MINUTE);
  await line.flush({ urgent: true });
  await pass(MINUTE);
  assert.deepEqual([server.notes, verdicts.counts().rejected], [["one"], 0]);
  const acted = truth() - 11 * MINUTE;
  assert.ok(Math.abs(Number(server.calls.at(-1)?.time) - acted) < 2_000);
  await post("/notes", "two"); // by now the clock is known
  await line.flush();
  assert.ok(Math.abs(Number(server.calls.at(-1)?.time) - truth()) < 2_000);
  assert.deepEqual(server.notes, ["one", "two"]);
});

test("what has really waited for too long is refused", async () => {
  const DAY = 86_400_000;
  const { post, line, server, clock, verdicts, heard } = world();
  await post("/notes", "one");
  clock.now += 8 * DAY;
  server.instead = () => new Response("too old", { status: 410, headers: { "edgekit-host": "native", date: new Date(clock.now).toUTCString() } });
  await line.flush({ urgent: true });
  assert.deepEqual([verdicts.counts().rejected, heard.at(-1)?.rejected], [1, 1]);
});

test("whoever is no edge has no last word", async () => {
  const { post, line, server, disk, pass } = world();
  await post("/notes", "one");
  server.instead = () => new Response("Welcome to our hotel", { status: 200 });
  await line.flush();
  await pass(MINUTE);
  assert.equal(disk.state.disk.size, 1);
});

test("a rejected write can be sent again, under another key, or forgotten", async () => {
  const { post, line, server, rows, verdicts, clock } = world();
  server.instead = () => new Response("", { status: 409, headers: { "edgekit-host": "native" } });
  await post("/notes", "one");
  await post("/notes", "two");
  await line.flush();
  assert.deepEqual(rows.all().map(({ state }) => state), ["rejected", "rejected"]);
  server.instead = () => null;
  clock.now += 5_000;
  await verdicts.retry(1);
  await verdicts.discard(2);
  await line.flush();
  assert.deepEqual([server.notes, rows.all()], [["one"], []]);
  assert.deepEqual([server.calls.at(-1)?.key, server.calls.at(-1)?.time], ["client.3", "1005000"]);
});

test("only whose write it is can forget it or send it again", async () => {
  const { post, signIn, verdicts, rows } = world();
  await post("/notes", "ann's");
  signIn({ sub: "bob", sid: "b" });
  await verdicts.discard(1);
  await verdicts.retry(1);
  assert.equal(rows.all().length, 1);
});

test("a write that was forgotten on its way leaves no trace", async () => {
  const { post, line, server, verdicts, rows, shown } = world();
  await post("/notes", "one");
  await post("/notes", "two");
  server.instead = () => (void verdicts.discard(1), null);
  await line.flush();
  assert.deepEqual([rows.all(), await shown()], [[], server.notes]);
});

test("what was confirmed is passed on", async () => {
  const { post, line, confirmed } = world();
  await post("/notes", "one");
  await line.flush();
  assert.deepEqual(confirmed.map((text) => JSON.parse(text).state), [{ notes: ["one"] }]);
});
