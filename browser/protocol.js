// @ts-check
/**
 * What pages, the service worker, the edge and Python agree on: names and shapes. Imports nothing.
 *
 * Python counterparts: edge/hosts/fetch.py (`handle`), edge/release (the manifest), edge/errors.py (problems).
 */

/**
 * What open pages and IndexedDB rely on. A release with the same number takes over silently; one with another
 * number waits until a page agrees (`edgekit.update()`) or no page is open.
 */
export const PROTOCOL = 1;

/** Headers that the kit adds to HTTP; the spelling is only for people, names have no case. */
export const HEADER = Object.freeze({
  host: "Edgekit-Host", // who answered: browser | edge | native
  view: "Edgekit-View", // a new view token, or one of the words below
  client: "Edgekit-Client", // sent by the service worker: "I cannot read redirects or cookies"
  status: "Edgekit-Status", // the real status of an answer to such a client
  location: "Edgekit-Location", // and its real Location
  key: "Idempotency-Key",
  replayed: "Idempotency-Replayed", // an edge had applied this request before
  time: "Edgekit-Time", // ms since 1970: when the user acted, for a write that this browser has answered itself
  session: "Edgekit-Session", // and for whose session, by its hash: cookies may be gone, or somebody else's
  author: "Edgekit-Author", // and for which guest it was foretold: "<session id>.<form secret>", if that one is gone
  effects: "Edgekit-Effects", // from Python to the worker: what such a write changes (see edge/settlement.py)
  pending: "Edgekit-Pending", // on an answer of this browser: how many writes no edge has confirmed yet
  language: "Edgekit-Language", // from an edge to the service worker: the Accept-Language that it has seen
  sent: "Edgekit-Sent", // from the service worker: what its own fetch cannot say of the page's request (as-sent.js)
  proof: "DPoP", // RFC 9449: that this device sends the request
  nonce: "DPoP-Nonce", // and what the next proof has to name
});

/** Values of `Edgekit-View` that are no token: there is no view (any more); there is a new one, ask for it. */
export const NO_VIEW = "none";
export const CHANGED_VIEW = "changed";

/** With this begins the name of somebody who has not signed in, where pages are told whose session it is. */
export const GUEST = "guest-";

/** The hidden form field in which a page without a service worker carries the idempotency key. */
export const KEY_FIELD = "_key";

/** Paths with a meaning of their own. */
export const PATH = Object.freeze({
  reserved: "/_edge/",
  worker: "/sw.js",
  manifest: "/_edge/manifest.json", // of the current release; a worker asks for its own among the releases
  releases: "/_edge/releases/",
  keys: "/_edge/keys",
  view: "/_edge/view",
  records: "/_edge/records/",
  plain: "/_edge/session/plain",
  health: "/_edge/health",
  browser: "/_edge/browser",
  outbox: "/_edge/outbox",
});

/** Files of the kit that pages load by a stable address instead of a hashed one. */
export const PAGE_FILES = Object.freeze([
  "page.js",
  "strip.js",
  "device.js",
  "failure.js",
  "page-forms.js",
  "page-network.js",
  "page-outbox.js",
  "page-user.js",
  "register.js",
  "rpc-client.js",
  "whose.js",
  "page.css",
]);

/** With this begins the name of each of our caches. */
export const CACHES = "edgekit-";
/** One cache per release: `RELEASE_CACHE` + its id. Catalog answers outlive releases. */
export const RELEASE_CACHE = "edgekit-release-";
export const CATALOG_CACHE = "edgekit-catalog";
/** What Python has read about the user: this and a name for the user. */
export const PERSONAL_CACHE = "edgekit-personal-";

/** Name of the channel between workers and pages, and of the lock that a worker holds while it sends its outbox. */
export const CHANNEL = "edgekit";
export const OUTBOX_LOCK = "edgekit-outbox";

export const DATABASE = "edgekit";

/** Messages between a page and the service worker: `{type, …}`. */
export const MESSAGE = Object.freeze({
  warm: "warm", // page → worker: stay alive, start the local host
  status: "status", // page → worker: tell me your state
  who: "who", // page → worker: tell me whose session it is
  view: "view", // page → worker: ask the edge for the current view, then tell me whose session it is
  state: "state", // worker → page: `{type, state: HostState}`
  user: "user", // worker → page: `{type, user, sure}`, whose session it is; sure: an edge has just said so
  update: "update", // worker → page: `{type, release}` waits for the page to agree
  take: "take", // page → waiting worker: take over
  outbox: "outbox", // page → worker: say how the outbox is; and what the worker then tells everybody, see `OutboxState`
  excuse: "excuse", // page → worker: the next write to `url` may go before what is waiting
  stay: "stay", // worker → page, and back: it has something to do, and an answer keeps it awake
  submitted: "submitted", // worker → page: `{type, url}`, with a MessagePort: has a form of yours just been sent there?
  port: "port", // page → worker, with a MessagePort: answer the `Call`s that come through it
});

