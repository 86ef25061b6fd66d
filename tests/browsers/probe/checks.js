// Questions that pages and workers are asked alike: a name, and a function that returns or resolves to whether
// the answer is yes. One that throws says no.

const ES256 = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/** @type {Record<string, () => unknown>} */
const CHECKS = {
  stackSwitching: () => "Suspending" in WebAssembly,
  compileStreaming: () => "compileStreaming" in WebAssembly,
  gzip: () => new CompressionStream("gzip"),
  brotli: () => new DecompressionStream("brotli"),
  cookieStore: () => "cookieStore" in globalThis,
  locks: () => "locks" in navigator,
  broadcastChannel: () => "BroadcastChannel" in globalThis,
  urlPattern: () => "URLPattern" in globalThis,
  connection: () => "effectiveType" in navigator.connection,
  deviceMemory: () => navigator.deviceMemory > 0,
  estimate: async () => (await navigator.storage.estimate()).quota > 0,
  privateFiles: async () => (await navigator.storage.getDirectory()).kind === "directory",
  signatures: async () => {
    const { privateKey, publicKey } = await crypto.subtle.generateKey(ES256, false, ["sign", "verify"]);
    const message = new Uint8Array(8);
    return crypto.subtle.verify(ES256, publicKey, await crypto.subtle.sign(ES256, privateKey, message), message);
  },
  database: () =>
    new Promise((resolve, reject) => {
      const request = indexedDB.open("probe", 1);
      request.onupgradeneeded = () => request.result.createObjectStore("values");
      request.onerror = () => reject(request.error);
      request.onsuccess = () => {
        const transaction = request.result.transaction("values", "readwrite", { durability: "strict" });
        transaction.objectStore("values").put("tea", "key");
        transaction.oncomplete = () => resolve(transaction.durability === "strict");
      };
    }),
  cache: async () => {
    const cache = await caches.open("probe");
    await cache.put("/kept", new Response("tea"));
    return (await (await cache.match("/kept")).text()) === "tea";
  },
  // As the Fetch standard's authors recommend: who does not know `duplex` makes the stream a string.
  streamingUpload: () => {
    let known = false;
    const init = {
      method: "POST",
      body: new ReadableStream(),
      get duplex() {
        known = true;
        return "half";
      },
    };
    return !new Request("/", init).headers.has("content-type") && known;
  },
};

/** All answers, by name. Who does not answer says no. */
export async function answers() {
  const ask = async ([name, check]) => {
    const answer = Promise.resolve().then(check).then(Boolean, () => false);
    return [name, await Promise.race([answer, pause(PATIENCE)])];
  };
  return Object.fromEntries(await Promise.all(Object.entries(CHECKS).map(ask)));
}

const PATIENCE = 2_000; // ms

/** Resolves to false. @param {number} ms */
export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms, false));
}
