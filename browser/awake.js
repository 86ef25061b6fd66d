// @ts-check
/**
 * Keeps the worker awake while it works on something long. Browsers stop one whose events are over (Firefox after 30 s,
 * streams or not) and one whose event does not end (Chromium after 300 s). So no event is held for long, and pages answer
 * when they are asked: each answer is an event. That works where they are hidden, too; their timers hardly run.
 */

import { inTime } from "./in-time.js";
import { MESSAGE } from "./protocol.js";

const EVERY = 10_000; // ms
const LONGEST = 120_000; // ms of one event

/**
 * @param {object} parts
 * @param {() => Promise<readonly Pick<WindowClient, "postMessage">[]>} parts.pages
 * @param {(ms: number) => Promise<void>} parts.delay
 */
export function createAwake({ pages, delay }) {
  let open = 0;
  let isBeating = false;

  async function beat() {
    isBeating = true;
    while (open > 0) {
      await delay(EVERY);
      const asked = open > 0 ? await pages().catch(() => []) : [];
      for (const page of asked) page.postMessage({ type: MESSAGE.stay });
    }
    isBeating = false;
  }

  return {
    /** What an event has to wait for, so that this work comes to its end. @param {Promise<unknown>} work */
    during(work) {
      open += 1;
      if (!isBeating) void beat();
      const end = () => void (open -= 1);
      work.then(end, end);
      return inTime(work, LONGEST, undefined);
    },
  };
}
