// @ts-check
/** What Python prints and what goes wrong: to the console, and the newest of it to /_edge/browser. */

const KEPT = 20;
const TRACEBACK = "Traceback (most recent call last)";

/** @typedef {{at: number, what: string}} Entry   at: ms since 1970 */

/**
 * @param {object} parts
 * @param {() => number} parts.now   ms
 * @param {Pick<Console, "debug" | "error">} parts.console
 * @param {() => boolean} parts.development
 */
export function createLog({ now, console, development }) {
  /** @type {Entry[]} */
  const errors = [];
  /** @type {string[]} */
  let lines = [];

  /** @param {unknown} error */
  function note(error) {
    errors.push({ at: now(), what: error instanceof Error ? error.message : String(error) });
    if (errors.length > KEPT) errors.shift();
  }

  function flush() {
    const text = lines.join("\n");
    lines = [];
    if (!text.includes(TRACEBACK)) return console.debug(text);
    note(text);
    return development() ? console.error(text) : console.debug(text);
  }

  return {
    errors: () => errors,
    note,

    /** A line that Python printed. What it prints in one go is one message. @param {string} line */
    print(line) {
      if (lines.push(line) === 1) setTimeout(flush);
    },
  };
}
