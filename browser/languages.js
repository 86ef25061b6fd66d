// @ts-check
/**
 * `Accept-Language` as this browser sends it. Scripts never see it; an edge has seen it and says so. As long as none
 * has, it is made from the user's languages, as Chromium and Firefox do that.
 */

const KEY = "language";

/**
 * @param {object} parts
 * @param {import("./store.js").Store} parts.store
 * @param {() => readonly string[]} parts.languages   the user's, best first
 */
export function createLanguages({ store, languages }) {
  /** @type {{of: string, header: string} | undefined} */
  let known;
  const loaded = store.get(KEY).then((kept) => void (known ??= kept), () => {});
  const name = () => languages().join();

  return {
    loaded,

    /** The header for the present languages. */
    header: () => (known?.of === name() ? known.header : fromList(languages())),

    /** Whether an edge has told. */
    isKnown: () => known?.of === name(),

    /** @param {string | null} header   as an edge has seen it just now */
    learn(header) {
      const of = name();
      if (header === null || (known?.of === of && known.header === header)) return;
      known = { of, header };
      store.update(KEY, () => ({ of, header })).catch(() => {}); // then it is learnt again
    },
  };
}

/** @param {readonly string[]} list   such as de-AT, en */
export function fromList(list) {
  const all = list.flatMap((tag, at) => {
    const [base = tag] = tag.split("-");
    const isLast = !list.slice(at + 1).some((other) => other === base || other.startsWith(`${base}-`));
    const isAdded = base !== tag && isLast && !list.includes(base);
    return isAdded ? [tag, base] : [tag];
  });
  return all.map((tag, at) => (at === 0 ? tag : `${tag};q=${Math.max(1, 10 - at) / 10}`)).join();
}
