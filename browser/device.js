// @ts-check
/**
 * Whether this device should run the app itself. Where it should not, nothing is downloaded and the edge
 * serves every page. Pure; imports nothing, because pages load it as /_edge/device.js.
 */

/** @typedef {Readonly<{memory: number, quota: number, slow: readonly string[]}>} Limits */

/** Change these with `start({ limits })` of page.js. @type {Limits} */
export const LIMITS = Object.freeze({
  memory: 2, // GiB of the device (`navigator.deviceMemory`); Python takes about 0.15
  quota: 60_000_000, // bytes that the browser lets this site store; release and snapshot take about 30 MB
  slow: Object.freeze(["slow-2g", "2g"]), // values of `navigator.connection.effectiveType`
});

/**
 * @typedef {object} Device   what is known; absent members do not speak against a device
 * @property {boolean} webAssembly
 * @property {number} [memory]   GiB
 * @property {number} [quota]   bytes
 * @property {{saveData?: boolean, metered?: boolean, effectiveType?: string}} [connection]
 */

/**
 * Why this device should leave everything to the edge; undefined if it should not.
 *
 * @param {Device} device
 * @param {Limits} [limits]
 * @returns {string | undefined}
 */
export function reasonToStay({ webAssembly, memory, quota, connection = {} }, limits = LIMITS) {
  if (!webAssembly) return "this browser has no WebAssembly";
  if (connection.saveData) return "the browser is asked to save data";
  if (connection.metered) return "the connection is metered";
  if (limits.slow.includes(connection.effectiveType ?? "")) return "the connection is slow";
  if (memory !== undefined && memory < limits.memory) return "the device has little memory";
  if (quota !== undefined && quota < limits.quota) return "the browser allows this site too little storage";
  return undefined;
}

/** What the browser tells about itself. @returns {Promise<Device>} */
export async function thisDevice() {
  const { connection, deviceMemory, storage } = /** @type {any} */ (navigator);
  const estimate = await storage?.estimate?.().catch(() => undefined);
  return { webAssembly: typeof WebAssembly === "object", memory: deviceMemory, quota: estimate?.quota, connection };
}
