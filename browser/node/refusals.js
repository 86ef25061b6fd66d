// @ts-check
/** What a server says itself, because a request does not reach the app or the app does not answer. */

import http from "node:http";

import { securityHeaders } from "../security-headers.js";

/** @typedef {{secure: boolean}} Site   secure: people reach it over https */

/** Titles as edge/errors.py has them. */
const PROBLEMS = Object.freeze({
  "malformed-request": { status: 400, title: "The request is not valid HTTP" },
  "request-timeout": { status: 408, title: "The request did not arrive in time" },
  "headers-too-large": { status: 431, title: "The request headers are too large" },
  "internal-error": { status: 500, title: "The app failed to answer" },
  "host-starting": { status: 503, title: "This host is starting again" },
});
const RETRYABLE = new Set(["host-starting", "request-timeout"]);
/** @typedef {keyof typeof PROBLEMS} Code */

/** A request that never reaches the app. */
export class Refusal extends Error {
  /** @param {Code} code */
  constructor(code) {
    super(code);
    this.code = code;
  }
}

/** @param {import("node:http").ServerResponse} outgoing @param {Code} code @param {Site} site */
export function refuse(outgoing, code, site) {
  if (outgoing.destroyed) return;
  const { method, headers } = outgoing.req;
  const isPage = code === "host-starting" && headers.accept?.includes("text/html");
  const body = isPage ? page(method === "GET") : document(code);
  const type = isPage ? "text/html; charset=utf-8" : "application/problem+json";
  if (code === "request-timeout") outgoing.shouldKeepAlive = false; // the rest may still come, and nobody reads it
  outgoing.writeHead(PROBLEMS[code].status, { ...fields(code, site, type), "content-length": Buffer.byteLength(body) });
  outgoing.end(method === "HEAD" ? undefined : body);
  outgoing.req.resume();
}

/** @param {import("node:stream").Duplex} socket @param {Code} code @param {Site} site */
export function refuseSocket(socket, code, site) {
  if (!socket.writable) return socket.destroy();
  const body = document(code);
  const { status } = PROBLEMS[code];
  const all = { ...fields(code, site), connection: "close", "content-length": Buffer.byteLength(body) };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return socket.end(`HTTP/1.1 ${status} ${http.STATUS_CODES[status]}\r\n${lines.join("")}\r\n${body}`);
}

/** @param {Code} code @param {Site} site @param {string} [type] */
function fields(code, { secure }, type = "application/problem+json") {
  const own = { "content-type": type, "cache-control": "no-store", "edgekit-host": "edge", "edgekit-problem": code };
  const later = code === "host-starting" ? { "retry-after": "2" } : {};
  return { ...securityHeaders(type, secure ? "https:" : "http:"), ...own, ...later };
}

/** @param {Code} code */
function document(code) {
  const { status, title } = PROBLEMS[code];
  return JSON.stringify({ type: `urn:problem-type:edgekit:${code}`, title, status, code, retryable: RETRYABLE.has(code) });
}

/**
 * For people, while there is no interpreter; words as edge/page_words.py has them. What changes nothing is asked for
 * again by itself.
 *
 * @param {boolean} again
 */
function page(again) {
  const title = "One moment, please";
  const lines = [
    '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
    `<meta name="color-scheme" content="light dark"><title>${title}</title>${again ? '<meta http-equiv="refresh" content="3">' : ""}`,
    `<link rel="icon" href="data:,"></head><body><main><h1>${title}</h1>`,
    "<p>A part of this site cannot be reached just now. Try again soon. If you have sent something, look first whether it is there already.</p>",
    '<p><a href="/">Back to the start</a></p></main></body></html>\n',
  ];
  return lines.join("\n");
}
