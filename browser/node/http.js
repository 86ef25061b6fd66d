// @ts-check
/** Node's HTTP server before an interpreter: requests as they were sent, answers as the app gives them. */

import http from "node:http";

import { createAnswer } from "./answer.js";
import { Refusal, refuse, refuseSocket } from "./refusals.js";
import { parseTarget } from "./target.js";

/**
 * What one connection may cost before there is a request. Counterpart: edge/server/protocol.py, with the same numbers.
 *
 * @typedef {object} Limits
 * @property {number} head   bytes of a request line and its headers
 * @property {number} fields   header lines
 * @property {number} headTime   ms until a head is complete
 * @property {number} bodyPause   ms between two parts of a body that the app waits for
 * @property {number} idleTime   ms without a request
 * @property {number} unreadTime   ms in which a client takes nothing of what is sent to it
 * @property {number} ahead   requests that may wait for an earlier one's answer
 * @property {number} connections
 */
/** @type {Readonly<Limits>} */
export const LIMITS = Object.freeze({
  head: 65_536,
  fields: 256,
  headTime: 10_000,
  bodyPause: 30_000,
  idleTime: 75_000,
  unreadTime: 60_000,
  ahead: 32,
  connections: 1000,
});

/**
 * @typedef {Pick<import("./interpreter.js").Interpreter, "request">} Interpreter
 * @typedef {{secure: boolean, limits: Limits, client: import("./proxies.js").ClientOf}} Site
 *   secure: people reach it over https; client: who that is behind the proxies that it trusts
 */

const LOOK = 1000; // ms between two looks at the deadlines of heads
const WHOLE = 65_536; // bytes of a body that is read before the app is called
const UNREAD = 8; // parts of a body that HEAD does not get, until the app hears that nobody reads it

/** @typedef {import("./refusals.js").Code} Code */

/** What Node.js finds wrong with a connection. @type {Map<unknown, Code>} */
const REFUSED = new Map([
  ["HPE_HEADER_OVERFLOW", "headers-too-large"],
  ["ERR_HTTP_REQUEST_TIMEOUT", "request-timeout"],
]);

/**
 * @param {Interpreter} interpreter
 * @param {Partial<Site>} [options]
 * @returns {http.Server}
 */
export function createServer(interpreter, { secure = false, limits = LIMITS, client = (peer) => peer } = {}) {
  const site = { secure, limits, client };
  const options = {
    maxHeaderSize: limits.head,
    headersTimeout: limits.headTime,
    requestTimeout: 0, // an upload may take its time, but must not stop: see `part`
    keepAliveTimeout: limits.idleTime,
    connectionsCheckingInterval: LOOK,
    requireHostHeader: false,
  };
  /** Requests of a connection that are not answered. @type {WeakMap<import("node:stream").Duplex, number>} */
  const open = new WeakMap();
  const take = (/** @type {http.IncomingMessage} */ incoming, /** @type {http.ServerResponse} */ outgoing) => {
    const { socket } = incoming;
    const waiting = open.get(socket) ?? 0;
    if (waiting > limits.ahead) return void socket.destroy();
    open.set(socket, waiting + 1);
    outgoing.on("close", () => open.set(socket, (open.get(socket) ?? 1) - 1));
    exchange(interpreter, site, incoming, outgoing).catch((error) => {
      if (error instanceof Refusal) return refuse(outgoing, error.code, site);
      if (!incoming.errored) console.error(error);
      outgoing.destroy(); // the client is gone, or has to see that it broke off
    });
  };
  const server = http.createServer(options, take);
  server.maxConnections = limits.connections;
  server.maxHeadersCount = 0; // Node.js would leave out what is over it without a word
  server.on("checkExpectation", take); // an expectation that nobody knows is the app's to judge
  server.on("connect", (_, socket) => refuseSocket(socket, "malformed-request", site)); // we are no proxy
  // Called when nothing has moved on a connection: that is the client's fault unless the app is at work.
  server.setTimeout(limits.unreadTime, (socket) => {
    if (socket.writableLength > 0 || !open.get(socket)) socket.destroy();
  });
  server.on("clientError", (error, socket) => {
    refuseSocket(socket, REFUSED.get("code" in error ? error.code : "") ?? "malformed-request", site);
  });
  return server;
}

/**
 * One request and its answer. Rejects with a `Refusal`, or when its connection can only be cut.
 *
 * @param {Interpreter} interpreter
 * @param {Site} site
 * @param {http.IncomingMessage} incoming
 * @param {http.ServerResponse} outgoing
 */
