// @ts-check
/**
 * A page that was made for somebody else than who is signed in now must not stay. Imports nothing, because it is
 * served as /_edge/whose.js.
 */

const PATIENCE = 2_000; // ms until a service worker that does not answer counts as gone

/**
 * People are known to pages by a name that says nothing; "" is everybody who is not signed in.
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

  return {
    /** The service worker says who is signed in; sure: an edge has just told it. @param {string} user @param {boolean} sure */
    told(user, sure) {
      clearTimeout(timer);
      madeFor ??= user;
      const isBehind = asked !== "view"; // the worker may be; if it cannot find out either, the page stays
      asked = "";
      if (user === madeFor) cover(false);
      else if (sure) replace(user);
      else if (isBehind) question("view");
      else cover(false);
    },

    /** Another page was made just now, for this user. @param {string} user */
    heard(user) {
      if (madeFor !== undefined && user !== madeFor) question("view", () => replace(user));
    },

    /** The browser has put the page back on the screen as it was when it was left. */
    restored() {
      if (!madeFor) return question("who");
      cover(true);
      question("who", () => replace(undefined));
    },
  };
}
