// @ts-check
/** Who answers a request: the release, the local host, an edge, or, when nobody can, an honest page. */

import { inTime } from "./in-time.js";
import { keptNote } from "./kept.js";
import { isAnonymous, isSafe } from "./network.js";
import { fixedRoutes, match, routeOf, storedPath, writeRouteOf } from "./placement.js";
import { LOCAL_LIMIT, isHealthy, order } from "./pool.js";
import { DEADLINE, HEADER } from "./protocol.js";
import { race } from "./race.js";
import { fileAnswer } from "./static-file.js";
import { unavailable } from "./unavailable.js";

const OWN = { [HEADER.host]: "browser" };
const NOBODY = { view: undefined, pending: 0 };

/** @typedef {import("./release.js").Release} Release */
/** @typedef {ReturnType<typeof import("./edges.js").createEdges>} Edges */

/**
 * @param {object} parts
 * @param {string} parts.origin   the site's own origin
 * @param {() => Promise<Release | undefined>} parts.release   undefined: not there (any more)
 * @param {import("./local-host.js").LocalHost} parts.host
 * @param {() => Promise<unknown>} parts.startSoon   start the local host when it disturbs nobody
 * @param {ReturnType<typeof import("./outbox.js").createOutbox>["view"]} parts.view
 * @param {ReturnType<typeof import("./write.js").createWrite>} parts.writes
 * @param {(request: Request) => Promise<import("./network.js").Sender>} parts.network
 * @param {(release?: Release) => Edges} parts.edges
 * @param {ReturnType<typeof import("./experience.js").createExperience>} parts.experience
 * @param {() => number} parts.personal   how many answers about the user the network has given Python so far
 * @param {() => Promise<import("./outbox-row.js").Row[]>} parts.waiting   writes that no edge has confirmed, oldest first
 * @param {() => boolean} parts.online
 * @param {() => number} parts.now   ms
 * @param {(who: "static" | "local" | "edge" | "nobody") => void} parts.count
 */
