// @ts-check
/** The honest answer when no host could. */

import { HEADER, PATH } from "./protocol.js";
import { securityHeaders } from "./security-headers.js";

const RETRY = "5"; // s; it costs an edge nothing while there is no connection
const TITLE = "This host cannot answer the request; an edge can"; // as edge/errors.py has it

/**
 * A page where somebody navigates. For all else what a browser makes of a missing network: programs know what to do with
 * that, an `EventSource` connects again, and an answer would only look like one.
 *
 * @param {Request} request
 * @param {string[]} [routes]   paths that have worked without the network
 * @param {Response} [own]   the app's own page for this; only its body and type are used
 * @returns {Response} 503, or a network error
 */
export function unavailable(request, routes = [], own = undefined) {
  if (request.mode !== "navigate") return Response.error();
  if (own === undefined || !isRead(request)) return page(request, routes);
  return forNow(answer(request, request.method === "HEAD" ? null : own.body, own.headers.get("content-type") ?? "text/html"));
}

/**
 * The answer to a write that was not sent, because others have to reach an edge before it.
 *
 * @param {Request} request
 * @param {number} count   how many
 * @returns {Response} 503
 */
export function unsent(request, count) {
  const earlier = count === 1 ? "A change that you made before" : `${count} changes that you made before`;
  const waits = `${earlier} could not be sent yet and ${count === 1 ? "comes" : "come"} first.`;
  if (request.mode !== "navigate") return problem(request, `${waits} This request was not sent.`);
  const advice = `<p>What you sent just now was <strong>not</strong> sent on. ${waits}</p>
<p>Go back, and try again once there is a connection. <a href="${PATH.outbox}">See what is waiting</a></p>`;
  return forNow(kitPage(request, "Not sent yet", advice, 503));
}

/** A problem document (RFC 9457). @param {Request} request @param {string} detail */
function problem(request, detail) {
  const document = {
    type: "urn:problem-type:edgekit:needs-edge",
    title: TITLE,
    status: 503,
    code: "needs-edge",
    retryable: true,
    detail,
  };
  return forNow(answer(request, JSON.stringify(document), "application/problem+json"));
}

/** @param {Request} request @param {string[]} routes */
function page(request, routes) {
  const advice = isRead(request)
    ? `<p><a class="button" href="">Try again</a></p>`
    : "<p>It is not certain whether what you sent has arrived. Go back and look before you send it again.</p>";
  const label = (/** @type {string} */ path) => (path === "/" ? "Start page" : escape(path));
  const links = routes.map((path) => `<li><a href="${escape(path)}">${label(path)}</a></li>`).join("");
  const works = links === "" ? "" : `<h2>What works without it</h2><ul>${links}</ul>`;
  const content = `<p>This page needs the server, and it cannot be reached.</p>\n${advice}${works}`;
  const response = kitPage(request, "No connection", content, 503);
  return isRead(request) ? forNow(response) : response;
}

/** It may be asked for again without harm, and soon. @param {Response} response */
function forNow(response) {
  response.headers.set("retry-after", RETRY);
  return response;
}

/**
 * A page of the kit. Its style is a file, because policies forbid inline ones; it reads well without.
 *
 * @param {Request} request
 * @param {string} title
 * @param {string} content   HTML
 * @param {number} status
 */
export function kitPage(request, title, content, status) {
  const html = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><title>${escape(title)}</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="${PATH.reserved}page.css"></head>
<body><main><h1>${escape(title)}</h1>${content}</main></body></html>
`;
  return answer(request, html, "text/html; charset=utf-8", status);
}

/** @param {Request} request @param {BodyInit | null} body @param {string} contentType */
export function answer(request, body, contentType, status = 503) {
  return new Response(body, {
    status,
    headers: {
      ...securityHeaders(contentType, request.url),
      "content-type": contentType,
      "cache-control": "no-store",
      [HEADER.host]: "browser",
      "server-timing": 'edgekit;desc="browser";dur=0',
    },
  });
}

/** @param {Request} request */
function isRead({ method }) {
  return method === "GET" || method === "HEAD";
}

/** @param {string} text */
export function escape(text) {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
