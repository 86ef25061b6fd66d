// @ts-check
/** Node's HTTP server around a function from Request to Response. */

import http from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

import { securityHeaders } from "../security-headers.js";

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
const LOOK = 1000; // ms between two looks at the deadlines of heads
const WHOLE = 65_536; // bytes of a body that is read before the app is called
const METHODS = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT";
const PRINTABLE = /^[\x21-\x7e]+$/;
// What a URL would take for something else before Python sees it (edge/intake.py, `_check_path`).
const AMBIGUOUS = /\\|(?:^|\/)(?:\.|%2e){1,2}(?:\/|$)/i;
const BASE = "http://localhost"; // stands for whatever Host says, which Python judges (edge/public_address.py)

/** Titles as edge/errors.py has them. */
const PROBLEMS = Object.freeze({
  "malformed-path": { status: 400, title: "The path is not well-formed" },
  "malformed-header": { status: 400, title: "A header is not valid" },
  "request-timeout": { status: 408, title: "The request did not arrive in time" },
  "method-not-allowed": { status: 405, title: "This method is not allowed here" },
  "headers-too-large": { status: 431, title: "The request headers are too large" },
  "internal-error": { status: 500, title: "The app failed to answer" },
});

/** What Node.js finds wrong with a connection. @type {Map<unknown, keyof typeof PROBLEMS>} */
const REFUSED = new Map([
  ["HPE_HEADER_OVERFLOW", "headers-too-large"],
  ["ERR_HTTP_REQUEST_TIMEOUT", "request-timeout"],
]);

/** A request that never reaches the app. */
class Refusal extends Error {
  /** @param {keyof typeof PROBLEMS} code */
  constructor(code) {
    super(code);
    this.code = code;
  }
}

/**
 * @param {(request: Request) => Promise<Response | null>} answer
 * @param {{secure?: boolean, limits?: Limits}} [site]   secure: people reach it over https
 * @returns {http.Server}
 */
export function createServer(answer, { secure = false, limits = LIMITS } = {}) {
  const options = {
    maxHeaderSize: limits.head,
    headersTimeout: limits.headTime,
    requestTimeout: 0, // an upload may take its time, but must not stop: see `part`
    keepAliveTimeout: limits.idleTime,
    connectionsCheckingInterval: LOOK,
    requireHostHeader: false,
  };
  /** Requests of a connection that are not answered. @type {WeakMap<import("node:net").Socket, number>} */
  const open = new WeakMap();
  const server = http.createServer(options, async (incoming, outgoing) => {
    const { socket } = incoming;
    const waiting = open.get(socket) ?? 0;
    if (waiting > limits.ahead) return void socket.destroy();
    open.set(socket, waiting + 1);
    const gone = new AbortController();
    outgoing.on("close", () => {
      open.set(socket, (open.get(socket) ?? 1) - 1);
      if (!outgoing.writableFinished) gone.abort();
    });
    try {
      await write(await respond(answer, incoming, gone.signal, secure, limits), outgoing);
    } catch {
      outgoing.destroy(); // the client is gone, or has to see that the body broke off
    }
  });
  server.maxConnections = limits.connections;
  server.maxHeadersCount = 0; // Node.js would leave out what is over it without a word
  // Called when nothing has moved on a connection: that is the client's fault unless the app is at work.
  server.setTimeout(limits.unreadTime, (socket) => {
    if (socket.writableLength > 0 || !open.get(socket)) socket.destroy();
  });
  server.on("clientError", (error, socket) => {
    if (!socket.writable) return socket.destroy();
    const code = REFUSED.get("code" in error ? error.code : "") ?? "malformed-header";
    const { status, title } = PROBLEMS[code];
    const body = document(code);
    const fields = { ...refusalHeaders(secure), connection: "close", "content-length": Buffer.byteLength(body) };
    const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
    return socket.end(`HTTP/1.1 ${status} ${title}\r\n${lines.join("")}\r\n${body}`);
  });
  return server;
}

/**
 * @param {(request: Request) => Promise<Response | null>} answer
 * @param {http.IncomingMessage} incoming
 * @param {AbortSignal} signal
 * @param {boolean} secure
 * @param {Limits} limits
 */
