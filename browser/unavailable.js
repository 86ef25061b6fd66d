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
 * @param {string} [kept]   HTML about writes that wait on this device (kept.js)
 * @returns {Response} 503, or a network error
 */
export function unavailable(request, routes = [], own = undefined, kept = "") {
  if (request.mode !== "navigate") return Response.error();
  // The app's page knows nothing of what waits, and that is what somebody wants to know who has just written.
  if (own === undefined || !isRead(request) || kept !== "") return page(request, routes, kept);
  return appsOwn(request, own);
}

/**
 * The answer to a write that was not sent: there is no network, or others have to reach an edge before it.
 *
 * @param {Request} request
 * @param {number} count   how many
 * @param {Response} [own]   the app's own page for this; it knows nothing of what is in the way
 * @param {string} [inTheWay]   HTML about the first of them, if edges have trouble with it
 * @returns {Response} 503
 */
export function unsent(request, count, own = undefined, inTheWay = "") {
  if (own !== undefined && request.mode === "navigate" && inTheWay === "") return appsOwn(request, own);
  const earlier = count === 1 ? "A change that you made before" : `${count} changes that you made before`;
  const waits = `${earlier} could not be sent yet and ${count === 1 ? "comes" : "come"} first.`;
  if (request.mode !== "navigate") return problem(request, `${count === 0 ? "" : `${waits} `}This request was not sent.`);
  const others = count === 0 ? "" : `<p>${waits} <a href="${PATH.outbox}">See what is waiting</a></p>`;
  const content = `<p>What you sent just now needs a connection. It was <strong>not</strong> sent, nothing of it has happened, and it
will not happen later by itself. What was there before is still there.</p>
<p>Go back, and send it again when you are online.</p>${wayBack(request)}${others}${inTheWay}`;
  return forNow(kitPage(request, "This was not sent", content, 503));
}

/** @param {Request} request @param {Response} own */
function appsOwn(request, own) {
  return forNow(answer(request, request.method === "HEAD" ? null : own.body, own.headers.get("content-type") ?? "text/html"));
}

/** A link to the page that the user came from; "" if it is not known. @param {Request} request */
export function wayBack({ referrer, url }) {
  if (!URL.canParse(referrer) || new URL(referrer).origin !== new URL(url).origin) return "";
  const { pathname, search } = new URL(referrer);
  return `<p><a class="button" href="${escape(pathname + search)}">Go back</a></p>`;
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

/** @param {Request} request @param {string[]} routes @param {string} kept */
function page(request, routes, kept) {
  const advice = isRead(request)
    ? `<p><a class="button" href="">Try again</a></p>`
    : `<p>It is not certain whether what you sent has arrived. Go back and look before you send it again.</p>${wayBack(request)}`;
  const label = (/** @type {string} */ path) => (path === "/" ? "Start page" : escape(path));
  const links = routes.map((path) => `<li><a href="${escape(path)}">${label(path)}</a></li>`).join("");
  const works = links === "" ? "" : `<h2>What works without it</h2><ul>${links}</ul>`;
  const needs = "This page needs the server, and it cannot be reached.";
  const content = `${kept}<p>${kept === "" ? needs : `The page itself cannot be shown now: ${needs.replace("This page", "it")}`}</p>\n${advice}${works}`;
  const response = kitPage(request, kept === "" ? "No connection" : "Kept on this device", content, 503);
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
