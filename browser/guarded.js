// @ts-check
/** The local host, which leaves alone what has killed it before, and says what it is about to run. */

import { isSafe } from "./network.js";
import { routeOf, writeRouteOf } from "./placement.js";

/**
 * @param {import("./local-host.js").LocalHost} host
 * @param {object} parts
 * @param {() => Promise<import("./release.js").Release | undefined>} parts.release
 * @param {Pick<ReturnType<typeof import("./experience.js").createExperience>, "loaded" | "isDeadly" | "begins">} parts.experience
 * @returns {import("./local-host.js").LocalHost}
 */
export function guarded(host, { release, experience }) {
  return {
    ...host,
    async answer(request, view, signal, later) {
      const found = await release();
      if (found === undefined) return null;
      const url = new URL(request.url);
      const route = isSafe(request.method) ? routeOf(found.manifest, url) : writeRouteOf(found.manifest, request.method, url);
      await experience.loaded;
      if (experience.isDeadly(route)) return null;
      const ended = experience.begins(route);
      try {
        return await host.answer(request, view, signal, later);
      } finally {
        ended();
      }
    },
  };
}
