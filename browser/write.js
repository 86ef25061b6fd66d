// @ts-check
/** Who answers a write: the local host, ahead of an edge; or an edge, once it has all that was answered ahead. */

import { inTime } from "./in-time.js";
import { isAnonymous } from "./network.js";
import { keptAnswer } from "./kept.js";
import { waitingItem } from "./outbox-page.js";
import { requestOf } from "./outbox-row.js";
import { DEADLINE, HEADER } from "./protocol.js";
import { unsent } from "./unavailable.js";

const EXCUSED = 10_000; // ms

/** @typedef {(work: Promise<unknown>) => void} Later */
/** @typedef {(request: Request) => Promise<Response | null>} Ask   null: no edge has answered */

/**
 * @param {object} parts
 * @param {Pick<ReturnType<typeof import("./outbox.js").createOutbox>, "draft" | "ahead" | "keep" | "waiting" | "next">} parts.outbox
 * @param {Pick<ReturnType<typeof import("./line.js").createLine>, "flush" | "beside">} parts.line
 * @param {Pick<import("./local-host.js").LocalHost, "ready" | "start">} parts.host
 * @param {string} parts.origin   the site's own
 * @param {() => boolean} parts.online
 * @param {() => Promise<Response | undefined>} [parts.own]   the app's page for what was not sent
 * @param {() => number} parts.now   ms
 */
export function createWrite({ outbox, line, host, origin, online, own = async () => undefined, now }) {
  /** Addresses to which the next write need not wait, and until when, ms. @type {Map<string, number>} */
  const excused = new Map();

  /** Whether edges have all that was answered ahead. @param {number} ms   until that is given up @param {boolean} urgent */
  async function isDrained(ms, urgent) {
    if ((await outbox.waiting()) === 0) return true;
    await inTime(line.flush({ urgent }), ms, undefined);
    return (await outbox.waiting()) === 0;
  }

  /**
   * @param {Request} request @param {() => Promise<Response | null>} send
   * @param {() => Promise<Response | null>} [notSent]
   * @returns {Promise<Response | null>} null: nobody has answered
   */
  async function inLine(request, send, notSent = () => notSentPage(request)) {
    const isExcused = (excused.get(request.url) ?? 0) > now();
    excused.delete(request.url);
    if (!isExcused && !(await isDrained(DEADLINE.drain, true))) return notSent();
    return line.beside(send, DEADLINE.drain).catch(async (error) => {
      if (error?.name !== "TimeoutError") throw error;
      return notSent(); // its turn has not come
    });
  }

  /** @param {Request} request @returns {Promise<Response | null>} */
  async function notSentPage(request) {
    const first = await outbox.next();
    const inTheWay = first?.trouble === undefined ? "" : `<ol class="cards">${await waitingItem(first)}</ol>`;
    return unsent(request, await outbox.waiting(), await own(), inTheWay);
  }

  /** @param {Request} request @param {() => Promise<Response | null>} send */
  async function toEdge(request, send) {
    return (await inLine(request, send)) ?? (isUnsent(request) ? notSentPage(request) : null);
  }

  /** Without a network nothing can have been sent. Programs get a network error all the same. @param {Request} request */
  function isUnsent({ mode }) {
    return !online() && mode === "navigate";
  }

  /**
   * The local host at once; an edge if it cannot; the local host, as soon as it has started, if no edge can be
   * reached either. Whoever answers gets the same key, so it happens once.
   *
   * @param {Request} request @param {Ask} ask @param {Later} later
   */
  async function ahead(request, ask, later) {
    const drafting = outbox.draft(request);
    const start = () => inTime(host.start(), DEADLINE.start, false);
    const here = async () => {
      const response = await outbox.ahead(drafting, later);
      if (response !== null) later(line.flush());
      return response;
    };
    const isAlone = async () => !online() || (await outbox.waiting()) > 0; // edges are far
    const isStarted = host.ready() || ((await isAlone()) && (await start()));
    const told = isStarted ? await here() : null;
    // A refusal is kept nowhere; if an edge is near, it may know better.
    if (told !== null && (told.status < 400 || (await isAlone()))) return told;
    const sent = requestOf(await drafting, origin, null);
    // Null: nobody could be asked. Whatever may have arrived has the same key, so it does no harm to keep it.
    const answered = await inLine(request, () => ask(sent), async () => null);
    return answered ?? told ?? (!isStarted && (await start()) ? await here() : null) ?? keep(request, drafting, later);
  }

  /**
   * Its author allows that it happens later; so what only an edge can run waits for one.
   *
   * @param {Request} request @param {Promise<import("./outbox-row.js").Draft>} drafting @param {Later} later
   */
  async function keep(request, drafting, later) {
    const draft = await outbox.keep(drafting);
    if (draft === null) return isUnsent(request) ? notSentPage(request) : null;
    const response = await keptAnswer(request, draft);
    response.headers.set(HEADER.pending, String(await outbox.waiting()));
    later(line.flush());
    return response;
  }

  return {
    /**
     * @param {Request} request
     * @param {boolean} optimistic   whether its route allows the local host
     * @param {Ask} ask
     * @param {Later} later   keeps the worker alive for work that is not waited for
     * @returns {Promise<Response | null>}
     */
    write: (request, optimistic, ask, later) =>
      optimistic && !hasOtherUser(request) ? ahead(request, ask, later) : toEdge(request, () => ask(request)),

    /** Edges that are asked something should know what the user sees. */
    settled: () => isDrained(DEADLINE.settle, false),

    /** The user knows that not all has been sent: the next write to this address goes to an edge all the same. @param {string} url */
    excuse: (url) => void excused.set(url, now() + EXCUSED),
  };
}

/** Whether a request is not sent as whoever is here, or names somebody: that must not be kept. @param {Request} request */
function hasOtherUser(request) {
  return isAnonymous(request) || request.headers.has("authorization");
}
