// @ts-check
/**
 * The thread of the interpreter. An interpreter may break, and it may be busy without end; then the main thread,
 * which holds the connections, ends this one and begins another.
 */

import fs from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { parentPort, workerData } from "node:worker_threads";

import { boot } from "../runtime.js";
import { originServices } from "./origin.js";
import { createRelay } from "./relay.js";

/** @typedef {import("./interpreter.js").Settings} Settings */

/** @param {import("./interpreter.js").Up} message @param {ArrayBuffer[]} [transfer] */
const post = (message, transfer) => parentPort?.postMessage(message, transfer);

/** @param {string | undefined} file */
const readKeys = async (file) => (file === undefined ? null : JSON.parse(await fs.readFile(file, "utf8")));

/** @param {Settings} settings */
async function start({ release, origin, originKeys, keys, serverOnly, address, sites, catalogMemory }) {
  /** @type {import("../protocol.js").Manifest} */
  const manifest = JSON.parse(await fs.readFile(path.join(release, "_edge/manifest.json"), "utf8"));
  /** @param {string} role @returns {Promise<any>} */
  const load = (role) => import(pathToFileURL(path.join(release, role)).href);
  // Pyodide fills in `require` for itself, and wants the package "ws" for that, unless there is one.
  Object.assign(globalThis, { require: createRequire(import.meta.url) });
  const [{ loadPyodide }, { default: createPyodideModule }] = await Promise.all([
    load(manifest.roles.loader),
    load(manifest.roles.factory),
  ]);
  return boot({
    loadPyodide,
    createPyodideModule,
    manifest,
    base: release,
    read: async (file) => new Response(await fs.readFile(path.join(release, file))),
    host: "edge",
    ...(serverOnly ? { serverOnly: new Uint8Array(await fs.readFile(serverOnly)) } : {}),
    services: originServices(origin, {
      origin: origin !== undefined,
      keys: await readKeys(keys),
      originKeys: await readKeys(originKeys),
      sites,
      address,
      catalogMemory,
      development: manifest.mode === "development",
      static: manifest.static,
    }),
    log: (line) => console.error(line),
  });
}

try {
  const app = await start(workerData);
  const relay = createRelay(app, post, (id, error) => post(["fatal", id, error.message]));
  parentPort?.on("message", relay);
  post(["ready"]);
} catch (error) {
  // Only its message: Node would print the line of Pyodide that threw, all 1.2 MB of it.
  post(["failed", error instanceof Error ? error.message : String(error)]);
}
