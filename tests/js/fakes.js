// @ts-check
/** Stand-ins for what only browsers have. */

/** `CacheStorage` in memory: what a release and the catalog need of it. */
export class FakeCaches {
  /** @type {Map<string, FakeCache>} */
  stores = new Map();

  /** @param {string} name */
  async open(name) {
    const cache = this.stores.get(name) ?? new FakeCache();
    this.stores.set(name, cache);
    return cache;
  }

  /** @param {string} name */
  async has(name) {
    return this.stores.has(name);
  }

  async keys() {
    return [...this.stores.keys()];
  }

  /** @param {string} name */
  async delete(name) {
    return this.stores.delete(name);
  }

  /** @param {string} url @param {{cacheName: string}} options */
  async match(url, { cacheName }) {
    return this.stores.get(cacheName)?.match(url);
  }

  /** As the type that the code under test asks for. @returns {CacheStorage} */
  get typed() {
    return /** @type {any} */ (this);
  }
}

class FakeCache {
  /** @type {Map<string, Response>} */
  entries = new Map();
  room = Infinity; // how many more entries there may be

  /** @param {string} url */
  async match(url) {
    return this.entries.get(url)?.clone();
  }

  /** @param {string} url @param {Response} response */
  async put(url, response) {
    if (this.room < 1) throw new DOMException("no room", "QuotaExceededError");
    if (!this.entries.has(url)) this.room -= 1;
    this.entries.set(url, response);
  }

  async keys() {
    return [...this.entries.keys()].map((path) => ({ url: new URL(path, "https://shop.test").href }));
  }

  /** @param {string} url */
  async delete(url) {
    if (this.entries.has(url)) this.room += 1;
    return this.entries.delete(url);
  }
}

/** A `Store` in memory. @param {Record<string, unknown>} [values] @returns {import("../../browser/store.js").Store} */
export function memoryStore(values = {}) {
  const map = new Map(Object.entries(values));
  return {
    lasts: async () => true,
    get: async (key) => map.get(key),
    async update(key, change) {
      map.set(key, change(map.get(key)));
      return map.get(key);
    },
  };
}

/** @returns {import("../../browser/notes.js").Notes & {names: Set<string>}} */
export function memoryNotes() {
  /** @type {Set<string>} */
  const names = new Set();
  return {
    names,
    write: (name) => void names.add(name),
    erase: (name) => void names.delete(name),
    all: async () => [...names],
  };
}

const refuse = () => Promise.reject(new DOMException("no", "UnknownError"));
/** @type {import("../../browser/store.js").Store} */
export const BROKEN_STORE = { get: refuse, update: refuse, lasts: async () => true };

/**
 * A `fetch` that remembers what it was asked.
 *
 * @param {(request: Request) => Response | Promise<Response>} answer
 */
export function recordingFetch(answer) {
  /** @type {Request[]} */
  const requests = [];
  /** @type {import("../../browser/protocol.js").Fetch} */
  const fetch = async (input, init) => {
    const request = new Request(input instanceof Request ? input : new URL(String(input), "https://shop.test"), init);
    requests.push(request.clone());
    return answer(request);
  };
  return { fetch, requests };
}

/** @param {Partial<import("../../browser/protocol.js").Manifest>} [change] @returns {import("../../browser/protocol.js").Manifest} */
export function manifest(change = {}) {
  return {
    format: 1,
    release: "0123456789abcdef",
    kit: "0.1.0",
    app: "shop.app:app",
    mode: "production",
    pyodide: "314.0.7",
    python: "3.14.2",
    abi: "2026_0",
    placement: [],
    static: {},
    roles: { loader: "", factory: "", engine: "", worker: "", wasm: "", stdlib: "", site: "", app: "", kit: "/_edge/kit/abc/" },
    files: {},
    ...change,
  };
}

/** What the proof of a request says. @param {Request} request @returns {Record<string, any>} */
export function claimsOf(request) {
  return JSON.parse(Buffer.from(request.headers.get("dpop")?.split(".")[1] ?? "", "base64url").toString() || "{}");
}

/**
 * An answer of an edge, JSON by its type.
 *
 * @param {string | null} body @param {{status?: number, headers?: Record<string, string>}} [init]
 */
export function edges(body, { status = 200, headers = {} } = {}) {
  const own = { "edgekit-host": "native", "content-type": "application/json", "content-length": String(body?.length ?? 0) };
  return new Response(body, { status, headers: { ...own, ...headers } });
}
