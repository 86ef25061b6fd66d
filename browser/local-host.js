// @ts-check
/** The local host: boots once, answers, and after a crash boots again, later each time. */

import { createBridge } from "./bridge.js";
import { inTime } from "./in-time.js";
import { backOff } from "./pool.js";
import { DEADLINE } from "./protocol.js";

const STEADY = 60_000; // ms; who has lived so long has not failed before

/** @typedef {import("./runtime.js").App} App */
/** @typedef {(work: Promise<unknown>) => void} Later */

/**
 * @typedef {object} LocalHost
 * @property {() => import("./pool.js").Local} status   "startable" also while it starts
 * @property {() => boolean} ready
 * @property {() => Promise<boolean>} start   true once it is ready; false if it failed, or failed just now
 * @property {(request: Request, view: string | undefined, signal: AbortSignal, later?: Later) => Promise<Response | null>} answer
 *   null: this host cannot, the next one may. Never rejects. `later` gets what the app does after its answer.
 * @property {() => Promise<boolean>} complete   bring what was not needed for the start; true if it was missing until
 *   now, so that what this host could not do it perhaps can
 * @property {(error: unknown) => void} crashed   the interpreter is broken: drop it
 * @property {() => Pick<App, "restored" | "timeline"> | undefined} app   how it started
 */

/**
 * @param {object} parts
 * @param {() => Promise<App>} parts.boot
 * @param {() => number} parts.now   ms
 * @param {() => number} parts.random
 * @param {(phase: "start" | "ready" | "failed", reason?: string) => void} parts.onPhase
 * @param {(app: App) => void} parts.onCrash
 * @param {(request: Request) => [name: string, value: string][]} parts.added   headers that an edge would see as well
 * @returns {LocalHost}
 */
export function createLocalHost({ boot, now, random, onPhase, onCrash, added }) {
  /** @type {{app: App, bridge: ReturnType<typeof createBridge>, down: AbortController, since: number, isComplete: boolean} | undefined} */
  let current;
  /** @type {Promise<boolean> | undefined} */
  let starting;
  let failures = 0;
  let notBefore = Number.NEGATIVE_INFINITY;

  /** @param {unknown} error */
  function fail(error) {
    failures += 1;
    notBefore = now() + backOff(failures, random());
    const broken = current;
    current = undefined;
    broken?.down.abort(error); // what else waits for it need not wait longer
    if (broken) onCrash(broken.app);
    onPhase("failed", error instanceof Error ? error.message : String(error));
  }

  /** @param {App} app */
  function enter(app) {
    // Called by streams and signals, which have nobody to tell that the interpreter is dead.
    /** @template {unknown[]} A @param {(...words: A) => void} call @returns {(...words: A) => void} */
    const guarded = (call) => (...words) => {
      try {
        call(...words);
      } catch (error) {
        if (current?.app === app) fail(error);
      }
    };
    const { handle, cancel, feed, resume } = app;
    const entry = { handle, cancel: guarded(cancel), feed: guarded(feed), resume: guarded(resume) };
    const bridge = createBridge(entry, added);
    current = { app, bridge, down: new AbortController(), since: now(), isComplete: false };
  }

  async function run() {
    onPhase("start");
    try {
      enter(await boot());
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
    ready: () => current !== undefined,

    status() {
      if (current !== undefined) return "ready";
      return starting !== undefined || now() >= notBefore ? "startable" : "down";
    },

    async start() {
      if (current !== undefined) return true;
      if (starting === undefined && now() < notBefore) return false;
      starting ??= run();
      return starting;
    },

    async answer(request, view, signal, later) {
      const used = current;
      if (used === undefined) return null;
      const late = new AbortController();
      const timer = setTimeout(() => late.abort(), DEADLINE.local);
      const stop = AbortSignal.any([signal, late.signal, used.down.signal]);
      try {
        const response = await used.bridge(request, view, stop, later);
        if (now() - used.since > STEADY) failures = 0;
        return response;
      } catch (error) {
        // Not a crash if we gave up ourselves; a second request may have seen the same crash before.
        if (!stop.aborted && current === used) fail(error);
        return null;
      } finally {
        clearTimeout(timer);
      }
    },

    async complete() {
      const used = current;
      if (used === undefined || used.isComplete) return false;
      const bringing = used.app.complete().then(() => (used.isComplete = true), () => false);
      return inTime(bringing, DEADLINE.local, false);
    },

    crashed(error) {
      if (current !== undefined) fail(error);
    },

    app: () => current?.app,
  };
}
