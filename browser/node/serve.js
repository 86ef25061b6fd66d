// @ts-check
/**
 * The app on Node.js, as an edge:
 * `serve.js --release DIR --port N [--origin URL] [--origin-keys FILE] [--keys FILE] [--server-only FILE]
 * [--address ORIGIN] [--proxies IP,…] [--time-limit SECONDS]`.
 *
 * `--keys` names a private JWK set; without it keys are made that end with the process. `--origin-keys`
 * names the origin's public set; without it the first one that the origin gives is believed. `--server-only`
 * names what `edgekit build --server-only` wrote; without it the routes that need it answer 503.
 * `--address` (or `EDGEKIT_ADDRESS`) is the address under which people reach the site, such as https://tea.example:
 * a request for another one gets 421; without it only loopback names are answered, over http.
 * `--proxies` (or `EDGEKIT_PROXIES`) are addresses or networks of proxies whose X-Forwarded-For is believed.
 * `--time-limit` (or `EDGEKIT_TIME_LIMIT`) is how long the interpreter may be busy without a pause (10 s): then, and
 * when it breaks, what it was working on is answered with 503 and another one started; if that fails this process ends.
 * `EDGEKIT_CATALOG_MEMORY` is how many MiB the catalog may take (256). `EDGEKIT_SITES` are the origins, with commas between, of sites whose service workers may read here what is for
 * everybody. Prints one line, `ready http://127.0.0.1:N`, when requests are answered. Port 0 picks a free one.
 */

import path from "node:path";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";

import { addressOf } from "./address.js";
import { createServer } from "./http.js";
import { createInterpreter } from "./interpreter.js";
import { proxiesOf } from "./proxies.js";

const GRACE = 10_000; // ms
// MiB of the thread's stack, of which only what is used takes memory. What CPython refuses as nested too deep,
// by its own bound, has to stay far below, or it is the engine that gives up, and with it the interpreter.
const STACK = 256;
const { env } = process;

const { values: options } = parseArgs({
  options: {
    release: { type: "string" },
    port: { type: "string", default: "0" },
    origin: { type: "string" },
    "origin-keys": { type: "string" },
    keys: { type: "string" },
    "server-only": { type: "string" },
    address: { type: "string", default: env.EDGEKIT_ADDRESS },
    proxies: { type: "string", default: env.EDGEKIT_PROXIES ?? "" },
    "time-limit": { type: "string", default: env.EDGEKIT_TIME_LIMIT ?? "10" },
  },
});
if (options.release === undefined) throw new Error("--release DIR is missing");

const address = addressOf(options.address);
if (address === null) {
  console.error(`serve.js: ${options.address} is not a web origin: write --address like https://tea.example, without a path`);
  process.exit(2);
}
const catalogMemory = env.EDGEKIT_CATALOG_MEMORY ?? "";
if (!/^(?:[1-9][0-9]{0,5})?$/.test(catalogMemory)) {
  console.error(`serve.js: EDGEKIT_CATALOG_MEMORY is a number of MiB, not ${catalogMemory}`);
  process.exit(2);
}
const client = proxiesOf(options.proxies);
if (client === null) {
  console.error(`serve.js: ${options.proxies} are no addresses or networks: write --proxies like 10.0.0.7,10.1.0.0/16`);
  process.exit(2);
}
const limit = Number(options["time-limit"]);
if (!Number.isInteger(limit) || limit < 1) {
  console.error(`serve.js: ${options["time-limit"]} is no number of seconds: write --time-limit like 10`);
  process.exit(2);
}

/** @type {import("./interpreter.js").Settings} */
const settings = {
  release: path.resolve(options.release),
  origin: options.origin,
  originKeys: options["origin-keys"],
  keys: options.keys,
  serverOnly: options["server-only"],
  address,
  sites: env.EDGEKIT_SITES ?? "",
  catalogMemory,
};
const file = new URL("./worker.js", import.meta.url);
const interpreter = createInterpreter({
  start: () => new Worker(file, { workerData: settings, resourceLimits: { stackSizeMb: STACK } }),
  limit,
  log: (line) => console.error(line),
  fail: () => process.exit(1),
});
await interpreter.ready.catch((error) => {
  console.error(error.message);
  process.exit(1);
});

const server = createServer(interpreter, { secure: address.startsWith("https:"), client });
server.listen(Number(options.port), "127.0.0.1", () => {
  const bound = server.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : options.port;
  console.log(`ready http://127.0.0.1:${port}`);
});

/** What an app does after its answers is waited for, and what it answers, but not for ever. */
function stop() {
  interpreter.stop();
  setTimeout(() => process.exit(0), GRACE).unref();
  server.close(async () => {
    await interpreter.idle();
    process.exit(0);
  });
}
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, stop);
