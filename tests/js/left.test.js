// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { createLeft } from "../../browser/left.js";

const URL = "https://shop.test/cart";

test("what is left to the browser comes by once more, and then is left alone", () => {
  // case P2, P6
  const clock = { now: 0 };
  const left = createLeft(() => clock.now);
  const request = new Request(URL, { method: "POST" });
  assert.equal(left.isLeft(request), false);
  const { status, headers } = left.leave(request);
  assert.deepEqual([status, headers.get("location")], [307, URL]);
  assert.deepEqual([left.isLeft(new Request(URL)), left.isLeft(request), left.isLeft(request)], [false, true, false]);
  left.leave(request);
  clock.now = 10_000;
  assert.equal(left.isLeft(request), false);
});
