// What one connection may cost on Node.js, before there is a request (case T7): as edge/server/protocol.py has it.
import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import test from "node:test";

import { createServer, LIMITS } from "../../browser/node/http.js";

/** @typedef {(request: Request) => Promise<Response>} App */

/** @type {App} */
const size = async (request) => new Response(String((await request.arrayBuffer()).byteLength));

/** In place of an interpreter. @param {App} app @returns {import("../../browser/node/http.js").Interpreter} */
function running(app) {
  return {
    request({ method, path, headers: flat }, first, more, listener) {
      /** @type {ReadableStreamDefaultController<Uint8Array>} */
      let feeding;
      const rest = new ReadableStream({ start: (controller) => void (feeding = controller), pull: () => listener.want() }, { highWaterMark: 0 });
      const headers = new Headers();
      const parts = flat.split("\0");
      for (let i = 0; i < parts.length; i += 2) headers.append(parts[i] ?? "", parts[i + 1] ?? "");
      const body = more ? rest : /** @type {Uint8Array<ArrayBuffer> | undefined} */ (first);
      const request = new Request(`http://tea.test${path}`, /** @type {RequestInit} */ ({ method, headers, duplex: "half", ...(method === "GET" ? {} : { body }) }));
      void app(request).then(async (response) => {
        listener.head(response.status, "");
        for await (const part of response.body ?? []) listener.chunk(part, true);
        listener.chunk(undefined, false);
      });
      return { feed: (bytes) => (bytes ? feeding.enqueue(bytes) : feeding.close()), read() {}, cancel() {} };
    },
  };
}

/**
 * A server on loopback whose app reads the body and answers its size; `limits` are changed as told.
 *
 * @param {import("node:test").TestContext} t
 * @param {Partial<import("../../browser/node/http.js").Limits>} limits
 * @param {App} app
 */
async function serve(t, limits = {}, app = size) {
  const server = createServer(running(app), { limits: { ...LIMITS, ...limits } });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return server;
}

/** A connection; `heard()` waits for its end and gives all that came. @param {import("node:http").Server} server */
async function connect(server) {
  const { port } = /** @type {net.AddressInfo} */ (server.address());
  const socket = net.connect(port, "127.0.0.1");
  socket.on("error", () => {});
  await once(socket, "connect");
  /** @type {Buffer[]} */
  const parts = [];
  socket.on("data", (part) => parts.push(part));
  const closed = new Promise((resolve) => socket.on("close", resolve));
  return { socket, heard: async () => (await closed, Buffer.concat(parts).toString("latin1")) };
}

const HEAD = "GET / HTTP/1.1\r\nhost: localhost\r\n";
const POST = "POST / HTTP/1.1\r\nhost: localhost\r\n";
const END = "connection: close\r\n\r\n";

test("an ordinary request is answered", async (t) => {
  const { socket, heard } = await connect(await serve(t));
  socket.write(`${POST}content-length: 3\r\n${END}tea`);
  assert.match(await heard(), /^HTTP\/1.1 200 .*3\r\n0\r\n\r\n$/s);
});

for (const [name, head] of Object.entries({
  "many small headers": HEAD + "a: b\r\n".repeat(2_000_000),
  "a header without end": `${HEAD}a: ${"b".repeat(12_000_000)}`,
  "a target without end": `GET /${"b".repeat(12_000_000)}`,
})) {
  test(`${name}: refused while it arrives`, async (t) => {
    const { socket, heard } = await connect(await serve(t));
    socket.write(head);
    const answer = await heard();
    if (answer !== "") assert.match(answer, /^HTTP\/1.1 431 .*"code":"headers-too-large"/s);
    assert.ok(socket.bytesWritten < head.length || answer !== "");
  });
}

test("headers are counted, and none is left out", async (t) => {
  const server = await serve(t, {}, async (request) => new Response(request.headers.get("x-last")));
  const exactly = await connect(server);
  exactly.socket.write(`${HEAD}${"a: b\r\n".repeat(LIMITS.fields - 3)}x-last: here\r\n${END}`);
  assert.match(await exactly.heard(), / 200 .*here/s);
  const more = await connect(server);
  more.socket.write(`${HEAD}${"a: b\r\n".repeat(LIMITS.fields - 2)}x-last: here\r\n${END}`);
  assert.match(await more.heard(), / 431 .*"code":"headers-too-large"/s);
});

