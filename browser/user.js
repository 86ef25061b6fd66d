// @ts-check
/**
 * What the browser knows about its user: the newest view that an edge has signed. Only the payload is kept,
 * never the token: nothing that is stored here would let anybody act as the user (RFC 10017).
 */

import { CHANGED_VIEW, DEADLINE, HEADER, NO_VIEW, PATH } from "./protocol.js";
import { verifyView } from "./view.js";

/** @typedef {{json: string | null, sub: string, ver: number, exp: number}} Held   json null: there is no view */

const ASK_AGAIN = 10_000; // ms between two questions that an edge did not answer
/** @type {Held} */
const NOBODY = { json: null, sub: "", ver: 0, exp: Number.POSITIVE_INFINITY };

/**
 * @param {object} parts
 * @param {import("./store.js").Store} parts.store
 * @param {import("./protocol.js").Fetch} parts.fetch
 * @param {import("./view.js").KeyFinder} parts.findKey
 * @param {() => number} parts.now   ms
 */
export function createUser({ store, fetch, findKey, now }) {
  /** @type {Promise<Held | undefined>} */
  let held = store.get("view").catch(() => undefined);
  let changes = 0;
  let asked = Number.NEGATIVE_INFINITY;
  /** @type {Promise<void> | undefined} */
  let asking;

  /** @param {Held} next */
  async function keep(next) {
    changes += 1;
    held = store.update("view", (old) => (isOlder(next, old) ? old : next)).catch(() => next);
    await held;
  }

  /**
   * Take over what an edge said in `Edgekit-View`. Never rejects; what does not verify is ignored.
   *
   * @param {string | null} header
   */
  async function accept(header) {
    if (header === null) return;
    if (header === CHANGED_VIEW) return refresh();
    if (header === NO_VIEW) return keep(NOBODY);
    const view = await verifyView(header, findKey).catch(() => null);
    if (view === null) return;
    const { sub, ver, exp } = view.claims;
    await keep({ json: view.json, sub, ver, exp });
  }

  /** Ask an edge for the view behind the cookie, which script cannot read. Never rejects. */
  function refresh() {
    asked = now();
    asking ??= ask().finally(() => (asking = undefined));
    return asking;
  }

  async function ask() {
    const before = changes;
    try {
      const response = await fetch(PATH.view, {
        headers: { [HEADER.client]: "1" },
        credentials: "same-origin",
        cache: "no-store",
        redirect: "error",
        signal: AbortSignal.timeout(DEADLINE.view),
      });
      const header = response.headers.get(HEADER.view);
      // A view that came with another answer in the meantime is newer than this one.
      if (response.ok && changes === before && header !== CHANGED_VIEW) await accept(header);
    } catch {
      return; // offline: the next question may do better
    }
  }

  /**
   * The view's payload as JSON, or undefined if there is none. The first time that nothing is known the
   * answer waits for an edge, afterwards it does not.
   *
   * @returns {Promise<string | undefined>}
   */
  async function current() {
    const known = await held;
    if (known === undefined || known.exp * 1000 < now()) {
      const first = known === undefined && asked === Number.NEGATIVE_INFINITY;
      if (now() - asked >= ASK_AGAIN) void refresh();
      if (first || (known === undefined && asking !== undefined)) await asking;
    }
    return (await held)?.json ?? undefined;
  }

  return { accept, refresh, current };
}

/** Answers may overtake each other. @param {Held} next @param {Held | undefined} old */
function isOlder(next, old) {
  return old !== undefined && old.json !== null && next.sub === old.sub && next.ver < old.ver;
}
