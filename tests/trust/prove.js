// @ts-check
/** Makes proofs as browsers do: reads requests as JSON lines, writes what was made for each as a JSON line. */

import { createInterface } from "node:readline";

import { createDeviceKey } from "../../browser/device-key.js";
import { bodyDigest, makeProof, sessionHash } from "../../browser/proof.js";

const values = new Map();
const key = await createDeviceKey({
  lasts: async () => true,
  get: async (name) => values.get(name),
  update: async (name, change) => (values.set(name, change(values.get(name))), values.get(name)),
})();

for await (const line of createInterface({ input: process.stdin })) {
  const { method, url, at, sid, nonce, body, ik } = JSON.parse(line);
  const bytes = Buffer.from(body ?? "", "base64");
  const write = ik === undefined ? undefined : { ik, bd: await bodyDigest(new Blob([bytes])) };
  const ath = sid === undefined ? "" : await sessionHash(sid);
  const proof = await makeProof(/** @type {any} */ (key), { method, url, jti: crypto.randomUUID(), at, nonce, ath, write });
  process.stdout.write(`${JSON.stringify({ proof, jkt: key?.jkt })}\n`);
}
