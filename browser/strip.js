// @ts-check
/**
 * `<edgekit-strip>`: one line that says who answered this page and how fast, how far the local host is, whether
 * the network is there, and what has not been sent yet. Imports nothing, because it is served as /_edge/strip.js;
 * colours come from the page, and `::part(strip)`, `::part(answer)`, `::part(host)`, `::part(network)`,
 * `::part(outbox)` style it.
 *
 * @typedef {import("./protocol.js").HostState} HostState
 */

const STYLE = `
:host { display: block }
[part=strip] { display: flex; flex-wrap: wrap; gap: .25em 1.5em; margin: 0; padding: .4em 1em;
  font: .85em/1.4 ui-monospace, monospace; color: inherit; border-top: 1px solid GrayText }
[part=host]:empty, [part=network]:empty, [part=outbox][hidden] { display: none }
[part=network], [part=outbox] { font-weight: bold }
[part=outbox] { color: inherit }
`;

/** @type {Record<string, string>} */
const NAMES = { browser: "this browser", edge: "the edge", native: "the server" };

class EdgekitStrip extends HTMLElement {
  /** @type {AbortController | undefined} */
  #listening;
  #answer = part("span", "answer");
  #host = part("span", "host");
  #network = part("span", "network");
  #outbox = part("a", "outbox");

  constructor() {
    super();
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [sheet];
    const strip = part("p", "strip");
    strip.setAttribute("role", "status");
    this.#outbox.setAttribute("href", "/_edge/outbox");
    strip.append(this.#answer, " ", this.#host, " ", this.#network, " ", this.#outbox); // the spaces are for what is read aloud
    root.append(strip);
  }

  connectedCallback() {
    this.#listening = new AbortController();
    const { signal } = this.#listening;
    const update = () => this.#update();
    document.addEventListener("edgekit", update, { signal });
    document.addEventListener("edgekit-outbox", update, { signal });
    addEventListener("online", update, { signal });
    addEventListener("offline", update, { signal });
    addEventListener("load", () => setTimeout(update), { signal }); // the timing is complete only then
    update();
  }

  disconnectedCallback() {
    this.#listening?.abort();
  }

  #update() {
    /** @type {{state: HostState, outbox: import("./protocol.js").OutboxState} | undefined} */
    const edgekit = /** @type {any} */ (globalThis).edgekit;
    const answer = answered();
    // Before the page script has run it is known all the same who answered this page.
    const state = edgekit?.state ?? (answer?.host === "browser" ? { phase: "ready" } : undefined);
    write(this.#answer, answer?.text ?? "answered: unknown");
    write(this.#host, described(state));
    write(this.#network, navigator.onLine ? "" : "offline");
    const unsent = edgekit ? waiting(edgekit.outbox) : "";
    write(this.#outbox, unsent);
    this.#outbox.hidden = unsent === "";
  }
}

/** Who answered the navigation, in its own time and in the time the browser waited. */
function answered() {
  const [entry] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType("navigation"));
  const timing = entry?.serverTiming.find(({ name }) => name === "edgekit");
  if (!entry || !timing) return undefined;
  const host = timing.description;
  const waited = Math.max(0, entry.responseStart - entry.requestStart);
  return { host, text: `answered by ${NAMES[host] ?? host} in ${timing.duration.toFixed(1)} ms (waited ${waited.toFixed(0)} ms)` };
}

/** @param {Partial<HostState>} [state] */
function described({ phase, loaded, total, reason } = {}) {
  // A worker that is there has yet to say how far it is: better nothing than something wrong.
  if (phase === undefined || (phase === "idle" && reason === undefined && controlled())) return "";
  if (phase === "download" && loaded !== undefined && total) {
    return `local host: downloading ${10 * Math.floor((10 * loaded) / total)} %`; // steps of ten: each is read aloud
  }
  if (phase === "failed" || (phase === "idle" && reason)) return `local host: not available (${reason ?? "unknown reason"})`;
  return `local host: ${{ idle: "none yet", download: "downloading", start: "starting", ready: "ready" }[phase]}`;
}

/** @param {import("./protocol.js").OutboxState} outbox */
function waiting({ waiting, rejected }) {
  const count = (/** @type {number} */ n) => `${n} ${n === 1 ? "change" : "changes"}`;
  const parts = [...(waiting > 0 ? [`${count(waiting)} not sent`] : []), ...(rejected > 0 ? [`${count(rejected)} refused`] : [])];
  return parts.join(", ");
}

function controlled() {
  try {
    return Boolean(navigator.serviceWorker?.controller);
  } catch {
    return false;
  }
}

/**
 * Unchanged text is left alone: a status that is written again is read aloud again.
 *
 * @param {HTMLElement} element
 * @param {string} text
 */
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** @param {"p" | "span" | "a"} tag @param {string} name */
function part(tag, name) {
  const element = document.createElement(tag);
  element.setAttribute("part", name);
  return element;
}

customElements.define("edgekit-strip", EdgekitStrip);