async function respond(answer, incoming, signal, secure, limits) {
  try {
    const response = await answer(await requestOf(incoming, signal, limits));
    if (response === null) throw new Error("an edge has no next host to pass a request to");
    return response;
  } catch (error) {
    if (!(error instanceof Refusal) && !signal.aborted) console.error(error);
    return refusal(error instanceof Refusal ? error.code : "internal-error", secure);
  }
}

/** @param {http.IncomingMessage} incoming @param {AbortSignal} signal @param {Limits} limits @returns {Promise<Request>} */
async function requestOf(incoming, signal, limits) {
  const { method = "GET", url: target = "/" } = incoming;
  const names = incoming.rawHeaders.filter((_, index) => index % 2 === 0);
  if (names.length > limits.fields) throw new Refusal("headers-too-large");
  // Node.js would go by the first of several, and Python only sees that one.
  if (names.filter((name) => name.toLowerCase() === "host").length !== 1) throw new Refusal("malformed-header");
  const [rawPath = ""] = target.split("?", 1);
  if (!PRINTABLE.test(target) || AMBIGUOUS.test(rawPath)) throw new Refusal("malformed-path");
  const url = `${BASE}${target}`;
  if (!target.startsWith("/") || !URL.canParse(url)) throw new Refusal("malformed-path");
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers)) headers.append(name, String(value));
  try {
    const body = method === "GET" || method === "HEAD" ? null : await bodyOf(incoming, limits);
    return new Request(url, /** @type {RequestInit} */ ({ method, headers, body, signal, duplex: "half" }));
  } catch (error) {
    if (signal.aborted || error instanceof Refusal) throw error;
    throw new Refusal("method-not-allowed"); // CONNECT, TRACE and TRACK have no Request
  }
}

/** @param {http.IncomingMessage} incoming @param {Limits} limits @returns {Promise<Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | null>} */
async function bodyOf(incoming, limits) {
  const length = incoming.headers["content-length"];
  if (length === undefined && incoming.headers["transfer-encoding"] === undefined) return null;
  const coming = incoming.iterator({ destroyOnReturn: false });
  if (!(Number(length) <= WHOLE)) return streamOf(incoming, coming, limits);
  const parts = [];
  for (let next = await part(coming, limits); !next.done; next = await part(coming, limits)) parts.push(next.value);
  return parts.length === 0 ? null : new Uint8Array(Buffer.concat(parts));
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

/**
 * What arrives, as it is asked for. Unlike `Readable.toWeb` this leaves the connection open if the rest is not
 * wanted: an answer is still to be sent on it.
 *
 * @param {http.IncomingMessage} incoming
 * @param {AsyncIterator<Buffer>} parts
 * @param {Limits} limits
 */
function streamOf(incoming, parts, limits) {
  return new ReadableStream(
    {
      async pull(controller) {
        const { value, done } = await part(parts, limits);
        if (done) controller.close();
        else controller.enqueue(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
      },
      async cancel() {
        await parts.return?.();
        incoming.resume();
      },
    },
    { highWaterMark: 0 },
  );
}

/** @param {Response} response @param {http.ServerResponse} outgoing */
async function write(response, outgoing) {
  if (response.status === 408) outgoing.shouldKeepAlive = false; // the rest may still come, and nobody reads it
  outgoing.writeHead(response.status, [...response.headers].flat());
  if (response.body === null) {
    outgoing.end();
    return;
  }
  // A first part that is there goes out together with the head; for a later one the head does not wait.
  setImmediate(() => outgoing.flushHeaders());
  await pipeline(Readable.fromWeb(/** @type {any} */ (response.body)), outgoing);
}

/** @param {keyof typeof PROBLEMS} code @param {boolean} secure */
function refusal(code, secure) {
  const headers = new Headers(refusalHeaders(secure));
  if (code === "method-not-allowed") headers.set("allow", METHODS);
  return new Response(document(code), { status: PROBLEMS[code].status, headers });
}

/** @param {boolean} secure */
function refusalHeaders(secure) {
  const type = "application/problem+json";
  return { ...securityHeaders(type, secure ? "https:" : "http:"), "content-type": type, "cache-control": "no-store", "edgekit-host": "edge" };
}

/** @param {keyof typeof PROBLEMS} code */
function document(code) {
  const type = `urn:problem-type:edgekit:${code}`;
  return JSON.stringify({ type, ...PROBLEMS[code], code, retryable: false });
}
