// @ts-check
/**
 * The interpreter, as the main thread sees it: asked through messages, watched, and replaced when it breaks or is
 * busy without end. Counterpart: relay.js.
 */

const TICK = 1_000; // ms between two looks at it
const BOOT = 90; // ticks that a start may take; what is waited for there has its own deadlines

/**
 * @typedef {object} Settings   what an interpreter has to be told; files by their names, so that a later one reads them anew
 * @property {string} release   folder
 * @property {string} [origin]   URL
 * @property {string} [originKeys]   file of the origin's public keys
 * @property {string} [keys]   file of this edge's private keys
 * @property {string} [serverOnly]   file of what the release leaves out
 * @property {string} address   of the site, "" where none is set
 * @property {string} sites   origins, with commas between
 * @property {string} catalogMemory   MiB, "" for the usual
 *
 * @typedef {object} Call   a request, as `Handle` in protocol.js takes it
 * @property {string} method
 * @property {string} scheme
 * @property {string} host
 * @property {string} path
 * @property {string} query
 * @property {string} headers
 * @property {string} version   of HTTP, such as "1.1"
 * @property {string} peer   the client's address
 * @property {number} port   and its port
 *
 * @typedef {["request", id: number, call: Call, body: Uint8Array | undefined, more: boolean]
 *   | ["feed", id: number, bytes: Uint8Array | undefined, more: boolean]
 *   | ["cancel", id: number] | ["read", id: number, bytes: number] | ["ping"]} Down   to the interpreter
 * @typedef {["ready"] | ["failed", reason: string] | ["pong"]
 *   | ["reply", id: number, status: number, headers: string, body: Uint8Array, working: boolean]
 *   | ["head", id: number, status: number, headers: string]
 *   | ["chunk", id: number, bytes: Uint8Array | undefined, more: boolean]
 *   | ["want", id: number] | ["done", id: number] | ["error", id: number, reason: string]
 *   | ["fatal", id: number | undefined, reason: string]} Up   from the interpreter
 *
 * @typedef {object} Listener   whoever has made a request
 * @property {(status: number, headers: string, body: Uint8Array) => void} reply   all of the answer
 * @property {(status: number, headers: string) => void} head   or its head; parts follow
 * @property {(bytes: Uint8Array | undefined, more: boolean) => void} chunk
 * @property {() => void} want   the next part of the request's body
 * @property {(code: "internal-error" | "host-starting") => void} lost   nothing follows; comes after a complete answer too
 *
 * @typedef {object} Request   what it may do then
 * @property {(bytes: Uint8Array | undefined, more: boolean) => void} feed
 * @property {(bytes: number) => void} read   the client has got so many
 * @property {() => void} cancel   the client is gone
 *
 * @typedef {{postMessage: (message: Down, transfer?: ArrayBuffer[]) => void, terminate: () => void,
 *   on: (event: any, listener: (value: any) => void) => unknown}} Thread   a `Worker`
 *
 * @typedef {object} Interpreter
 * @property {Promise<void>} ready   rejects if the first one does not start
 * @property {() => boolean} isReady
 * @property {(call: Call, body: Uint8Array | undefined, more: boolean, listener: Listener) => Request | null} request
 *   null while there is none
 * @property {() => Promise<void>} idle   when nothing is being worked on
 * @property {() => void} stop   no other one is started from now on
 */

/**
 * @param {object} options
 * @param {() => Thread} options.start
 * @param {number} options.limit   seconds that it may be busy without a pause
 * @param {(line: string) => void} options.log
 * @param {() => void} options.fail   a later one does not start
 * @returns {Interpreter}
 */
