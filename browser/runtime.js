// @ts-check
/**
 * Starts Python and the app in it. The only file that touches Pyodide; works in a service worker, a page,
 * a dedicated module worker and Node. Counterpart: edge/hosts/fetch.py.
 */

import { DEADLINE } from "./protocol.js";

/** @typedef {import("./protocol.js").Manifest} Manifest */

/**
 * @typedef {object} BootOptions
 * @property {(options: object) => Promise<any>} loadPyodide
 * @property {(settings: object) => Promise<any>} createPyodideModule   passed in: service workers cannot import()
 * @property {Manifest} manifest
 * @property {(path: string) => Promise<Response>} read   a verified file of the release
 * @property {"browser" | "edge"} host   the name the app is to know this host by
 * @property {import("./protocol.js").Services} services
 * @property {(line: string) => void} log   what Python prints
 * @property {string} [base]   what stands before a release path: the site's origin, or a folder in Node
 *
 * @typedef {{handle: import("./protocol.js").Handle, cancel: import("./protocol.js").Cancel}} App
 */

/**
 * Boot; rejects when the app cannot be imported, a file is missing or the deadline passes.
 *
 * @param {BootOptions} options
 * @returns {Promise<App>}
 */
export async function boot(options) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const late = new Promise((_, reject) => {
    const error = new Error("Python did not start in time (does a policy forbid WebAssembly?)");
    timer = setTimeout(reject, DEADLINE.boot, error);
  });
  try {
    return await Promise.race([start(options), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** @param {BootOptions} options @returns {Promise<App>} */
async function start(options) {
  const { manifest, read, log } = options;
  const { roles } = manifest;
  // Everything that will be needed is asked for at once.
  const files = Promise.all([bytes(read, roles.app), bytes(read, roles.site)]);
  files.catch(() => {}); // looked at below, after Python has started
  const pyodide = await load(options);
  const [app, site] = await files;
  pyodide.unpackArchive(app, "zip", { extractDir: "/app" });
  pyodide.FS.mkdirTree("/app-site");
  pyodide.FS.writeFile("/app-site/site.zip", site, { canOwn: true });
  const sys = pyodide.pyimport("sys");
  for (const folder of ["/app-site/site.zip", "/app"]) sys.path.insert(0, folder);
  sys.destroy();
  const python = pyodide.pyimport("edge.hosts.fetch");
  const handle = await python.start(manifest.app, options.host, options.services);
  python.destroy();
  // Attributes are borrowed and go with their owner, hence the copy. Both live as long as the interpreter.
  const cancel = handle.__self__.cancel.copy();
  log(`Python ${manifest.python} runs ${manifest.app}, release ${manifest.release}`);
  return { handle, cancel };
}

/** @param {BootOptions} options */
async function load({ loadPyodide, createPyodideModule, manifest, read, log, base }) {
  const { wasm, stdlib } = manifest.roles;
  const root = base ?? globalThis.location.origin;
  const indexURL = root + wasm.slice(0, wasm.lastIndexOf("/") + 1);
  const restore = serveFetch(new Map([wasm, stdlib].map((path) => [root + path, () => read(path)])));
  try {
    return await loadPyodide({
      createPyodideModule,
      indexURL,
      packageBaseUrl: indexURL,
      stdLibURL: root + stdlib,
      lockFileContents: {
        info: { arch: "wasm32", version: manifest.pyodide, python: manifest.python, abi_version: manifest.abi },
        packages: {},
      },
      env: { HOME: "/home/pyodide", PYTHONDONTWRITEBYTECODE: "1" },
      stdin: () => null,
      stdout: log,
      stderr: log,
    });
  } finally {
    restore();
  }
}

/**
 * Answer `fetch` of these URLs with files of the release until the returned function is called. Pyodide
 * fetches its own wasm even when it is handed a compiled module, so this is the one place to step in.
 *
 * @param {Map<string, () => Promise<Response>>} files
 */
function serveFetch(files) {
  const original = globalThis.fetch;
  /** @type {typeof fetch} */
  const patched = (input, init) => {
    const file = files.get(input instanceof Request ? input.url : String(input));
    return file === undefined ? original.call(globalThis, input, init) : file();
  };
  globalThis.fetch = patched;
  return () => {
    if (globalThis.fetch === patched) globalThis.fetch = original;
  };
}

/** @param {(path: string) => Promise<Response>} read @param {string} path */
async function bytes(read, path) {
  return new Uint8Array(await (await read(path)).arrayBuffer());
}