test("a head has a deadline, whatever comes", async (t) => {
  const { socket, heard } = await connect(await serve(t, { headTime: 300 }));
  socket.write(HEAD);
  const drip = setInterval(() => socket.write("a"), 50);
  assert.match(await heard(), / 408 .*"code":"request-timeout"/s);
  clearInterval(drip);
});

test("who asks for nothing is sent away", async (t) => {
  const { heard } = await connect(await serve(t, { headTime: 300 }));
  await heard();
});

test("a body that stops ends the request", async (t) => {
  for (const length of [9, 900_000]) {
    const { socket, heard } = await connect(await serve(t, { bodyPause: 100 }));
    socket.write(`${POST}content-length: ${length}\r\n\r\ntea`);
    assert.match(await heard(), / 408 .*connection: close.*"code":"request-timeout"/is);
  }
});

test("a client that does not read is left", async (t) => {
  const server = await serve(t, { unreadTime: 200 }, async () => new Response(new Uint8Array(50_000_000)));
  const { socket, heard } = await connect(server);
  socket.pause();
  socket.write(`${HEAD}\r\n`);
  await once(server, "request");
  for (;;) {
    const connections = await new Promise((resolve) => server.getConnections((_, count) => resolve(count)));
    if (connections === 0) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  socket.destroy();
  await heard();
});

test("an app may take its time", async (t) => {
  const slow = async () => (await new Promise((resolve) => setTimeout(resolve, 700)), new Response("late"));
  const { socket, heard } = await connect(await serve(t, { unreadTime: 200 }, slow));
  socket.write(`${HEAD}${END}`);
  assert.match(await heard(), / 200 .*late/s);
});

test("a connection that is kept ends when it is idle", async (t) => {
  const { socket, heard } = await connect(await serve(t, { idleTime: 200 }));
  socket.write(`${HEAD}\r\n`);
  assert.match(await heard(), / 200 /);
});

test("requests ahead of their answers are counted", async (t) => {
  /** @type {number[]} */
  const started = [];
  const server = await serve(t, {}, () => new Promise(() => void started.push(1)));
  const { socket, heard } = await connect(server);
  socket.write(`${HEAD}\r\n`.repeat(1000));
  assert.equal(await heard(), "");
  assert.ok(started.length <= LIMITS.ahead + 1);
});

test("connections are counted", async (t) => {
  const server = await serve(t, { connections: 1 });
  const first = await connect(server);
  const second = await connect(server);
  assert.equal(await second.heard(), "");
  first.socket.write(`${HEAD}${END}`);
  assert.match(await first.heard(), / 200 /);
});

// case H1
test("while there is no interpreter, everybody is told to come again", async (t) => {
  const server = createServer({ request: () => null });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  for (const method of ["GET", "HEAD"]) {
    const { socket, heard } = await connect(server);
    socket.write(`${method} /_edge/health HTTP/1.1\r\nhost: localhost\r\n${END}`);
    const answer = await heard();
    assert.match(answer, /^HTTP\/1.1 503 .*retry-after: 2\r\n/s);
    assert.equal(answer.includes('"code":"host-starting"'), method === "GET");
  }
  for (const [method, again] of /** @type {[string, boolean][]} */ ([["GET", true], ["POST", false]])) {
    const { socket, heard } = await connect(server);
    socket.write(`${method} / HTTP/1.1\r\nhost: localhost\r\naccept: text/html,*/*;q=0.1\r\n${END}`);
    const answer = await heard();
    assert.match(answer, /^HTTP\/1.1 503 .*edgekit-problem: host-starting\r\n.*<h1>One moment, please<\/h1>/s);
    assert.match(answer, /content-security-policy: /);
    assert.equal(answer.includes('http-equiv="refresh"'), again);
  }
});
