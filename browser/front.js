// @ts-check
/** The front of the service worker: what every request meets, and what is known about how it went. */

import { appPage, createAnswer } from "./answer.js";
import { basesOf, createEdges } from "./edges.js";
import { endingWell, isEventSource } from "./event-source.js";
import { createExperience } from "./experience.js";
import { guarded } from "./guarded.js";
import { inTime } from "./in-time.js";
import { inspection, listCaches, resetBy } from "./inspect.js";
import { keyMint } from "./keys.js";
import { createNetwork, isSafe } from "./network.js";
import { outboxPage } from "./outbox-page.js";
import { CACHES, DEADLINE, PATH } from "./protocol.js";
import { answerCalls } from "./rpc.js";
import { answer as said, unavailable } from "./unavailable.js";
import { createWriting } from "./writing.js";

/**
 * Whether only the browser itself can go on: it asks the user for a password, which it does not for what a worker has
 * fetched. @param {Request} request @param {Response} response
 */
function asksForPassword({ mode, method }, { status, headers }) {
  const challenge = headers.get("www-authenticate") ?? "";
  return mode === "navigate" && isSafe(method) && status === 401 && /(^|,)\s*(basic|digest|negotiate|ntlm)\b/i.test(challenge);
}

const ASKS_POLICY = "?referrer-policy";

/**
 * @param {object} parts
 * @param {string} parts.id   of the release
 * @param {string} parts.origin   the site's own origin
 * @param {{caches: CacheStorage, fetch: import("./protocol.js").Fetch}} parts.platform
 * @param {import("./store.js").Store} parts.store
 * @param {import("./notes.js").Notes} parts.notes
 * @param {import("./outbox-table.js").Table} parts.table
 * @param {ReturnType<typeof import("./user.js").createUser>} parts.user
 * @param {ReturnType<typeof import("./prover.js").createProver>} parts.prover
 * @param {() => Promise<import("./release.js").Release | undefined>} parts.release
 * @param {import("./local-host.js").LocalHost} parts.host
 * @param {() => Promise<unknown>} parts.startSoon
 * @param {ReturnType<typeof import("./log.js").createLog>} parts.log
 * @param {ReturnType<typeof import("./left.js").createLeft>} parts.left
 * @param {() => import("./protocol.js").HostState} parts.state
 * @param {() => number} parts.now   ms, for how long something takes
 * @param {ReturnType<typeof import("./clock.js").createClock>} parts.clock
 * @param {(effects: string) => void} parts.onApplied   gets what a write that is confirmed now has changed
 * @param {() => Promise<unknown>} parts.reset   forget what can be fetched again, and this worker
 * @param {() => void} parts.onHalt   there is something to be sent, and no edge
 */
export function createFront({ id, origin, platform, store, notes, user, prover, release, startSoon, log, left, state, clock, now, reset, ...parts }) {
  const { fetch, caches } = platform;
  const since = now();
  const answers = { local: 0, edge: 0, static: 0, nobody: 0 };
  const experience = createExperience({ store, release: id, notes, now });
  const host = guarded(parts.host, { release, experience });
  let personal = 0;

  const edgesAt = (/** @type {string[]} */ bases) => createEdges({ bases, fetch, now, random: Math.random, note: log.note });
  const alone = edgesAt(basesOf());
  /** @type {import("./answer.js").Edges | undefined} */
  let all;
  /** Without a release only our own is known. @param {import("./release.js").Release | undefined} found */
  const edgesOf = (found) => (found?.manifest.edges ? (all ??= edgesAt(basesOf(found.manifest, origin))) : alone);

  const mintKey = keyMint(store);
  const network = createNetwork({ fetch, prover, mintKey, user });
  const development = () => state().mode === "development";
  const writing = createWriting({
    ...{ ...parts, id, origin, user, host, mintKey, network, development, clock, now },
    edges: async () => edgesOf(await release()),
    async own() {
      const found = await release();
      return found && appPage(found, "not-sent.html");
    },
    note(error) {
      log.note(error);
      if (development()) console.warn(String(error));
    },
  });

  const { answer, ifReady } = createAnswer({
    origin,
    release,
    host,
    startSoon,
    view: writing.outbox.view,
    writes: writing.writes,
    network,
    edges: edgesOf,
    experience,
    personal: () => personal,
    waiting: async () => (await writing.list()).waiting,
    online: () => navigator.onLine,
    now,
    count: (who) => void (answers[who] += 1),
  });

  /** @param {Request} request */
  async function inspect(request) {
    const found = await release();
    const app = host.app();
    const files = Object.values(found?.manifest.files ?? {});
    return inspection(request, {
      state: state(),
      release: found ? {
        id,
        app: found.manifest.app,
        kit: found.manifest.kit,
        python: found.manifest.python,
        files: files.length,
        bytes: files.reduce((sum, { size }) => sum + size, 0),
      } : null,
      start: app ? { restored: app.restored, timeline: app.timeline } : null,
      caches: await listCaches(caches, CACHES),
      storage: (await navigator.storage?.estimate?.()) ?? null,
      edges: edgesOf(found).members(),
      answers,
      outbox: { ...(await writing.list()), verdicts: writing.verdicts.counts() },
      routes: { ...experience.known(), kept: (found?.manifest.optimistic ?? []).map(({ pattern }) => pattern) },
      online: navigator.onLine,
      worker: { since, now: now() },
      errors: log.errors(),
    });
  }

  const acts = {
    retry: writing.verdicts.retry,
    discard: writing.verdicts.discard,
    send: () => inTime(writing.line.flush({ urgent: true }), DEADLINE.drain, undefined),
  };

  /** @param {Request} request @param {(work: Promise<unknown>) => void} later */
  function find(request, later) {
    const url = new URL(request.url);
    switch (url.pathname) {
      case PATH.browser:
        if (request.method === "POST") return resetBy(request, reset);
        // Each page asks it of a request without a policy of its own (rpc-client.js).
        return url.search === ASKS_POLICY ? said(request, request.referrerPolicy, "text/plain", 200) : inspect(request);
      case PATH.outbox:
        return outboxPage(request, writing.list, acts);
      default:
        return answer(request, later);
    }
  }

  /** @param {Request} request @param {(work: Promise<unknown>) => void} later */
  async function attempt(request, later) {
    try {
      return await find(request, later);
    } catch (error) {
      if (request.signal.aborted) throw error;
      log.note(error);
      // Whatever is wrong with us, the edge can answer; but a write may have reached it already.
      if (!isSafe(request.method)) return unavailable(request);
      const answered = await inTime(fetch(request), DEADLINE.fallback, undefined).catch(() => undefined);
      return answered ?? unavailable(request);
    }
  }

  return {
    writing,

    /** The network has told Python something about the user. */
    onPersonal: () => void (personal += 1),

    /** @param {Request} request @param {(work: Promise<unknown>) => void} later */
    async respond(request, later) {
      const response = await attempt(request, later);
      if (asksForPassword(request, response)) return left.leave(request);
      if (!isEventSource(request)) return response;
      return response.type === "error" ? left.leave(request) : endingWell(response, later);
    },

    /** @param {MessagePort} port */
    connect: (port) => answerCalls(port, origin, ifReady),
  };
}
