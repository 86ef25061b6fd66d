// @ts-check
/** The front of the service worker: what every request meets, and what is known about how it went. */

import { createAnswer } from "./answer.js";
import { createEdges } from "./edges.js";
import { createExperience } from "./experience.js";
import { inTime } from "./in-time.js";
import { inspection, listCaches } from "./inspect.js";
import { mintKey } from "./keys.js";
import { createNetwork } from "./network.js";
import { DEADLINE, PATH } from "./protocol.js";
import { answerCalls } from "./rpc.js";
import { unavailable } from "./unavailable.js";

/**
 * @param {object} parts
 * @param {string} parts.id   of the release
 * @param {string} parts.origin   the site's own origin
 * @param {{caches: CacheStorage, fetch: import("./protocol.js").Fetch}} parts.platform
 * @param {import("./store.js").Store} parts.store
 * @param {ReturnType<typeof import("./user.js").createUser>} parts.user
 * @param {ReturnType<typeof import("./prover.js").createProver>} parts.prover
 * @param {() => Promise<import("./release.js").Release | undefined>} parts.release
 * @param {import("./local-host.js").LocalHost} parts.host
 * @param {() => Promise<unknown>} parts.startSoon
 * @param {ReturnType<typeof import("./log.js").createLog>} parts.log
 * @param {() => import("./protocol.js").HostState} parts.state
 * @param {() => number} parts.now   ms
 */
export function createFront({ id, origin, platform, store, user, prover, release, host, startSoon, log, state, now }) {
  const { fetch, caches } = platform;
  const since = now();
  const answers = { local: 0, edge: 0, static: 0, nobody: 0 };
  const experience = createExperience({ store, release: id, now });
  /** @type {import("./answer.js").Edges | undefined} */
  let edges;
  let personal = 0;

  const edgesOf = (/** @type {import("./release.js").Release | undefined} */ found) =>
    (edges ??= createEdges({ bases: found?.manifest.edges ?? [""], fetch, now, random: Math.random, note: log.note }));

  const { answer, ifReady } = createAnswer({
    origin,
    release,
    host,
    startSoon,
    view: user.current,
    network: createNetwork({ fetch, prover, mintKey: () => mintKey(store), user }),
    edges: edgesOf,
    experience,
    personal: () => personal,
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
      caches: await listCaches(caches, "edgekit-"),
      storage: (await navigator.storage?.estimate?.()) ?? null,
      edges: edgesOf(found).members(),
      answers,
      routes: experience.known(),
      worker: { since, now: now() },
      errors: log.errors(),
    });
  }

  return {
    /** The network has told Python something about the user. */
    onPersonal: () => void (personal += 1),

    /** @param {Request} request @param {(work: Promise<unknown>) => void} later */
    async respond(request, later) {
      try {
        return await (new URL(request.url).pathname === PATH.browser ? inspect(request) : answer(request, later));
      } catch (error) {
        if (request.signal.aborted) throw error;
        log.note(error);
        // Whatever is wrong with us, the edge can answer.
        const answered = await inTime(fetch(request), DEADLINE.fallback, undefined).catch(() => undefined);
        return answered ?? unavailable(request);
      }
    },

    /** @param {MessagePort} port */
    connect: (port) => answerCalls(port, origin, ifReady),
  };
}
