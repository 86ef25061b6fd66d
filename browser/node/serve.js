// @ts-check
/**
 * The app on Node.js, as an edge:
 * `serve.js --release DIR --port N [--origin URL] [--origin-keys FILE] [--keys FILE] [--server-only FILE]
 * [--address ORIGIN]`.
 *
 * `--keys` names a private JWK set; without it keys are made that end with the process. `--origin-keys`
 * names the origin's public set; without it the first one that the origin gives is believed. `--server-only`
 * names what `edgekit build --server-only` wrote; without it the routes that need it answer 503.
 * `--address` (or `EDGEKIT_ADDRESS`) is the address under which people reach the site, such as https://tea.example:
 * a request for another one gets 421; without it only loopback names are answered, over http.
 * `EDGEKIT_SITES` are the origins, with commas between, of sites whose service workers may read here what is for
 * everybody. Prints one line, `ready http://127.0.0.1:N`, when requests are answered. Port 0 picks a free one.
 */

import fs from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

import { createBridge } from "../bridge.js";
import { boot } from "../runtime.js";
import { addressOf } from "./address.js";
import { createServer } from "./http.js";
import { originServices } from "./origin.js";

const GRACE = 10_000; // ms

const { values: options } = parseArgs({
  options: {
    release: { type: "string" },
    port: { type: "string", default: "0" },
    origin: { type: "string" },
    "origin-keys": { type: "string" },
    keys: { type: "string" },
    "server-only": { type: "string" },
    address: { type: "string", default: process.env.EDGEKIT_ADDRESS },
  },
});
if (options.release === undefined) throw new Error("--release DIR is missing");

const address = addressOf(options.address);
if (address === null) {
  console.error(`serve.js: ${options.address} is not a web origin: write --address like https://tea.example, without a path`);
  process.exit(2);
}

const folder = path.resolve(options.release);
/** @type {import("../protocol.js").Manifest} */
const manifest = JSON.parse(await fs.readFile(path.join(folder, "_edge/manifest.json"), "utf8"));
/** @param {string | undefined} file */
const readKeys = async (file) => (file === undefined ? null : JSON.parse(await fs.readFile(file, "utf8")));
const [keys, originKeys] = await Promise.all([options.keys, options["origin-keys"]].map(readKeys));

/** @param {string} role @returns {Promise<any>} */
const load = (role) => import(pathToFileURL(path.join(folder, role)).href);

// Pyodide fills in `require` for itself, and wants the package "ws" for that, unless there is one.
Object.assign(globalThis, { require: createRequire(import.meta.url) });
const [{ loadPyodide }, { default: createPyodideModule }] = await Promise.all([
  load(manifest.roles.loader),
  load(manifest.roles.factory),
]);

const app = await boot({
  loadPyodide,
  createPyodideModule,
  manifest,
  base: folder,
  read: async (file) => new Response(await fs.readFile(path.join(folder, file))),
  host: "edge",
  ...(options["server-only"] ? { serverOnly: new Uint8Array(await fs.readFile(options["server-only"])) } : {}),
  services: originServices(options.origin, {
    origin: options.origin !== undefined,
    keys,
    originKeys,
    sites: process.env.EDGEKIT_SITES ?? "",
    address,
    development: manifest.mode === "development",
    static: manifest.static,
  }),
  log: (line) => console.error(line),
}).catch((error) => {
  // Node would print the line of Pyodide that threw, all 1.2 MB of it.
  console.error(error.message);
  process.exit(1);
});

const bridge = createBridge(app);
/** @type {Set<Promise<void>>} */
const working = new Set();
const server = createServer(
  (request) =>
    bridge(request, undefined, request.signal, (work) => {
      working.add(work);
      void work.then(() => working.delete(work));
    }),
  { secure: address.startsWith("https:") },
);
server.listen(Number(options.port), "127.0.0.1", () => {
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : options.port;
  console.log(`ready http://127.0.0.1:${port}`);
});

/** What an app does after its answers is waited for, and what it answers, but not for ever. */
function stop() {
  setTimeout(() => process.exit(0), GRACE).unref();
  server.close(async () => {
    await Promise.all(working);
    process.exit(0);
  });
}
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, stop);