export function createInterpreter({ start, limit, log, fail }) {
  /** @type {Map<number, Listener>} */
  const live = new Map();
  /** @type {(() => void)[]} */
  let waiting = [];
  /** @type {Thread | undefined} the one that answers */
  let current;
  /** @type {Thread} */
  let thread;
  let [last, silent, since, asked, stopped] = [0, 0, 0, false, false];
  let begun = false; // the first one was ready
  /** @type {() => void} */
  let started = () => {};
  /** @type {(reason: Error) => void} */
  let refused = () => {};
  /** @type {Promise<void>} */
  const ready = new Promise((resolve, reject) => ([started, refused] = [resolve, reject]));

  function begin() {
    const mine = start();
    [thread, since, silent, asked] = [mine, 0, 0, false];
    mine.on("message", (/** @type {Up} */ message) => mine === thread && take(mine, message));
    mine.on("error", (error) => mine === thread && end(undefined, String(error?.message ?? error)));
    mine.on("exit", () => mine === thread && end(undefined, "it has ended"));
  }

  /** @param {Thread} mine @param {Up} message */
  function take(mine, message) {
    silent = 0;
    switch (message[0]) {
      case "ready":
        current = mine;
        begun = true;
        started();
        return;
      case "failed":
      case "fatal":
        return message[0] === "failed" ? end(undefined, message[1]) : end(message[1], message[2]);
      case "pong":
        asked = false;
        return;
      case "error":
        log(message[2]);
        return lose(message[1], "internal-error");
      case "done":
        return lose(message[1], "internal-error"); // which nobody hears who has an answer
      default:
        return pass(message);
    }
  }

  /** @param {Exclude<Up, ["ready"] | ["failed", string] | ["pong"] | ["error", number, string] | ["done", number] | ["fatal", number | undefined, string]>} message */
  function pass(message) {
    const listener = live.get(message[1]);
    if (message[0] === "reply") {
      const [, id, status, headers, body, working] = message;
      if (!working) forget(id);
      listener?.reply(status, headers, body);
    } else if (message[0] === "head") listener?.head(message[2], message[3]);
    else if (message[0] === "chunk") listener?.chunk(message[2], message[3]);
    else listener?.want();
  }

  /** @param {number} id */
  function forget(id) {
    live.delete(id);
    if (live.size > 0) return;
    for (const resolve of waiting) resolve();
    waiting = [];
  }

  /** @param {number} id @param {"internal-error" | "host-starting"} code */
  function lose(id, code) {
    const listener = live.get(id);
    forget(id);
    listener?.lost(code);
  }

  /** This one cannot be used any more. @param {number | undefined} culprit @param {string} reason */
  function end(culprit, reason) {
    const broken = thread;
    const had = current === broken;
    current = undefined;
    thread = /** @type {any} */ (undefined);
    broken.terminate();
    if (!begun) return refused(new Error(reason));
    log(`The interpreter has ended (${reason.trim()}) with ${live.size} requests in it; ${had && !stopped ? "starting another" : "giving up"}.`);
    for (const id of [...live.keys()]) lose(id, id === culprit ? "internal-error" : "host-starting");
    if (stopped) return;
    if (had) begin();
    else fail();
  }

  function look() {
    if (thread === undefined) return;
    if (current === undefined) {
      since += 1;
      if (since >= BOOT) end(undefined, `it has not started within ${BOOT} s`);
    } else if (!asked) {
      asked = true;
      current.postMessage(["ping"]);
    } else {
      // Counted in looks, so that a machine that was asleep does not count.
      silent += 1;
      if (silent >= limit) end(undefined, `it has not paused for ${limit} s`);
    }
  }

  begin();
  setInterval(look, TICK).unref();
  return {
    ready,
    isReady: () => current !== undefined,
    request(call, body, more, listener) {
      if (current === undefined) return null;
      const [id, mine] = [++last, current];
      live.set(id, listener);
      mine.postMessage(["request", id, call, body, more], body && [/** @type {ArrayBuffer} */ (body.buffer)]);
      const tell = (/** @type {Down} */ message, /** @type {ArrayBuffer[]} */ transfer = []) => {
        if (mine === current) mine.postMessage(message, transfer);
      };
      return {
        feed: (bytes, left) => tell(["feed", id, bytes, left], bytes && [/** @type {ArrayBuffer} */ (bytes.buffer)]),
        read: (bytes) => tell(["read", id, bytes]),
        cancel: () => tell(["cancel", id]),
      };
    },
    idle: () => new Promise((resolve) => (live.size === 0 ? resolve() : void waiting.push(resolve))),
    stop: () => void (stopped = true),
  };
}
