// @ts-check
/**
 * While Pyodide loads, it fetches its own wasm and library, though both are there already.
 * So `fetch` and `instantiateStreaming` are stood in for, until the returned function is called.
 */

/** @typedef {{urls: string[], compiled: Promise<WebAssembly.Module>}} Known */

/** All that load just now: one that hangs may still be there when the next one starts. @type {Known[]} */
const loading = [];
/** @type {(() => void) | undefined} */
let undo;

/**
 * @param {string[]} urls   of files that are not to be fetched
 * @param {Promise<WebAssembly.Module>} compiled
 * @returns {() => void}
 */
export function standIn(urls, compiled) {
  const known = { urls, compiled };
  loading.push(known);
  undo ??= replace();
  return () => {
    const at = loading.indexOf(known);
    if (at >= 0) loading.splice(at, 1);
    if (loading.length > 0) return;
    undo?.();
    undo = undefined;
  };
}

function replace() {
  const { fetch } = globalThis;
  const { instantiateStreaming } = WebAssembly;
  globalThis.fetch = (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    return loading.some(({ urls }) => urls.includes(url)) ? Promise.resolve(new Response()) : fetch.call(globalThis, input, init);
  };
  WebAssembly.instantiateStreaming = async (_, imports) => {
    const module = await /** @type {Known} */ (loading.at(-1)).compiled;
    return { module, instance: await WebAssembly.instantiate(module, imports) };
  };
  return () => {
    globalThis.fetch = fetch;
    WebAssembly.instantiateStreaming = instantiateStreaming;
  };
}
