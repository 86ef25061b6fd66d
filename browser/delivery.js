// @ts-check
/** Takes a write of the outbox to an edge, and its whole answer back. */

import { inTime } from "./in-time.js";
import { requestOf } from "./outbox-row.js";
import { DEADLINE, HEADER } from "./protocol.js";

const NEVER = new AbortController().signal;
const GONE = { type: "about:blank", title: "What was to be sent cannot be read any more", status: 410 };

/**
 * @param {object} parts
 * @param {string} parts.origin   the site's own
 * @param {Pick<ReturnType<typeof import("./user.js").createUser>, "session">} parts.user
 * @param {ReturnType<typeof import("./network.js").createNetwork>} parts.network
 * @param {() => Promise<ReturnType<typeof import("./edges.js").createEdges>>} parts.edges
 * @param {ReturnType<typeof import("./outbox-verdicts.js").createVerdicts>["settle"]} parts.settle
 * @returns {(row: import("./outbox-row.js").Row) => Promise<import("./outbox-verdicts.js").Hold | undefined>}
 */
export function createDelivery({ origin, user, network, edges, settle }) {
  return async (row) => {
    const [request, { ath }] = [requestOf(row, origin), await user.session()];
    request.headers.set(HEADER.session, ath);
    const sender = await network(request, { raw: true }).catch(() => undefined);
    if (sender === undefined) return settle(row, lost()); // the browser has lost its body
    const members = await edges();
    const own = members.members().findIndex(({ base }) => base === ""); // no other knows the user
    const response = own < 0 ? null : await members.ask(own, sender, NEVER);
    if (response === null) return { again: "no edge can be reached", after: 0 };
    const body = await inTime(response.arrayBuffer(), DEADLINE.network, undefined).catch(() => undefined);
    if (body === undefined) return { again: "the answer broke off", after: 0 };
    const { headers } = response;
    const location = headers.get(HEADER.location);
    const spelledOut = new Headers(headers);
    if (location !== null) spelledOut.set("location", location);
    return settle(row, { status: Number(headers.get(HEADER.status) ?? response.status), headers: spelledOut, body });
  };
}

/** @returns {import("./verdict.js").Answer} */
function lost() {
  const headers = new Headers({ [HEADER.host]: "browser", "content-type": "application/problem+json" });
  return { status: GONE.status, headers, body: /** @type {ArrayBuffer} */ (new TextEncoder().encode(JSON.stringify(GONE)).buffer) };
}
