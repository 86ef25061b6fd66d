// @ts-check
/** The honest answer when no host could: a page for people, a problem document (RFC 9457) for programs. */

import { HEADER } from "./protocol.js";

const TITLE = "This host cannot answer the request; an edge can"; // as edge/errors.py has it

/**
 * @param {Request} request
 * @param {string[]} routes   paths that work without the network
 * @returns {Response} 503
 */
export function unavailable(request, routes) {
  return request.mode === "navigate" ? page(request, routes) : problem();
}

function problem() {
  const document = {
    type: "urn:problem-type:edgekit:needs-edge",
    title: TITLE,
    status: 503,
    code: "needs-edge",
    retryable: true,
    detail: "no edge could be reached",
  };
  return answer(JSON.stringify(document), { "content-type": "application/problem+json" });
}

/** @param {Request} request @param {string[]} routes */
function page(request, routes) {
  const nonce = crypto.randomUUID();
  const reads = request.method === "GET" || request.method === "HEAD";
  const advice = reads
    ? `<p><a href="">Try again</a></p>`
    : "<p>It is not certain whether what you sent has arrived. Go back and look before you send it again.</p>";
  const label = (/** @type {string} */ path) => (path === "/" ? "Start page" : escape(path));
  const links = routes.map((path) => `<li><a href="${escape(path)}">${label(path)}</a></li>`).join("");
  const works = links === "" ? "" : `<h2>What works without it</h2><ul>${links}</ul>`;
  const html = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><title>No connection</title>
<style nonce="${nonce}">body{font:1.1rem/1.5 system-ui,sans-serif;max-width:36rem;margin:15vh auto;padding:0 1rem}
li{padding:.2rem 0}</style></head>
<body><main><h1>No connection</h1><p>This page needs the server, and it cannot be reached.</p>
${advice}${works}</main></body></html>
`;
  return answer(html, {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": `default-src 'none'; style-src 'nonce-${nonce}'; frame-ancestors 'none'`,
  });
}

/** @param {string} body @param {Record<string, string>} headers */
function answer(body, headers) {
  return new Response(body, {
    status: 503,
    headers: {
      ...headers,
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      [HEADER.host]: "browser",
      "server-timing": 'edgekit;desc="browser";dur=0',
    },
  });
}

/** @param {string} text */
function escape(text) {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
