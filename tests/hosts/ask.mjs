// Boots a release in this process and asks it: `ask.mjs RELEASE HOST PATH…`. Prints a JSON list: for each path
// [status, body, parts, [ETag, Last-Modified]], or null where the host escalates.
import fs from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

import { createBridge } from "../../browser/bridge.js";
import { originServices } from "../../browser/node/origin.js";
import { boot } from "../../browser/runtime.js";

const [folder, host, ...paths] = process.argv.slice(2);
const manifest = JSON.parse(await fs.readFile(path.join(folder, "_edge/manifest.json"), "utf8"));
Object.assign(globalThis, { require: createRequire(import.meta.url) });
const load = (role) => import(pathToFileURL(path.join(folder, role)).href);
const [{ loadPyodide }, { default: createPyodideModule }] = await Promise.all([load(manifest.roles.loader), load(manifest.roles.factory)]);
const app = await boot({
  ...{ loadPyodide, createPyodideModule, manifest, base: folder, host, log() {} },
  read: async (file) => new Response(await fs.readFile(path.join(folder, file))),
  services: originServices(undefined, { origin: false, keys: null, development: false }),
});
await app.complete();
const bridge = createBridge(app);

/** @param {Response} response */
async function tell(response) {
  const parts = [];
  const decoder = new TextDecoder();
  if (response.body) for await (const part of response.body) parts.push(decoder.decode(part));
  const stamp = [response.headers.get("etag"), response.headers.get("last-modified")];
  return [response.status, parts.join(""), parts.length, stamp];
}

process.on("uncaughtException", (error) => (console.error(String(error.stack).slice(-3000)), process.exit(1)));
const told = [];
for (const one of paths) {
  const response = await bridge(new Request(`http://localhost${one}`));
  told.push(response && (await tell(response)));
}
console.log(JSON.stringify(told));
process.exit(0); // Pyodide keeps Node awake
