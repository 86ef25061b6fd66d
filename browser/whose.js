// @ts-check
/**
 * A page that was made for another session than the present one must not stay: it shows what is somebody else's,
 * and its forms are not accepted. Imports nothing, because it is served as /_edge/whose.js.
 */

const GUEST = "guest-"; // as in protocol.js
const PATIENCE = 2_000; // ms until a service worker that does not answer counts as gone

/**
 * People are known to pages by a name that says nothing about them; "" is somebody without a session.
 *
 * @param {object} parts
 * @param {string | undefined} parts.madeFor   undefined: not known; then for whom we hear of first
 * @param {(type: "who" | "view") => boolean} parts.ask   the service worker; false if there is none
 * @param {(covered: boolean) => void} parts.cover   hide what the page shows
 * @param {(user: string | undefined) => void} parts.replace   the page is not for this user (undefined: nobody knows)
 */
export function createWhose({ madeFor, ask, cover, replace }) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let asked = "";

  /** @param {"who" | "view"} type @param {() => void} [unanswered] */
  function question(type, unanswered = () => {}) {
    clearTimeout(timer);
    asked = type;
    const hope = ask(type);
    timer = setTimeout(unanswered, hope ? PATIENCE : 0);
  }

  /** Whoever has no session yet becomes a guest sooner or later, and it still is their page. @param {string} user */
  const isFor = (user) => user === madeFor || (madeFor === "" && user.startsWith(GUEST));

  return {
    /** The service worker says whose session it is; sure: an edge has just told it. @param {string} user @param {boolean} sure */
    told(user, sure) {
      clearTimeout(timer);
      madeFor ??= user;
      const isBehind = asked !== "view"; // the worker may be; if it cannot find out either, the page stays
      asked = "";
      if (isFor(user)) cover(false);
      else if (sure) replace(user);
      else if (isBehind) question("view");
      else cover(false);
    },

    /** Another page was made just now, for this user. @param {string} user */
    heard(user) {
      if (madeFor !== undefined && !isFor(user)) question("view", () => replace(user));
    },

    /** The browser has put the page back on the screen as it was when it was left. */
    restored() {
      if (!madeFor || madeFor.startsWith(GUEST)) return question("who");
      cover(true); // it may be a stranger who looks now
      question("who", () => replace(undefined));
    },
  };
}
