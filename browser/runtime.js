// @ts-check
/**
 * Starts Python and the app in it. The only file that touches Pyodide; works in a service worker, a page,
 * a dedicated module worker and Node. Counterpart: edge/hosts/fetch.py.
 *
 * Two ways to start. Plain: Python boots and imports the app. From a snapshot: memory as it was right after
 * that import is put back, which takes a fraction of the time. The second uses options that Pyodide keeps
 * private, so whatever surprises us there ends in a plain start.
 */

import { inTime } from "./in-time.js";
import { DEADLINE } from "./protocol.js";
import { Damaged, pack, restore } from "./snapshot.js";
import { standIn } from "./stand-in.js";
import { unzip } from "./unzip.js";

/** @typedef {import("./protocol.js").Manifest} Manifest */

/**
 * @typedef {object} BootOptions
 * @property {(options: object) => Promise<any>} loadPyodide
 * @property {(settings: object) => Promise<any>} createPyodideModule   passed in: service workers cannot import()
 * @property {Manifest} manifest
 * @property {(path: string) => Promise<Response>} read   a verified file of the release
 * @property {import("./release.js").Release["copy"]} [copy]   the same, not verified yet
 * @property {"browser" | "edge"} host   the name the app is to know this host by
 * @property {import("./protocol.js").Services} services
 * @property {(line: string) => void} log   what Python prints
 * @property {string} [base]   what stands before a release path: the site's origin, or a folder in Node
 * @property {SnapshotStore} [snapshots]   without it every start is a plain one
 * @property {Uint8Array} [serverOnly]   what the release leaves out, a zip
 *
 * @typedef {object} SnapshotStore
 * @property {() => Promise<{packed: () => Promise<ArrayBuffer>} | undefined | null>} find   for this release and engine;
 *   null: there is to be none
 * @property {(packed: Uint8Array<ArrayBuffer>) => Promise<void>} save
 * @property {() => Promise<void>} drop   it did not work
 * @property {() => Promise<void>} forbid   it seemed to work, and then the interpreter broke: no other one either
 *
 * @typedef {import("./protocol.js").Entry & Start} App
 *
 * @typedef {object} Start
 * @property {() => Promise<void>} keep   leave behind what later starts begin with, if there is anything; never rejects
 * @property {() => Promise<void>} complete   bring what a start does not need; until then, a handler that
 *   imports it escalates
 * @property {boolean} restored   whether it came from a snapshot
 * @property {[step: string, ms: number][]} timeline   when each step of the start was done
 */

/**
 * @typedef {object} Pieces   what a start needs, on its way
 * @property {Promise<WebAssembly.Module> | undefined} wasm
 * @property {Promise<Uint8Array>} stdlib
 * @property {Promise<Uint8Array>} site
 * @property {Promise<Uint8Array[]>} folders
 */

const SITE = "/app-site";

/**
 * Boot; rejects when the app cannot be imported, a file is missing or the deadline passes.
 *
 * @param {BootOptions} options
 * @returns {Promise<App>}
 */
export async function boot(options) {
  const app = await inTime(start(options), DEADLINE.boot, undefined);
  if (app === undefined) throw new Error("Python did not start in time (does a policy forbid WebAssembly?)");
  return app;
}

/** @param {BootOptions} options @returns {Promise<App>} */
async function start(options) {
  const { manifest, log, snapshots } = options;
  const { roles } = manifest;
  const { snapshots: _, ...plain } = options; // without a single private option of Pyodide
  // Everything that will be needed is asked for at once; WebAssembly is compiled while it arrives.
  const pieces = {
    // In Node, Pyodide reads its files by itself.
    wasm: options.base === undefined ? compile(options, roles.wasm) : undefined,
    stdlib: bytes(options, roles.stdlib),
    site: bytes(options, roles.site),
    folders: Promise.all([
      ...[roles.edge, roles.app].flatMap((role) => (role ? [bytes(options, role)] : [])),
      ...(options.serverOnly ? [options.serverOnly] : []), // over the others
    ]),
  };
  for (const piece of Object.values(pieces)) piece?.catch(() => {}); // looked at below
  const snapshot = await snapshots?.find().catch(() => undefined);
  if (snapshot) {
    const restoring = run(options, pieces, snapshot.packed());
    restoring.catch(() => {}); // looked at below
    const arrived = await Promise.all(Object.values(pieces)).then(() => true, () => false);
    try {
      const app = await inTime(restoring, DEADLINE.restore, undefined);
      if (app !== undefined) return app;
      throw new Error("it does not start in time");
    } catch (error) {
      if (!arrived) throw error;
      log(`the snapshot of release ${manifest.release} does not work here: ${error}`);
      if (!(error instanceof Damaged)) {
        await snapshots?.forbid().catch(() => {});
        return run(plain, pieces);
      }
      await snapshots?.drop().catch(() => {});
    }
  }
  if (snapshots === undefined || snapshot === null) return run(plain, pieces);
  return run(options, pieces).catch((error) => {
    log(`no start that leaves a snapshot: ${error}`);
    return run(plain, pieces).catch(() => Promise.reject(error));
  });
}

