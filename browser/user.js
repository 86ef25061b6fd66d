// @ts-check
/**
 * What the browser knows about its user: the newest view that an edge has signed. Only the payload is kept,
 * never the token: nothing that is stored here would let anybody act as the user (RFC 10017).
 */

import { sessionHash } from "./proof.js";
import { CHANGED_VIEW, DEADLINE, GUEST, HEADER, NO_VIEW, PATH } from "./protocol.js";
import { verifyView } from "./view.js";

/**
 * @typedef {object} Held
 * @property {string | null} json   payload of the view; null: there is none
 * @property {string} ath   its session, as proofs name it
 * @property {string} jkt   the device that it is bound to, "" if it is not
 * @property {boolean} guest
 * @property {number} ver
 * @property {number} exp   seconds
 * @property {string} [ended]   `ath` of the session before it
 */

const ASK_AGAIN = 10_000; // ms between two questions
/** @type {Held} */
const NOBODY = { json: null, ath: "", jkt: "", guest: true, ver: 0, exp: Number.POSITIVE_INFINITY };

/**
 * @param {object} parts
 * @param {import("./store.js").Store} parts.store
 * @param {ReturnType<typeof import("./prover.js").createProver>["send"]} parts.send
 * @param {import("./view.js").KeyFinder} parts.findKey
 * @param {() => number} parts.now   ms, for how long something takes
 * @param {() => number} parts.time   ms since 1970
 * @param {(user: string) => void} parts.onChange   it is somebody else (see `who`)
 * @param {(headers: Headers) => void} [parts.onAnswer]   gets what an edge has answered, for whatever else it tells
 */
export function createUser({ store, send, findKey, now, time, onChange, onAnswer = () => {} }) {
  const find = () => store.get("view").then((kept) => (typeof kept?.ath === "string" ? kept : undefined), () => undefined);
  /** @type {Promise<Held | undefined>} */
  let held = find();
  let changes = 0;
  let asked = Number.NEGATIVE_INFINITY;
  /** @type {Promise<boolean> | undefined} */
  let asking;

  /** @param {Held} next @param {boolean} sure */
  async function keep(next, sure) {
    changes += 1;
    const before = held;
    const change = (/** @type {Held | undefined} */ old) => (isOutdated(next, old, sure) ? old : follow(next, old));
    held = store.update("view", change).catch(async () => change(await before));
    const [old, now] = [await before, await held];
    if (userOf(old) !== userOf(now)) onChange(userOf(now));
  }

  /**
   * Take over what an edge said in `Edgekit-View`. Never rejects; what does not verify is ignored.
   *
   * @param {string | null} header
   * @param {boolean} [sure]   it was asked for that and nothing has changed meanwhile
   */
  async function accept(header, sure = false) {
    if (header === null) return;
    if (header === CHANGED_VIEW) return void (await refresh());
    if (header === NO_VIEW) return keep(NOBODY, sure);
    const view = await verifyView(header, findKey).catch(() => null);
    if (view === null) return;
    const { sid, jkt = "", guest, ver, exp } = view.claims;
    await keep({ json: view.json, ath: await sessionHash(sid), jkt, guest, ver, exp }, sure);
  }

  /** The session, as far as it is known. @returns {Promise<{ath: string, jkt: string}>} */
  async function session() {
    const { ath, jkt } = (await held) ?? NOBODY;
    return { ath, jkt };
  }

  /** Ask an edge for the view behind the cookie, which script cannot read; false if none has answered. Never rejects. */
  function refresh() {
    asked = now();
    asking ??= ask().finally(() => (asking = undefined));
    return asking;
  }

  async function ask() {
    const before = changes;
    try {
      /** @type {RequestInit} */
      const init = {
        headers: { [HEADER.client]: "1" },
        credentials: "same-origin",
        cache: "no-store",
        redirect: "error",
        signal: AbortSignal.timeout(DEADLINE.view),
      };
      // A guest's question goes without proof: it is the first one of all, and the key would have to be made for it.
      const eager = !((await held) ?? NOBODY).guest;
      const { headers } = await send(PATH.view, init, { ...(await session()), eager });
      const header = headers.get(HEADER.view);
      onAnswer(headers);
      // A view that came with another answer in the meantime is newer than this one.
      if (changes === before && header !== CHANGED_VIEW) await accept(header, true);
      return header !== null;
    } catch {
      return false; // offline: the next question may do better
    }
  }

  /**
   * The view's payload as JSON, or undefined if there is none. The first time that nothing is known the
   * answer waits for an edge, afterwards it does not. Whether a session has been revoked, only an edge knows:
   * so of somebody who is signed in it is asked again and again, beside the answer.
   *
   * @returns {Promise<string | undefined>}
   */
  async function current() {
    const known = await held;
    if (known === undefined || known.exp * 1000 < time() || !known.guest) {
      const first = known === undefined && asked === Number.NEGATIVE_INFINITY;
      if (now() - asked >= ASK_AGAIN) void refresh();
      if (first || (known === undefined && asking !== undefined)) await asking;
    }
    return (await held)?.json ?? undefined;
  }

  return {
    accept,
    refresh,
    current,
    session,

    /** Whether an edge has said that nobody is signed in here. */
    isGuest: async () => (await held)?.guest === true,

    /** As `current`, but only what is known: nobody is asked. */
    known: async () => (await held)?.json ?? undefined,

    /** Another worker has gone on while this one waited: what it has kept counts. */
    reopen: () => void (held = find()),

    /**
     * Like `fetch`, with a proof of this device; what the edge says about the user is taken over.
     *
     * @param {string} path
     * @param {RequestInit} init
     */
    async send(path, init) {
      const response = await send(path, init, await session());
      await accept(response.headers.get(HEADER.view));
      return response;
    },

    /** Whose session it is, as pages may know it; "" if there is none. */
    who: async () => userOf(await held),
  };
}

/** As in the metric `edgekit-user` of Server-Timing. @param {Held | undefined} held */
function userOf(held) {
  if (held === undefined || held.json === null) return "";
  return (held.guest ? GUEST : "") + held.ath.slice(0, 16);
}

/**
 * Answers may overtake each other. What follows a sign-out does not bring back who has signed out. But when an edge
 * was asked and nothing came in between, its word is the truth: a browser that was killed may have lost a cookie.
 *
 * @param {Held} next @param {Held | undefined} old @param {boolean} sure
 */
function isOutdated(next, old, sure) {
  if (old === undefined || next.json === null) return false;
  return !sure && (next.ath === old.ath ? next.ver < old.ver : next.ath === old.ended);
}

/** @param {Held} next @param {Held | undefined} old @returns {Held} */
function follow(next, old) {
  const ended = next.ath === old?.ath ? old.ended : old?.ath || old?.ended;
  return ended === undefined ? next : { ...next, ended };
}