/** How long each wait may last, in milliseconds. Whatever takes longer counts as failed. */
export const DEADLINE = Object.freeze({
  restore: 10_000, // of a start from a snapshot; then a plain one is made
  boot: 60_000, // a boot that a Content-Security-Policy blocks never rejects by itself
  start: 20_000, // until a request does not wait for a boot any longer
  local: 10_000, // until the local host has given status and headers
  drain: 5_000, // until a write that has to wait for earlier ones is given up
  settle: 2_000, // until a question goes to an edge that does not have all of them
  network: 60_000, // until an edge has given status and headers
  suspect: 5_000, // until an edge that has not answered is asked for its health
  probe: 10_000, // until it has answered that
  download: 300_000, // of one file of a release
  fallback: 30_000, // for the plain network, where something is wrong with us
  storage: 2_000, // until a release that cannot be read counts as gone
  catalog: 3_000, // until a kept catalog answer is used instead of the network
  view: 5_000,
});

/**
 * @typedef {"idle" | "download" | "start" | "ready" | "failed"} Phase
 *
 * @typedef {object} HostState   the state of the local host, as pages see it
 * @property {Phase} phase
 * @property {string} release   id of the release (16 hex digits), "" when unknown
 * @property {"development" | "production"} mode
 * @property {number} [loaded]   bytes, while downloading
 * @property {number} [total]   bytes, while downloading
 * @property {string} [reason]   one sentence, when failed, or when idle on purpose
 *
 * @typedef {object} OutboxState   of whoever is here now
 * @property {number} waiting   writes that this browser has answered and no edge has confirmed
 * @property {number} rejected   that an edge has refused
 * @property {string} halted   why they cannot be sent at present, "" if that is not known
 * @property {{seq: number, key: string, method: string, path: string, verdict: "applied" | "replayed" | "rejected",
 *   asForetold: boolean}[]} verdicts   what became of some just now; key: "" if it is in the form
 *
 * @typedef {(input: RequestInfo | URL, init?: RequestInit) => Promise<Response>} Fetch
 *
 * @typedef {object} Manifest   `/_edge/manifest.json`; paths are URL paths
 * @property {1} format
 * @property {string} release
 * @property {string} kit
 * @property {string} app   "module:attribute"
 * @property {"development" | "production"} mode
 * @property {string} pyodide
 * @property {string} python
 * @property {string} abi
 * @property {{pattern: string, regex: string}[]} placement   the `anywhere` routes
 * @property {{pattern: string, regex: string}[]} [optimistic]   whose writes may be answered ahead of an edge
 * @property {Record<string, string>} static   public path, decoded → stored path
 * @property {Record<"loader" | "factory" | "engine" | "worker" | "wasm" | "stdlib" | "site" | "app" | "kit", string>
 *   & Partial<Record<"edge" | "late", string>>} roles   edge: the kit's own Python; late: not needed at the start
 * @property {Record<string, {sha256: string, size: number}>} files   stored path → content
 * @property {string[]} [edges]   origins of further edges; our own is always one
 *
 * @typedef {[status: number, headers: string, body: Uint8Array, working?: boolean]} Reply
 *   headers: "name\0value\0name\0value", names in lower case. Status 0: no answer; headers say why.
 *   working: the app goes on in the background, `done` follows.
 *
 * @typedef {object} Port   what the app calls while it works on request `id`
 * @property {(id: number, status: number, headers: string) => void} head
 * @property {(id: number, bytes: Uint8Array | undefined, more: boolean) => boolean} chunk   false: wait for `resume`
 * @property {(id: number) => void} want   the next part of the request's body; `feed` follows
 * @property {(id: number) => void} done   the work has ended; if the answer was not complete, it never will be
 *
 * @typedef {(id: number, method: string, scheme: string, host: string, path: string, query: string, headers: string,
 *   body: Uint8Array | undefined, more: boolean, view: string | undefined, port: Port,
 *   version?: string, peer?: string, peerPort?: number
 * ) => Reply | undefined} Handle   version of HTTP and the client's address, where there is a connection. The app: a whole `Reply` if it never waited, else `head` and `chunk` follow.
 *   more: `body` is not all, the app has to ask for the rest
 *
 * @typedef {(id: number) => void} Cancel   the reader of answer `id` is gone
 *
 * @typedef {object} Entry   the app, as JavaScript calls it
 * @property {Handle} handle
 * @property {Cancel} cancel
 * @property {(id: number, bytes: Uint8Array | undefined, more: boolean) => void} feed   a part of the request's body
 * @property {(id: number) => void} resume   the reader of answer `id` has caught up
 *
 * @typedef {{id: number, path: string, method: string, headers: [string, string][], referrer: string, mode: RequestMode}} Call
 *   page → worker; referrer: what the page's policy has left of it
 * @typedef {{id: number, gone: true}} Gone   page → worker: nobody waits for the answer to this call any more
 * @typedef {{id: number, status: number, headers: [string, string][], body: ArrayBuffer | null}} Result
 *   worker → page; status 0: send it as an ordinary request
 *
 * @typedef {object} Services   what the app's host may ask of JavaScript
 * @property {string} config   JSON `{origin, keys, development, static}`; `keys` is a private JWK set or null
 * @property {() => number} [now]   ms since 1970, where that is not the device's own clock
 * @property {(path: string, etag: string | undefined) => Promise<Reply>} publicFetch
 * @property {(method: string, target: string, headers: string, body?: Uint8Array) => Promise<Reply>} userFetch
 */