/**
 * One start: plain, or from the snapshot `image`.
 *
 * @param {BootOptions} options
 * @param {Pieces} pieces
 * @param {Promise<ArrayBuffer>} [image]
 * @returns {Promise<App>}
 */
async function run(options, pieces, image) {
  const { manifest, log, snapshots } = options;
  const { roles, app } = manifest;
  const restored = image !== undefined;
  const since = performance.now();
  /** @type {[string, number][]} */
  const timeline = [];
  const mark = (/** @type {string} */ step) => timeline.push([step, Math.round(performance.now() - since)]);

  const python = await load(options, pieces, image);
  mark(restored ? "restored" : "interpreter");
  python.FS.chdir("/app"); // relative paths begin where the app lies; a snapshot does not tell where that was
  if (!restored) extendPath(python);
  const bring = async () => {
    if (roles.late) addLate(python, await bytes(options, roles.late), timeOf(manifest));
    mark("complete");
  };
  /** @type {Promise<void> | undefined} */
  let bringing;
  const complete = () => (bringing ??= bring().catch((error) => ((bringing = undefined), Promise.reject(error))));
  if (options.host === "edge") await complete();
  const host = python.pyimport("edge.hosts.fetch");
  if (!restored) await host.load(app, snapshots !== undefined);
  mark("app");
  const keep = !restored && snapshots !== undefined ? takeSnapshot(python, host, snapshots, log) : async () => {};
  const bridge = await host.start(app, options.host, options.services);
  host.destroy();
  // These proxies live as long as the interpreter: dropping the App drops all of it.
  const [handle, cancel, feed, resume] = ["handle", "cancel", "feed", "resume"].map((name) => bridge[name].copy());
  bridge.destroy();
  mark("ready");
  const steps = timeline.map(([step, ms]) => `${step} ${ms} ms`).join(", ");
  log(`Python ${manifest.python} runs ${app}, release ${manifest.release}: ${steps}`);
  return { handle, cancel, feed, resume, keep, complete, restored, timeline };
}

/**
 * @param {BootOptions} options
 * @param {Pieces} pieces
 * @param {Promise<ArrayBuffer>} [image]
 */
