// Boots a release in this process and plays scenarios on its bridge: `in_node.mjs RELEASE`. Prints one JSON line.
import fs from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

import { createBridge } from "../../browser/bridge.js";
import { originServices } from "../../browser/node/origin.js";
import { boot } from "../../browser/runtime.js";

const MEGABYTE = 1024 * 1024;
const [folder] = process.argv.slice(2);
const manifest = JSON.parse(await fs.readFile(path.join(folder, "_edge/manifest.json"), "utf8"));
Object.assign(globalThis, { require: createRequire(import.meta.url) });
const load = (role) => import(pathToFileURL(path.join(folder, role)).href);
const [{ loadPyodide }, { default: createPyodideModule }] = await Promise.all([
  load(manifest.roles.loader),
  load(manifest.roles.factory),
]);

/** The interpreter itself, which `boot` keeps to itself. */
let python;
const saved = {};

/** @param {object} more */
async function start(more = {}) {
  const app = await boot({
    loadPyodide: async (options) => (python = await loadPyodide(options)),
    createPyodideModule,
    manifest,
    base: folder,
    read: async (file) => new Response(await fs.readFile(path.join(folder, file))),
    host: "edge",
    services: originServices(undefined, { origin: false, keys: null, development: false }),
    log: () => {},
    ...more,
  });
  return { ...app, bridge: createBridge(app) };
}

const pause = (ms = 30) => new Promise((resolve) => setTimeout(resolve, ms));

function scenarios({ bridge, restored }) {
  const url = (target) => `http://localhost${target}`;
  const get = (target, init) => bridge(new Request(url(target), init));
  const text = async (target, init) => (await get(target, init)).text();
  const tell = async () => JSON.parse(await text("/tell"));
  const heap = () => python._module.HEAPU8.length;

  async function leave(target, reads) {
    const reader = (await get(target)).body.getReader();
    for (let i = 0; i < reads; i += 1) await reader.read();
    await reader.cancel();
    await pause();
    return tell();
  }

  async function abort(target) {
    const controller = new AbortController();
    const response = await get(target, { signal: controller.signal });
    const reading = response.text().catch((error) => error.name);
    controller.abort();
    const error = await reading;
    await pause();
    return { error, ...(await tell()) };
  }

  /** A body of `size` megabytes, made as it is read. */
  function bytes(size) {
    const part = new Uint8Array(65_536).fill(7);
    let left = size * 16;
    return new ReadableStream(
      { pull: (controller) => (left-- > 0 ? controller.enqueue(part) : controller.close()) },
      { highWaterMark: 0 },
    );
  }

  return {
    restored: async () => restored,
    order: () => text("/order"),
    spin: () => text("/spin"),
    endless: () => leave("/endless", 2),
    ticks: () => leave("/ticks", 2),
    silent: () => leave("/silent", 0),
    abort: () => abort("/endless"),
    listener: () => leave("/listener/", 1),
    broken: () => text("/broken").catch((error) => error.message),
    head: async () => {
      const response = await get("/endless", { method: "HEAD" });
      await pause();
      return { body: response.body, ...(await tell()) };
    },

    /** A slow reader: how many bytes Python has made beyond those that were read. */
    pressure: async () => {
      const reader = (await get("/download")).body.getReader();
      let [made, read, ahead] = [0, 0, 0];
      for (;;) {
        await pause(1);
        made += (await tell()).bytes ?? 0;
        ahead = Math.max(ahead, made - read);
        const { value, done } = await reader.read();
        if (done) break;
        read += value.byteLength;
      }
      return { read, ahead };
    },

    download: async () => {
      await tell();
      const before = heap();
      let size = 0;
      for await (const part of (await get("/download")).body) size += part.byteLength;
      return { size, grown: heap() - before, ...(await tell()) };
    },

    upload: async () => {
      const before = heap();
      const headers = { "content-length": String(50 * MEGABYTE), "content-type": "application/octet-stream" };
      const [size, digest] = JSON.parse(await text("/upload", { method: "PUT", body: bytes(50), duplex: "half", headers }));
      return { size, digest, grown: heap() - before };
    },

    form: async () => {
      const before = heap();
      const data = new FormData();
      data.append("file", new Blob([new Uint8Array(50 * MEGABYTE).fill(7)]), "tea.bin");
      const [size, digest] = JSON.parse(await text("/form", { method: "POST", body: data, headers: { "content-length": String(51 * MEGABYTE) } }));
      return { size, digest, grown: heap() - before };
    },

    background: async () => {
      const told = [];
      const response = await bridge(new Request(url("/background")), undefined, undefined, (work) =>
        told.push(work.then(() => told.push("ended"))),
      );
      const body = await response.text();
      const early = (await tell()).background ?? 0;
      await told[0];
      return { body, early, late: (await tell()).background, told: told.length };
    },

    /** Whatever a request leaves behind, many of them leave many. */
    counts: async () => {
      const module = python._module;
      module.enable_pyproxy_allocation_tracing();
      const round = async (n) => {
        for (let i = 0; i < n; i += 1) {
          await text("/ok");
          await text("/wrapped/ok");
          await text("/hops?n=3");
          await text("/upload", { method: "PUT", body: bytes(1), duplex: "half" });
          await text("/background");
          if (i % 5 === 0) await leave("/endless", 1);
        }
        await pause(100);
        python.runPython("import gc; gc.collect()");
      };
      const count = () => [module._hiwire_num_refs(), module.pyproxy_alloc_map.size, heap()];
      await round(20);
      const before = count();
      await round(40);
      return { before, after: count() };
    },
  };
}

const results = {};
/** @param {object} app @param {string[]} [names] all, unless some are named */
async function play(app, names) {
  const parts = scenarios(app);
  for (const name of names ?? Object.keys(parts)) results[name] = await parts[name]();
}

await play(await start());
const plain = { ...results };
// Some of it again in an interpreter from a snapshot; from where it comes is all that differs.
const snapshots = {
  find: async () => saved.packed && { packed: async () => saved.packed.buffer },
  save: async (packed) => void (saved.packed = packed),
  drop: async () => {},
  forbid: async () => {},
};
await (await start({ snapshots })).keep();
await play(await start({ snapshots }), ["restored", "order", "spin", "ticks", "pressure", "listener"]);
console.log(JSON.stringify({ plain, again: results }));
process.exit(0); // Pyodide keeps Node awake
