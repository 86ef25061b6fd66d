// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { fileAnswer } from "../../browser/static-file.js";

const TEXT = "0123456789";
const ETAG = '"abc"';

/** @param {Record<string, string>} headers @param {string} [method] */
function ask(headers, method = "GET") {
  const stored = new Response(TEXT, { headers: { "content-type": "text/css; charset=utf-8", "content-length": "10" } });
  return fileAnswer(new Request("https://shop.test/a.css", { method, headers }), stored, ETAG, { "edgekit-host": "browser" });
}

for (const [range, status, body, content] of /** @type {const} */ ([
  ["bytes=0-3", 206, "0123", "bytes 0-3/10"],
  ["bytes=7-", 206, "789", "bytes 7-9/10"],
  ["bytes=-2", 206, "89", "bytes 8-9/10"],
  ["bytes=-20", 206, TEXT, "bytes 0-9/10"],
  ["bytes=8-99", 206, "89", "bytes 8-9/10"],
  ["bytes=10-", 416, "", "bytes */10"],
  ["bytes=-0", 416, "", "bytes */10"],
  ["bytes=5-2", 200, TEXT, null],
  ["bytes=-", 200, TEXT, null],
  ["bytes=0-1,4-5", 200, TEXT, null],
  ["lines=1-2", 200, TEXT, null],
])) {
  test(`Range: ${range}`, async () => {
    const response = await ask({ range });
    assert.equal(response.status, status);
    assert.equal(await response.text(), body);
    assert.equal(response.headers.get("content-range"), content);
    assert.equal(response.headers.get("content-type"), "text/css; charset=utf-8");
    assert.equal(response.headers.get("edgekit-host"), "browser");
    if (status === 206) assert.equal(response.headers.get("content-length"), String(body.length));
  });
}

test("a part of another version is no part of this one", async () => {
  assert.equal((await ask({ range: "bytes=0-3", "if-range": '"old"' })).status, 200);
  assert.equal((await ask({ range: "bytes=0-3", "if-range": ETAG })).status, 206);
});

test("what the client has is not sent again", async () => {
  for (const tags of [ETAG, `"x", W/${ETAG}`, "*"]) {
    const response = await ask({ "if-none-match": tags });
    assert.deepEqual([response.status, response.body, response.headers.get("etag")], [304, null, ETAG]);
  }
  assert.equal((await ask({ "if-none-match": '"x"' })).status, 200);
});

test("HEAD has the headers and no body", async () => {
  const response = await ask({ range: "bytes=0-3" }, "HEAD");
  assert.deepEqual([response.status, response.body, response.headers.get("content-length")], [200, null, "10"]);
  assert.equal(response.headers.get("accept-ranges"), "bytes");
});

for (const [type, policy] of /** @type {const} */ ([
  ["text/css", false],
  ["text/html; charset=utf-8", true],
  ["image/svg+xml", true],
  ["text/javascript", true],
])) {
  test(`a policy ${policy ? "goes" : "does not go"} with ${type}`, async () => {
    const stored = new Response(TEXT, { headers: { "content-type": type } });
    const { headers } = await fileAnswer(new Request("https://shop.test/a"), stored, ETAG, {});
    assert.equal(headers.has("content-security-policy"), policy);
    assert.equal(headers.get("x-content-type-options"), "nosniff");
  });
}