async function load({ loadPyodide, createPyodideModule, manifest, snapshots, log, base = globalThis.location?.origin ?? "" }, pieces, image) {
  const { wasm, stdlib } = manifest.roles;
  const folder = base + wasm.slice(0, wasm.lastIndexOf("/") + 1);
  const undo = pieces.wasm ? standIn([base + wasm, base + stdlib], pieces.wasm) : () => {};
  /** The file system is not part of a snapshot. @param {any} FS */
  const fsInit = async (FS) => {
    const time = timeOf(manifest);
    place(FS, `/lib/python${manifest.python.split(".").slice(0, 2).join("")}.zip`, await pieces.stdlib, time);
    place(FS, `${SITE}/site.zip`, await pieces.site, time);
    for (const [name, file] of (await pieces.folders).flatMap((zip) => [...unzip(zip)])) {
      place(FS, `/app/${name}`, file, time);
      if (name.endsWith(".so")) native.push(`/app/${name}`);
    }
  };
  let waiting = image; // Pyodide keeps its options, so they have to let go of it
  waiting?.catch(() => {});
  /** @type {string[]} */
  const native = [];
  // Loaded before Python itself starts, native modules have the same place in every start: a snapshot relies on it.
  const loadNative = (/** @type {any} */ module) => () => {
    for (const path of native) module.loadDynamicLibrary(path, { global: false, nodelete: true }, {});
  };
  /** @param {any} settings */
  const createModule = (settings) => {
    if (snapshots) settings.onRuntimeInitialized = loadNative(settings);
    return createPyodideModule(settings);
  };
  /** @param {any} settings */
  const createRestored = async (settings) => {
    const [module, packed] = await Promise.all([createModule(settings), waiting]);
    waiting = undefined;
    module.API.restoreSnapshot = () => {
      delete module.API.restoreSnapshot;
      return restore(module, /** @type {ArrayBuffer} */ (packed));
    };
    return module;
  };
  try {
    const loading = loadPyodide({
      createPyodideModule: image ? createRestored : createModule,
      ...(image ? { _loadSnapshot: new Uint8Array() } : { _makeSnapshot: snapshots !== undefined }),
      indexURL: folder,
      packageBaseUrl: folder,
      stdLibURL: base + stdlib,
      fsInit,
      lockFileContents: {
        info: { arch: "wasm32", version: manifest.pyodide, python: manifest.python, abi_version: manifest.abi },
        packages: {},
      },
      env: { HOME: "/home/pyodide", PYTHONDONTWRITEBYTECODE: "1" },
      stdin: () => null,
      stdout: log,
      stderr: log,
    });
    // By itself it would wait for ever for WebAssembly that does not compile.
    return await Promise.race([loading, pieces.wasm?.then(() => loading) ?? loading]);
  } finally {
    undo();
  }
}

/** @param {any} python */
function extendPath(python) {
  const sys = python.pyimport("sys");
  for (const entry of [`${SITE}/site.zip`, "/app"]) sys.path.insert(0, entry);
  sys.destroy();
}

/**
 * Taken between import and start-up: no request, no clock, no JavaScript object is in it yet. Returns what keeps
 * it, which is as much work; without it the next start is a plain one.
 *
 * @param {any} python @param {any} host @param {SnapshotStore} snapshots @param {(line: string) => void} log
 */
function takeSnapshot(python, host, snapshots, log) {
  /** @type {Uint8Array | undefined} */
  let image;
  try {
    image = python.makeMemorySnapshot();
  } catch (error) {
    log(`no snapshot of this app: ${error}`);
  }
  // While a snapshot may be taken, Python's `js` records what it touches and some of it does not work.
  python.registerJsModule("js", globalThis);
  host.use_plain_js();
  return async () => {
    const taken = image;
    image = undefined;
    try {
      if (taken) await snapshots.save(pack(taken));
    } catch (error) {
      log(`the snapshot could not be kept: ${error}`);
    }
  };
}

/** @param {any} FS @param {string} path @param {Uint8Array} content @param {number} time   ms */
function place(FS, path, content, time) {
  FS.mkdirTree(path.slice(0, path.lastIndexOf("/")));
  FS.writeFile(path, content, { canOwn: true }); // and need not copy it
  FS.utime(path, time, time);
}

/**
 * When the files of a release were written: the same at every start, or what a snapshot has compiled of them
 * (templates) would look out of date; and another in every release. Some moment from 1980 to 1988.
 *
 * @param {Manifest} manifest
 */
function timeOf({ release }) {
  return (315_532_800 + Number.parseInt(release.slice(0, 7), 16)) * 1000;
}

/** @param {any} python @param {Uint8Array} zip @param {number} time   ms */
function addLate(python, zip, time) {
  for (const [name, content] of unzip(zip)) place(python.FS, `/${name}`, content, time);
  const module = python.pyimport("edge.hosts.late");
  module.arrived();
  module.destroy();
}

/** @param {BootOptions} options @param {string} path */
async function bytes({ read, copy }, path) {
  const kept = await copy?.(path);
  return new Uint8Array(kept && (await kept.check()) ? kept.bytes : await (await read(path)).arrayBuffer());
}

/** Other threads compile what is kept while this one checks it. @param {BootOptions} options @param {string} path */
async function compile({ read, copy }, path) {
  const kept = await copy?.(path);
  if (kept) {
    const module = WebAssembly.compile(kept.bytes);
    module.catch(() => {}); // what is not right need not compile
    if (await kept.check()) return module;
  }
  return WebAssembly.compileStreaming(await read(path));
}
