// @ts-check
/**
 * In the thread of the interpreter: messages from the main thread as calls of the app, and back. Counterpart:
 * interpreter.js.
 */

import { AHEAD, LIGHTEST } from "../bridge.js";

/** @typedef {import("./interpreter.js").Down} Down */
/** @typedef {import("./interpreter.js").Up} Up */

/**
 * Returns what takes the messages. `die` is called, once, when the interpreter can no longer be used, with the
 * request that it was working on if that is known; nothing is passed on after that.
 *
 * @param {import("../protocol.js").Entry} app
 * @param {(message: Up, transfer?: ArrayBuffer[]) => void} post
 * @param {(id: number | undefined, error: Error) => void} die
 * @returns {(message: Down) => void}
 */
export function createRelay(app, post, die) {
  /** Bytes of each answer that the client has not got yet. @type {Map<number, number>} */
  const ahead = new Map();
  let dead = false;

  /** @type {import("../protocol.js").Port} */
  const port = {
    head: (id, status, headers) => post(["head", id, status, headers]),
    chunk(id, bytes, more) {
      const waiting = (ahead.get(id) ?? 0) + weight(bytes?.byteLength);
      post(["chunk", id, bytes, more], bytes && [/** @type {ArrayBuffer} */ (bytes.buffer)]);
      if (!more) {
        ahead.delete(id);
        return true;
      }
      ahead.set(id, waiting);
      return waiting < AHEAD;
    },
    want: (id) => post(["want", id]),
    done(id) {
      ahead.delete(id);
      post(["done", id]);
    },
  };

  /** @param {Down} message */
  function call(message) {
    switch (message[0]) {
      case "request": {
        const [, id, { method, scheme, host, path, query, headers, version, peer, port: from }, body, more] = message;
        const reply = app.handle(id, method, scheme, host, path, query, headers, body, more, undefined, port, version, peer, from);
        if (reply) post(["reply", id, reply[0], reply[1], reply[2], reply[3] ?? false], [/** @type {ArrayBuffer} */ (reply[2].buffer)]);
        return;
      }
      case "feed":
        return app.feed(message[1], message[2], message[3]);
      case "cancel":
        ahead.delete(message[1]);
        return app.cancel(message[1]);
      case "read": {
        const [, id, bytes] = message;
        const before = ahead.get(id);
        if (before === undefined) return;
        const after = before - weight(bytes);
        ahead.set(id, after);
        if (before >= AHEAD && after < AHEAD) app.resume(id);
        return;
      }
      case "ping":
        app.cancel(0); // there is no such request; but an interpreter that has broken says so
        post(["pong"]);
    }
  }

  return (message) => {
    if (dead) return;
    try {
      call(message);
    } catch (error) {
      const reason = error instanceof Error ? error : new Error(String(error));
      const id = message[0] === "ping" ? undefined : message[1];
      if (reason.name === "PythonError" && id !== undefined) {
        post(["error", id, reason.message]);
      } else {
        dead = true;
        die(id, reason);
      }
    }
  };
}

/** @param {number | undefined} bytes */
function weight(bytes = 0) {
  return Math.max(bytes, LIGHTEST);
}
