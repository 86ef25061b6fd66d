// @ts-check
/**
 * While Pyodide loads, it fetches its own wasm and library and offers no way to hand it what is there already.
 * So `fetch` and `instantiateStreaming` are stood in for, until the returned function is called.
 *
 * @param {Map<string, () => Promise<Response>>} files   by absolute URL
 * @param {Promise<WebAssembly.Module>} compiled
 * @returns {() => void}
 */
export function standIn(files, compiled) {
  const { fetch } = globalThis;
  const { instantiateStreaming } = WebAssembly;
  globalThis.fetch = (input, init) => {
    const file = files.get(input instanceof Request ? input.url : String(input));
    return file === undefined ? fetch.call(globalThis, input, init) : file();
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
