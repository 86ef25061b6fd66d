// The verdicts of the service worker's checker: reads {jwks, tokens} from stdin, prints a JSON list of booleans.
import { text } from "node:stream/consumers";

import { keyRing, verifyView } from "../../browser/view.js";

const { jwks, tokens } = JSON.parse(await text(process.stdin));
const findKey = keyRing(
  async () => jwks,
  () => 0,
);
console.log(JSON.stringify(await Promise.all(tokens.map(async (token) => (await verifyView(token, findKey)) !== null))));
