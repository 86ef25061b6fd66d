// The public address as a setting of the edge on Node.js (case T5).
import assert from "node:assert/strict";
import test from "node:test";

import { addressOf } from "../../browser/node/address.js";

test("a web origin, and nothing else", () => {
  for (const origin of ["https://tea.example", "http://localhost:8000", "https://[::1]:8443", "HTTPS://Tea.example"]) {
    assert.equal(addressOf(origin), origin);
  }
  for (const none of [undefined, "", " "]) assert.equal(addressOf(none), "");
  for (const wrong of ["tea.example", "https://tea.example/", "https://a:b@tea.example", "ws://tea.example", "https://tea.example:0x1"]) {
    assert.equal(addressOf(wrong), null, wrong);
  }
});
