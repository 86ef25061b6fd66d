// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { ROOM } from "../../browser/outbox-row.js";
import { memoryTable, world } from "./outbox-world.js";

test("a write is answered ahead, on all that waits, and kept before", async () => {
  const { post, shown, disk, server, heard } = world();
  const first = await post("/notes", "one");
  assert.deepEqual([first?.status, first?.headers.get("location"), first?.headers.get("edgekit-pending")], [303, "/notes#client.1", "1"]);
  assert.equal(first?.headers.get("edgekit-effects"), null);
  assert.equal((await post("/notes", "two"))?.headers.get("edgekit-pending"), "2");
  assert.deepEqual([await shown(), server.calls], [["one", "two"], []]);
  const [row] = disk.state.disk.values();
  assert.deepEqual([row?.seq, row?.key, row?.path, row?.time, row?.state], [1, "client.1", "/notes", 1_000_000, "waiting"]);
  assert.deepEqual(heard.at(-1), { waiting: 2, rejected: 0, halted: "", verdicts: [] });
});

test("what the local host cannot answer is not kept", async () => {
  const { post, disk, local } = world();
  assert.equal(await post("/edge", ""), null);
  local.ready = false;
  assert.equal(await post("/notes", "one"), null);
  assert.equal(disk.state.disk.size, 0);
});

test("what the host lacks only so far is brought", async () => {
  const { post, local } = world();
  local.lacks = true;
  assert.equal((await post("/notes", "one"))?.status, 303);
  assert.equal(local.runs, 2);
});

test("what cannot be kept is not answered", async () => {
  const { post, shown, disk } = world();
  disk.state.broken = true;
  assert.equal(await post("/notes", "one"), null);
  assert.deepEqual(await shown(), []);
});

test("there is an end to what is kept", async () => {
  const { post, disk } = world();
  await post("/notes", "x".repeat(ROOM.bytes - 10));
  assert.equal(await post("/notes", "x".repeat(11)), null);
  assert.notEqual(await post("/notes", "x".repeat(10)), null);
  assert.equal(disk.state.disk.size, 2);
});

test("the same write once more gets the same answer, and stays one", async () => {
  const { post, shown, disk } = world();
  const keyed = { "idempotency-key": "of-the-page" };
  const [first] = [await post("/notes", "one", keyed), await post("/notes", "two")];
  const again = await post("/notes", "one", keyed);
  assert.equal(again?.headers.get("location"), first?.headers.get("location"));
  assert.deepEqual([await shown(), disk.state.disk.size], [["one", "two"], 2]);
});

test("writes of two tabs at once are run one after another", async () => {
  const { post, shown } = world();
  await Promise.all(["a", "b", "c", "d"].map((note) => post("/notes", note)));
  assert.deepEqual(await shown(), ["a", "b", "c", "d"]);
});

test("the next worker knows what waits, and runs it again only if something has changed", async () => {
  const before = world();
  await before.post("/notes", "one");
  await before.post("/notes", "two");
  const { shown, local, server } = world({ disk: before.disk });
  assert.deepEqual([await shown(), local.runs], [["one", "two"], 0]);
  server.notes = ["zero"];
  server.ver += 1;
  const later = world({ disk: before.disk, server });
  assert.deepEqual([await later.shown(), later.local.runs], [["zero", "one", "two"], 2]);
  assert.deepEqual([await later.shown(), later.local.runs], [["zero", "one", "two"], 2]);
});

test("what a worker kept before it was killed counts, even if it never came to run it", async () => {
  const before = world();
  await before.post("/notes", "one");
  const [row] = before.disk.state.disk.values();
  const unrun = { .../** @type {any} */ (row), effects: "", foretold: null, basis: "" };
  const { shown } = world({ disk: memoryTable([unrun]) });
  assert.deepEqual(await shown(), ["one"]);
});

test("a host that breaks while it catches up loses nothing", async () => {
  const { post, shown, local, signIn } = world();
  await post("/notes", "one");
  signIn({ ver: 7 });
  local.ready = false;
  assert.deepEqual(await shown(), ["one"]);
  local.ready = true;
  assert.deepEqual(await shown(), ["one"]);
});

test("writes of somebody else lie over nothing", async () => {
  const { post, shown, signIn, heard, rows } = world();
  await post("/notes", "one");
  signIn({ sub: "bob", sid: "b" });
  assert.deepEqual(await shown(), []);
  await post("/notes", "bob's");
  assert.deepEqual([heard.at(-1)?.waiting, rows.all().length], [1, 2]);
  signIn({ sub: "ann", sid: "another" });
  assert.deepEqual(await shown(), ["one"]);
});

test("what a guest wrote whose session got lost is the next guest's", async () => {
  const { post, shown, signIn, line, local, server } = world();
  signIn({ sub: "guest:1", sid: "g", guest: true, frm: "secret" });
  await post("/notes", "one");
  signIn({ sub: "bob", sid: "b" });
  assert.deepEqual(await shown(), []);
  signIn({ sub: "guest:2", sid: "h", guest: true, frm: "other" });
  assert.deepEqual(await shown(), ["one"]);
  // case T1: whatever follows from a guest's name still does, here and at the edge
  await line.flush();
  assert.deepEqual([local.author, server.calls[0]?.author], ["g.secret", "g.secret"]);
});
