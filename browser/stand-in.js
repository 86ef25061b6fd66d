// @ts-check
/**
 * While Pyodide loads, it fetches its own wasm and library, though both are there already.
 * So `fetch` and `instantiateStreaming` are stood in for, until the returned function is called.
 *
 * @param {string[]} urls   of files that are not to be fetched
 * @param {Promise<WebAssembly.Module>} compiled
 * @returns {() => void}
 */
export function standIn(urls, compiled) {
  const { fetch } = globalThis;
  const { instantiateStreaming } = WebAssembly;
  globalThis.fetch = (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    return urls.includes(url) ? Promise.resolve(new Response()) : fetch.call(globalThis, input, init);
  };
  WebAssembly.instantiateStreaming = async (_, imports) => {
    const module = await compiled;
    return { module, instance: await WebAssembly.instantiate(module, imports) };
  };
  return () => {
    globalThis.fetch = fetch;
    WebAssembly.instantiateStreaming = instantiateStreaming;
  };
}
