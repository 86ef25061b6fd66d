// @ts-check
/** Node's HTTP server around a function from Request to Response. */

import http from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

import { securityHeaders } from "../security-headers.js";

const HEADER_LIMIT = 262_144; // bytes; far above the kit's own limit, so that the kit answers 431 itself
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
  "method-not-allowed": { status: 405, title: "This method is not allowed here" },
  "headers-too-large": { status: 431, title: "The request headers are too large" },
  "internal-error": { status: 500, title: "The app failed to answer" },
});

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
 * @param {{secure?: boolean}} [site]   secure: people reach it over https
 * @returns {http.Server}
 */
export function createServer(answer, { secure = false } = {}) {
  const options = { maxHeaderSize: HEADER_LIMIT, keepAliveTimeout: 75_000, requireHostHeader: false };
  const server = http.createServer(options, async (incoming, outgoing) => {
    const gone = new AbortController();
    outgoing.on("close", () => outgoing.writableFinished || gone.abort());
    try {
      await write(await respond(answer, incoming, gone.signal, secure), outgoing);
    } catch {
      outgoing.destroy(); // the client is gone, or has to see that the body broke off
    }
  });
  server.on("clientError", (error, socket) => {
    if (!socket.writable) return socket.destroy();
    const code = "code" in error && error.code === "HPE_HEADER_OVERFLOW" ? "headers-too-large" : "malformed-header";
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
 */
async function respond(answer, incoming, signal, secure) {
  try {
    const response = await answer(await requestOf(incoming, signal));
    if (response === null) throw new Error("an edge has no next host to pass a request to");
    return response;
  } catch (error) {
    if (!(error instanceof Refusal) && !signal.aborted) console.error(error);
    return refusal(error instanceof Refusal ? error.code : "internal-error", secure);
  }
}

/** @param {http.IncomingMessage} incoming @param {AbortSignal} signal @returns {Promise<Request>} */
async function requestOf(incoming, signal) {
  const { method = "GET", url: target = "/" } = incoming;
  const names = incoming.rawHeaders.filter((_, index) => index % 2 === 0);
  // Node.js would go by the first of several, and Python only sees that one.
  if (names.filter((name) => name.toLowerCase() === "host").length !== 1) throw new Refusal("malformed-header");
  const [rawPath = ""] = target.split("?", 1);
  if (!PRINTABLE.test(target) || AMBIGUOUS.test(rawPath)) throw new Refusal("malformed-path");
  const url = `${BASE}${target}`;
  if (!target.startsWith("/") || !URL.canParse(url)) throw new Refusal("malformed-path");
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers)) headers.append(name, String(value));
  try {
    const body = method === "GET" || method === "HEAD" ? null : await bodyOf(incoming);
    return new Request(url, /** @type {RequestInit} */ ({ method, headers, body, signal, duplex: "half" }));
  } catch (error) {
    if (signal.aborted) throw error;
    throw new Refusal("method-not-allowed"); // CONNECT, TRACE and TRACK have no Request
  }
}

/** @param {http.IncomingMessage} incoming @returns {Promise<Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | null>} */
async function bodyOf(incoming) {
  const length = incoming.headers["content-length"];
  if (length === undefined && incoming.headers["transfer-encoding"] === undefined) return null;
  if (!(Number(length) <= WHOLE)) return streamOf(incoming);
  const parts = [];
  for await (const part of incoming) parts.push(part);
  return parts.length === 0 ? null : new Uint8Array(Buffer.concat(parts));
}

/**
 * What arrives, as it is asked for. Unlike `Readable.toWeb` this leaves the connection open if the rest is not
 * wanted: an answer is still to be sent on it.
 *
 * @param {http.IncomingMessage} incoming
 */
function streamOf(incoming) {
  const parts = incoming.iterator({ destroyOnReturn: false });
  return new ReadableStream(
    {
      async pull(controller) {
        const { value, done } = await parts.next();
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
