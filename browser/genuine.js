// @ts-check
/**
 * Whether an answer is an edge's. On the way to one there are others who answer: a portal of a hotel says 200 to all, a
 * proxy 502. Nothing of theirs is kept, and no good copy is given up for it.
 */

import { HEADER } from "./protocol.js";

const JSON_TYPE = /^application\/(problem\+)?json\s*(;|$)/i;

/** @param {Pick<Response, "headers">} response */
export function isEdges({ headers }) {
  return headers.has(HEADER.host);
}

/** JSON, a problem document included; an edge says nothing else about data. @param {Pick<Response, "headers">} response */
export function isEdgesJson(response) {
  return isEdges(response) && JSON_TYPE.test(response.headers.get("content-type") ?? "");
}

/**
 * Whether all of a body has come. Where its length was promised, the browser has seen to that.
 *
 * @param {Headers} headers @param {Uint8Array} body   JSON
 */
export function isWhole(headers, body) {
  if (headers.has("content-length")) return true;
  try {
    JSON.parse(new TextDecoder().decode(body));
    return true;
  } catch {
    return false;
  }
}
