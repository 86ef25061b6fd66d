// @ts-check
/**
 * What the local host has read about the user, for when the network is gone: the newest answers, in a cache of the
 * user's own. As soon as somebody else is here it is deleted.
 */

import { isEdgesJson } from "./genuine.js";
import { DEADLINE, PATH, PERSONAL_CACHE } from "./protocol.js";

const MOST = 200; // answers

/**
 * @param {object} parts
 * @param {CacheStorage} parts.caches
 * @param {() => Promise<string>} parts.who   a name for whoever is here now, "" if that is not known
 * @param {(error: unknown) => void} parts.note
 */
export function createPersonal({ caches, who, note }) {
  /** Nobody else's answers stay. */
  async function tidy() {
    const own = PERSONAL_CACHE + (await who());
    const others = (await caches.keys()).filter((name) => name.startsWith(PERSONAL_CACHE) && name !== own);
    await Promise.all(others.map((name) => caches.delete(name)));
  }

  /** Keep the answer to a question that somebody asked. @param {string} name   who @param {string} path @param {Response} response */
  async function keep(name, path, response) {
    if (name === "" || name !== (await who())) return;
    try {
      if (!(await caches.has(PERSONAL_CACHE + name))) await tidy();
      const cache = await caches.open(PERSONAL_CACHE + name);
      await cache.put(path, response);
      const [oldest = "", ...others] = await pathsIn(cache);
      if (others.length >= MOST) await cache.delete(oldest);
    } catch (error) {
      note(error); // no room: then it has to be asked for again
    }
  }

  return {
    who,
    tidy,
    keep,

    /** @param {string} name @param {string} path */
    find: async (name, path) => (name === "" ? undefined : caches.match(path, { cacheName: PERSONAL_CACHE + name })),

    /**
     * A write has changed what the answers to some questions were: they are asked again.
     *
     * @param {string} effects   JSON, see edge/settlement.py
     * @param {(path: string, signal: AbortSignal) => Promise<Response>} ask
     */
    async renew(effects, ask) {
      const name = await who();
      const changed = new Set(JSON.parse(effects).writes.map((/** @type {string[]} */ [scope, collection]) => `${scope}/${collection}`));
      if (changed.size === 0 || !(await caches.has(PERSONAL_CACHE + name))) return;
      const cache = await caches.open(PERSONAL_CACHE + name);
      for (const path of await pathsIn(cache)) {
        const [scope, collection] = path.slice(PATH.records.length).split(/[/?]/);
        if (!changed.has(`${scope}/${collection}`)) continue;
        const response = await ask(path, AbortSignal.timeout(DEADLINE.view)).catch(() => undefined);
        if (response?.status === 200 && isEdgesJson(response)) await keep(name, path, response);
        else await cache.delete(path); // better nothing than what is no longer so
      }
    },
  };
}

/** In the order in which they came. @param {Cache} cache */
async function pathsIn(cache) {
  return (await cache.keys()).map(({ url }) => new URL(url)).map(({ pathname, search }) => pathname + search);
}