export function createAnswer(parts) {
  const { origin, release, host, startSoon, view, writes, network, experience, personal, waiting, online, now, count } = parts;

  /**
   * @param {Request} request
   * @param {string} route   its pattern
   * @param {AbortSignal} signal
   * @param {Edges} edges
   * @param {(work: Promise<unknown>) => void} [later]
   */
  async function locally(request, route, signal, edges, later) {
    const began = now();
    const known = personal();
    const ready = await inTime(host.start(), DEADLINE.start, false);
    if (!ready) return null;
    const seen = isAnonymous(request) ? NOBODY : await inTime(view(), DEADLINE.local, undefined);
    if (seen === undefined) return null;
    const { view: payload, pending } = seen;
    const since = now();
    const response = await host.answer(request, payload, signal, later);
    if (response === null && host.status() !== "ready") experience.wasSlow(route); // it broke: not here again
    if (pending > 0 && response !== null) {
      response.headers.set(HEADER.pending, String(pending));
      // For the page itself. One field: Chromium keeps the first of several that a service worker gives.
      const timing = [response.headers.get("server-timing"), `edgekit-pending;desc="${pending}"`].filter(Boolean);
      response.headers.set("server-timing", timing.join(", "));
    }
    const late = now() - since > LOCAL_LIMIT;
    // Offline a handler may wait for what does not come. That does not make it slow.
    if (late && edges.members().some((edge) => edge.base === "" && isHealthy(edge, began))) experience.wasSlow(route);
    if (!signal.aborted) experience.answered(route, response?.status === 200 && personal() === known);
    return response;
  }

  /**
   * The answer of the local host where it is ready and may, else null: nobody else is asked.
   *
   * @param {Request} request
   */
  async function ifReady(request) {
    const found = await inTime(release(), DEADLINE.storage, undefined);
    if (found === undefined || !host.ready() || !isSafe(request.method)) return null;
    const url = new URL(request.url);
    const route = match(found.manifest, request.method, url, origin) === "anywhere" ? routeOf(found.manifest, url) : "";
    if (route === "" || experience.isSlow(route) || experience.isDeadly(route)) return null;
    const response = await locally(request, route, request.signal, parts.edges(found));
    if (response !== null && isFailure(response)) {
      forget(response);
      return null;
    }
    if (response !== null) count("local");
    return response;
  }

  /**
   * The first answer; null if nobody has one. That the local host fails at what is safe to repeat may be for want of
   * threads or of a network, so its word counts only if no edge says more.
   *
   * @param {Request} request
   * @param {string} route   its pattern, "" if only an edge may answer
   * @param {Edges} edges
   * @param {AbortSignal} gone   whoever asked
   * @param {(work: Promise<unknown>) => void} later
   */
  async function compete(request, route, edges, gone, later) {
    const safe = isSafe(request.method);
    const facts = { safe, anywhere: route !== "", slow: experience.isSlow(route), local: host.status(), online: online() };
    /** @type {Promise<import("./network.js").Sender> | undefined} */
    let sender;
    /** @type {Response | null} */
    let failure = null;
    const response = await race(
      order({ ...facts, edges: edges.members(), now: now() }),
      async (to, signal) => {
        if (to === "local") {
          const told = await locally(request, route, signal, edges, later);
          if (told === null || !isFailure(told) || signal.aborted) return told; // thrown away, if nobody waits any more
          failure = told;
          return null;
        }
        if (safe && isQuestion(request)) await writes.settled();
        return edges.ask(to, await (sender ??= network(request)), signal);
      },
      gone,
    );
    if (response === null) return failure;
    forget(failure);
    return response;
  }

  /**
   * @param {Request} request
   * @param {(work: Promise<unknown>) => void} later   keeps the worker alive for work that is not waited for
   */
  async function answer(request, later) {
    const found = await inTime(release(), DEADLINE.storage, undefined);
    if (found === undefined) later(startSoon()); // fetches it again
    const url = new URL(request.url);
    const placement = found === undefined ? "edge" : match(found.manifest, request.method, url, origin);
    const stored = found && storedPath(found.manifest, url.pathname);
    if (placement === "static" && found && stored !== undefined) {
      count("static");
      const etag = `"${found.manifest.files[stored]?.sha256.slice(0, 32)}"`;
      return fileAnswer(request, await found.read(stored), etag, OWN);
    }

    await inTime(experience.loaded, DEADLINE.storage, undefined);
    const anywhere = placement === "anywhere";
    const ahead = found ? writeRouteOf(found.manifest, request.method, url) : "";
    const optimistic = ahead !== "" && !experience.isDeadly(ahead);
    if (anywhere && host.status() === "startable") later(startSoon());
    const pattern = anywhere && found && isSafe(request.method) ? routeOf(found.manifest, url) : "";
    const route = experience.isDeadly(pattern) ? "" : pattern;
    const edges = parts.edges(found);
    const response = isSafe(request.method)
      ? await compete(request, route, edges, request.signal, later)
      : await writes.write(request, optimistic, (sent) => compete(sent, "", edges, request.signal, later), later);
    count(response === null ? "nobody" : response.headers.get(HEADER.host) === "browser" ? "local" : "edge");
    if (response !== null) return response;
    const works = host.status() === "down" || found === undefined ? [] : fixedRoutes(found.manifest);
    const alone = works.filter((pattern) => experience.known().alone.includes(pattern));
    const kept = isPage(request) ? await keptNote(await waiting()) : "";
    return unavailable(request, alone, found && (await appPage(found, "offline.html")), kept);
  }

  return { answer, ifReady };
}

/** Whether the app has failed, as far as a status tells. @param {Response} response */
function isFailure({ status }) {
  return status >= 500;
}

/** Nobody reads it. @param {Response | null} response */
function forget(response) {
  void response?.body?.cancel().catch(() => {});
}

/** Whether the answer may depend on what the user has done; that of an image or a script does not. @param {Request} request */
function isQuestion({ destination }) {
  return ["", "document", "iframe", "frame"].includes(destination);
}

/** Whether somebody will look at the answer. @param {Request} request */
function isPage({ mode, method }) {
  return mode === "navigate" && method === "GET";
}

/** A page that the app brings along, as a static file of that name. @param {Release} release @param {string} name */
export async function appPage({ manifest, read }, name) {
  const path = Object.keys(manifest.static).find((path) => path.endsWith(`/${name}`));
  return path === undefined ? undefined : read(manifest.static[path] ?? "").catch(() => undefined);
}
