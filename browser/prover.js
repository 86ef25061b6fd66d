// @ts-check
/** Sends requests with a proof of this device, and learns from the answers what the next proof needs. */

import { randomId } from "./keys.js";
import { makeProof } from "./proof.js";
import { HEADER } from "./protocol.js";

const KEPT = "nonce";

/**
 * @typedef {object} About   a request
 * @property {string} [ath]   its session, "" if none is known
 * @property {import("./proof.js").Write} [write]   only if it changes something
 * @property {boolean} [eager]   false: no proof before an edge asks for one
 */

/**
 * @param {object} parts
 * @param {import("./store.js").Store} parts.store
 * @param {import("./protocol.js").Fetch} parts.fetch
 * @param {() => Promise<import("./device-key.js").DeviceKey | undefined>} parts.deviceKey
 * @param {string} parts.origin   the site's own
 * @param {Pick<ReturnType<typeof import("./clock.js").createClock>, "now" | "learn">} parts.clock
 */
export function createProver({ store, fetch, deviceKey, origin, clock }) {
  /** @type {Promise<{nonce?: string}>} */
  let learnt = store.get(KEPT).then((kept) => kept ?? {}).catch(() => ({}));

  /** @param {Response} response   not from a cache */
  async function learn(response) {
    clock.learn(response);
    const nonce = response.headers.get(HEADER.nonce);
    if (nonce === null || (await learnt).nonce === nonce) return;
    learnt = Promise.resolve({ nonce });
    // Nobody waits for it: what is forgotten costs the next worker one more request.
    store.update(KEPT, () => ({ nonce })).catch(() => {});
  }

  return {
    /** Whether a session that is bound to this key is bound to this device. @param {string} jkt   "" if unbound */
    owns: async (jkt) => jkt !== "" && (await deviceKey())?.jkt === jkt,

    /**
     * Like `fetch`, to our own origin. An edge that wants another nonce, or tells us that our clock is wrong,
     * is asked once more; so `init` has to be good for two requests.
     *
     * @param {string} target   a URL, or a path
     * @param {RequestInit} init
     * @param {About} [about]
     * @returns {Promise<Response>}
     */
    async send(target, init, { ath = "", write, eager = true } = {}) {
      const url = new URL(target, origin).href;

      /** @param {import("./device-key.js").DeviceKey} [key] */
      const attempt = async (key) => {
        const headers = new Headers(init.headers);
        if (key !== undefined) {
          const { nonce } = await learnt;
          const facts = { method: init.method ?? "GET", url, jti: randomId(), at: clock.now(), nonce, ath, write };
          headers.set(HEADER.proof, await makeProof(key, facts));
        }
        const response = await fetch(url, { ...init, headers });
        if (write !== undefined || init.cache === "no-store" || isChallenge(response)) await learn(response);
        return response;
      };

      const first = await attempt(eager ? await deviceKey() : undefined);
      const key = isChallenge(first) ? await deviceKey() : undefined;
      if (key === undefined) return first;
      void first.body?.cancel();
      return attempt(key);
    },
  };
}

/** Whether an edge has refused the proof, or misses one (RFC 9449, sections 7.1 and 9). @param {Response} response */
export function isChallenge({ status, headers }) {
  return status === 401 && headers.has(HEADER.nonce) && /^DPoP\b/i.test(headers.get("www-authenticate") ?? "");
}
