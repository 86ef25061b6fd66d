// @ts-check
/** Runs a write on the local host, on a state that no edge has confirmed yet. */

import { encode } from "./base64url.js";
import { requestOf } from "./outbox-row.js";
import { HEADER } from "./protocol.js";

const NEVER = new AbortController().signal; // the write counts, even if nobody waits for its answer

/**
 * @typedef {object} Foretold
 * @property {Response} response   for the page
 * @property {string} effects   JSON
 * @property {import("./verdict.js").Outcome} outcome
 */

/**
 * What the local host makes of a write; null if it cannot, or must not, say.
 *
 * @param {Pick<import("./local-host.js").LocalHost, "answer">} host
 * @param {import("./outbox-row.js").Draft} draft
 * @param {string} view   see `tentative`
 * @param {{origin: string, development: boolean, later?: (work: Promise<unknown>) => void}} options
 * @returns {Promise<Foretold | null>}
 */
export async function foretell(host, draft, view, { origin, development, later }) {
  const answer = await host.answer(requestOf(draft, origin), view, NEVER, later);
  const told = answer?.headers.get(HEADER.effects);
  if (answer === null || !told) {
    void answer?.body?.cancel(); // of a host that has no last word on this
    return null;
  }
  const { status } = answer;
  const body = await answer.arrayBuffer();
  const headers = new Headers(answer.headers);
  headers.delete(HEADER.effects);
  const effects = new TextDecoder().decode(Uint8Array.from(atob(told), (character) => character.charCodeAt(0)));
  const { state } = JSON.parse(effects);
  const outcome = await outcomeOf({ status, headers, body }, state && JSON.stringify(state), { origin, development });
  return { response: new Response(answer.body && body, { status, headers }), effects, outcome };
}

/**
 * A view as Python is to see it: the claims as they were signed, as text (JavaScript would round their numbers),
 * and what each unconfirmed write changes. See `tentative` in edge/visitor.py.
 *
 * @param {string} json   the claims
 * @param {string[]} effects   JSON each
 */
export function tentative(json, effects) {
  return effects.length === 0 ? json : `${json.slice(0, json.lastIndexOf("}"))},"effects":[${effects.join(",")}]}`;
}

/**
 * @param {import("./verdict.js").Answer} answer
 * @param {string | null} state   JSON
 * @param {{origin: string, development: boolean}} options
 * @returns {Promise<import("./verdict.js").Outcome>}
 */
export async function outcomeOf({ status, headers, body }, state, { origin, development }) {
  const location = headers.get("location");
  return {
    status,
    location: location === null ? "" : new URL(location, origin).href,
    digest: encode(await crypto.subtle.digest("SHA-256", body)),
    state,
    ...(development ? { body: new TextDecoder().decode(body) } : {}),
  };
}
