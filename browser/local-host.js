// @ts-check
/** The local host: boots once, answers, and after a crash boots again, later each time. */

import { createBridge } from "./bridge.js";
import { DEADLINE } from "./protocol.js";

const FIRST_PAUSE = 1_000; // ms
const LONGEST_PAUSE = 60_000; // ms

/**
 * @typedef {object} LocalHost
 * @property {() => boolean} ready
 * @property {() => Promise<boolean>} start   true once it is ready; false if it failed, or failed just now
 * @property {(request: Request, view: string | undefined) => Promise<Response | null>} answer
 *   null: this host cannot, the next one may. Never rejects.
 */

/**
 * @param {object} parts
 * @param {() => Promise<import("./runtime.js").App>} parts.boot
 * @param {() => number} parts.now   ms
 * @param {(phase: "start" | "ready" | "failed", reason?: string) => void} parts.onPhase
 * @returns {LocalHost}
 */
export function createLocalHost({ boot, now, onPhase }) {
  /** @type {ReturnType<typeof createBridge> | undefined} */
  let bridge;
  /** @type {Promise<boolean> | undefined} */
  let starting;
  let failures = 0;
  let notBefore = Number.NEGATIVE_INFINITY;

  /** @param {unknown} error */
  function fail(error) {
    bridge = undefined;
    notBefore = now() + Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** failures);
    failures += 1;
    onPhase("failed", error instanceof Error ? error.message : String(error));
  }

  async function run() {
    onPhase("start");
    try {
      bridge = createBridge(await boot());
      onPhase("ready");
      return true;
    } catch (error) {
      fail(error);
      return false;
    } finally {
      starting = undefined;
    }
  }

  return {
    ready: () => bridge !== undefined,

    async start() {
      if (bridge !== undefined) return true;
      if (starting === undefined && now() < notBefore) return false;
      starting ??= run();
      return starting;
    },

    async answer(request, view) {
      const used = bridge;
      if (used === undefined) return null;
      const late = new AbortController();
      const timer = setTimeout(() => late.abort(), DEADLINE.local);
      const signal = AbortSignal.any([request.signal, late.signal]);
      try {
        const response = await used(request, view, signal);
        failures = 0;
        return response;
      } catch (error) {
        // Not a crash if we gave up ourselves; a second request may have seen the same crash before.
        if (!signal.aborted && bridge === used) fail(error);
        return null;
      } finally {
        clearTimeout(timer);
      }
    },
  };
}
