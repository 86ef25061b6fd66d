// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { proxiesOf } from "../../browser/node/proxies.js";

const PEER = { address: "10.0.0.7", port: 9 };

// case P33; as uvicorn with `edgekit edge --proxies`
for (const [trusted, forwarded, expected] of /** @type {[string, string, string][]} */ ([
  ["", "1.2.3.4", "10.0.0.7"],
  ["10.0.0.8", "1.2.3.4", "10.0.0.7"],
  ["10.0.0.7", "", "10.0.0.7"],
  ["10.0.0.7", "1.2.3.4", "1.2.3.4"],
  [" 10.0.0.0/24 , ::1", "1.2.3.4", "1.2.3.4"],
  ["10.0.0.9/24", "1.2.3.4", "1.2.3.4"],
  ["10.0.0.7", "6.6.6.6, 1.2.3.4", "1.2.3.4"],
  ["10.0.0.0/8", "6.6.6.6, 1.2.3.4, 10.1.1.1", "1.2.3.4"],
  ["10.0.0.0/8", "10.2.2.2, 10.1.1.1", "10.2.2.2"],
  ["10.0.0.7", "2001:db8::1", "2001:db8::1"],
  ["10.0.0.7", "unknown", "unknown"],
])) {
  test(`behind ${trusted || "nothing"}, ${forwarded || "nobody"} is said`, () => {
    assert.equal(proxiesOf(trusted)?.(PEER, forwarded).address, expected);
  });
}

test("a port may be said too", () => {
  const client = proxiesOf("10.0.0.7");
  assert.deepEqual(client?.(PEER, "1.2.3.4:56"), { address: "1.2.3.4", port: 56 });
  assert.deepEqual(client?.(PEER, "[2001:db8::1]:56"), { address: "2001:db8::1", port: 56 });
  assert.deepEqual(client?.(PEER, "[2001:db8::1]"), { address: "2001:db8::1", port: 0 });
});

test("what is no address and no network is refused", () => {
  for (const text of ["proxy", "10.0.0.7/33", "10.0.0.7/", "10.0.0.7/-1", "10.0.0.0/8/8", "::1/129", "*"]) {
    assert.equal(proxiesOf(text), null, text);
  }
});