async function exchange(interpreter, site, incoming, outgoing) {
  const call = callOf(incoming, site);
  const body = incoming.iterator({ destroyOnReturn: false }); // an answer is still to be sent on this connection
  const length = lengthOf(incoming);
  const first = length > 0 && length <= WHOLE ? await joined(body, site.limits) : undefined;
  const answer = createAnswer(outgoing, call.method === "HEAD");
  let [answered, unread] = [false, 0];

  /** Nothing of the app's is sent from now on. @param {Code} code */
  const cut = (code) => {
    if (answered) return;
    answered = true;
    if (outgoing.headersSent) outgoing.destroy(); // the client has to see that the body broke off
    else refuse(outgoing, code, site);
  };
  /** A step that may find the app at fault. @param {() => void} step */
  const or = (step) => {
    if (answered) return;
    try {
      step();
    } catch (error) {
      console.error(`${call.method} ${call.path}: ${error instanceof Error ? error.message : error}`);
      cut("internal-error");
      request?.cancel();
    }
  };
  const finish = () => {
    answered = true;
    void body.return?.().then(() => incoming.resume()); // what nobody wants must not hold up the next request
  };
  /** @param {number} status @param {string} headers */
  const begin = (status, headers) => {
    if (status === 0) throw new Error(`an edge has no next host to pass a request to: ${headers}`);
    answer.head(status, headers);
  };

  const request = interpreter.request(call, first, length > WHOLE, {
    reply: (status, headers, bytes) => or(() => {
      begin(status, headers);
      answer.part(bytes, false);
      finish();
    }),
    head: (status, headers) => or(() => {
      begin(status, headers);
      // A first part that is there goes out together with the head; for a later one the head does not wait.
      setImmediate(() => outgoing.writableEnded || outgoing.flushHeaders());
    }),
    chunk: (bytes, more) => or(() => {
      const size = bytes?.byteLength ?? 0;
      const wanted = answer.part(bytes, more, () => request?.read(size));
      if (!more) finish();
      else if (!wanted && ++unread > UNREAD) request?.cancel();
    }),
    want() {
      part(body, site.limits).then(
        ({ value, done }) => request?.feed(done ? undefined : new Uint8Array(value), !done),
        (error) => {
          cut(error instanceof Refusal ? error.code : "malformed-request"); // or the client is gone
          request?.cancel();
        },
      );
    },
    lost: cut,
  });
  if (request === null) throw new Refusal("host-starting");
  outgoing.on("close", () => {
    if (!outgoing.writableFinished) request.cancel();
    answered = true;
  });
}

/**
 * What an app is told of a request: as it was sent, each header line by itself. Raises `Refusal`.
 *
 * @param {http.IncomingMessage} incoming @param {Site} site @returns {import("./interpreter.js").Call}
 */
function callOf(incoming, { secure, limits, client }) {
  const { method = "GET", url = "", rawHeaders, httpVersion, socket } = incoming;
  const names = rawHeaders.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase());
  if (names.length > limits.fields) throw new Refusal("headers-too-large");
  const target = parseTarget(method, url);
  if (target === null) throw new Refusal("malformed-request");
  const { host, path, query } = target;
  const one = names.filter((name) => name === "host").length === 1; // Python refuses what has none or several
  const values = rawHeaders.filter((_, i) => i % 2 === 1);
  const pairs = names.map((name, i) => [name, name === "host" && one ? (host ?? values[i]) : values[i]]);
  const forwarded = values.filter((_, i) => names[i] === "x-forwarded-for").join(", ");
  const peer = client({ address: socket.remoteAddress ?? "", port: socket.remotePort ?? 0 }, forwarded);
  return {
    method,
    scheme: secure ? "https" : "http",
    host: host ?? incoming.headers.host ?? "",
    path,
    query,
    headers: pairs.flat().join("\0"),
    version: httpVersion,
    peer: peer.address,
    port: peer.port,
  };
}

/** How much there is to read at most: the Content-Length, or without end. @param {http.IncomingMessage} incoming */
function lengthOf({ headers }) {
  return headers["transfer-encoding"] === undefined ? Number(headers["content-length"] ?? 0) : Infinity;
}

/** @param {AsyncIterator<Buffer>} body @param {Limits} limits @returns {Promise<Uint8Array>} */
async function joined(body, limits) {
  const parts = [];
  for (let next = await part(body, limits); !next.done; next = await part(body, limits)) parts.push(next.value);
  return new Uint8Array(Buffer.concat(parts)); // a copy: those buffers are shared
}

/** The next part of a body, which must not be long in coming. @param {AsyncIterator<Buffer>} parts @param {Limits} limits */
async function part(parts, limits) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  /** @type {Promise<never>} */
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Refusal("request-timeout")), limits.bodyPause);
  });
  try {
    return await Promise.race([parts.next(), late]);
  } finally {
    clearTimeout(timer);
  }
}
