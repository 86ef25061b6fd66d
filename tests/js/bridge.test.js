// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { createBridge, flatHeaders, parseHeaders } from "../../browser/bridge.js";

/** @typedef {import("../../browser/protocol.js").Handle} Handle */
/** @typedef {import("../../browser/protocol.js").Port} Port */
/** @typedef {import("../../browser/protocol.js").Reply} Reply */

/**
 * A bridge to a fake app, with the calls it got.
 *
 * @param {(port: Port, id: number) => Reply | undefined | void} app
 * @param {(request: Request) => [string, string][]} [added]
 */
function bridgeTo(app, added) {
  /** @type {Parameters<Handle>[]} */
  const calls = [];
  /** @type {number[]} */
  const cancelled = [];
  /** @type {number[]} */
  const resumed = [];
  /** @type {[bytes: Uint8Array | undefined, more: boolean][]} */
  const fed = [];
  /** @type {Handle} */
  const handle = (...words) => {
    calls.push(words);
    return app(words[10], words[0]) ?? undefined;
  };
  const answer = createBridge({
    handle,
    cancel: (id) => void cancelled.push(id),
    feed: (_, part, more) => void fed.push([part, more]),
    resume: (id) => void resumed.push(id),
  }, added);
  return { calls, cancelled, resumed, fed, answer };
}

/** Everything that promises have to do by now. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

const bytes = (/** @type {string} */ text) => new TextEncoder().encode(text);
const url = "https://shop.test:8443/caf%C3%A9?a=%20b";

test("an answer without a wait is one call", async () => {
  const { answer, calls } = bridgeTo(() => [201, "x-a\0one\0set-cookie\0a=1\0set-cookie\0b=2", bytes("tea")]);
  const response = await answer(new Request(url, { method: "POST", body: "hé", headers: { "x-b": "2", "content-length": "3" } }), '{"ver":1}');
  assert.equal(response?.status, 201);
  assert.deepEqual(response.headers.getSetCookie(), ["a=1", "b=2"]);
  assert.equal(await response.text(), "tea");
  const [id, method, scheme, host, path, query, headers, body, , view] = calls[0] ?? [];
  assert.deepEqual([id, method, scheme, host, path, query], [1, "POST", "https", "shop.test:8443", "/caf%C3%A9", "a=%20b"]);
  const fields = parseHeaders(headers ?? "");
  assert.equal(fields.get("host"), "shop.test:8443");
  assert.equal(fields.get("x-b"), "2");
  assert.deepEqual([new TextDecoder().decode(body), view], ["hé", '{"ver":1}']);
});

test("a request without a body has none, and no view if there is none", async () => {
  const { answer, calls } = bridgeTo(() => [200, "", bytes("")]);
  await answer(new Request(url));
  assert.deepEqual(calls[0]?.slice(7, 10), [undefined, false, undefined]);
});

test("the app gets the headers that a service worker cannot see", async () => {
  const { answer, calls } = bridgeTo(() => [200, "", bytes("")], () => [["referer", "https://shop.test/"]]);
  await answer(new Request(url, { headers: { "x-a": "1" } }));
  assert.deepEqual([...parseHeaders(calls[0]?.[6] ?? "")], [["host", "shop.test:8443"], ["referer", "https://shop.test/"], ["x-a", "1"]]);
});

test("a streamed answer arrives in parts", async () => {
  const { answer } = bridgeTo(({ head, chunk }, id) => {
    queueMicrotask(() => {
      head(id, 200, "content-type\0text/plain");
      chunk(id, bytes("one "), true);
      setTimeout(() => chunk(id, bytes("two"), false));
    });
  });
  const response = await answer(new Request(url));
  assert.equal(response?.headers.get("content-type"), "text/plain");
  assert.equal(await response.text(), "one two");
});

for (const [name, reply] of /** @type {const} */ ([
  ["at once", true],
  ["later", false],
])) {
  test(`status 0 escalates, ${name}`, async () => {
    const { answer } = bridgeTo(({ head, chunk }, id) => {
      if (reply) return [0, "sealed state is not available", bytes("")];
      queueMicrotask(() => {
        head(id, 0, "sealed state is not available");
        chunk(id, undefined, false);
      });
    });
    assert.equal(await answer(new Request(url)), null);
  });

  test(`HEAD and null-body statuses have no body, ${name}`, async () => {
    for (const [method, status] of /** @type {const} */ ([["HEAD", 200], ["GET", 204], ["GET", 205], ["GET", 304]])) {
      const { answer } = bridgeTo(({ head, chunk }, id) => {
        if (reply) return [status, "content-length\x003", bytes("tea")];
        queueMicrotask(() => {
          head(id, status, "content-length\x003");
          chunk(id, bytes("tea"), false);
        });
      });
      const response = await answer(new Request(url, { method }));
      assert.equal(response?.status, status);
      assert.equal(response.body, null);
      assert.equal(response.headers.get("content-length"), "3");
    }
  });
}

test("a reader who leaves cancels the app's work, once", async () => {
  const { answer, cancelled } = bridgeTo(({ head, chunk }, id) => {
    head(id, 200, "");
    chunk(id, bytes("first"), true);
  });
  const abort = new AbortController();
  const response = await answer(new Request(url, { signal: abort.signal }));
  const reader = response?.body?.getReader();
  await reader?.read();
  await reader?.cancel();
  abort.abort();
  assert.deepEqual(cancelled, [1]);
});

test("an aborted request rejects and cancels", async () => {
  const { answer, cancelled } = bridgeTo(() => undefined);
  const abort = new AbortController();
  const waiting = answer(new Request(url), undefined, abort.signal);
  setTimeout(() => abort.abort());
  await assert.rejects(waiting, { name: "AbortError" });
  assert.deepEqual(cancelled, [1]);
});

test("an abort after the head breaks the body off", async () => {
  const { answer, cancelled } = bridgeTo(({ head }, id) => head(id, 200, ""));
  const abort = new AbortController();
  const response = await answer(new Request(url), undefined, abort.signal);
  abort.abort();
  await assert.rejects(async () => response?.text(), { name: "AbortError" });
  assert.deepEqual(cancelled, [1]);
});

test("a finished answer is not cancelled any more", async () => {
  const { answer, cancelled } = bridgeTo(({ head, chunk }, id) => {
    head(id, 200, "");
    chunk(id, bytes("all"), false);
  });
  const abort = new AbortController();
  const response = await answer(new Request(url), undefined, abort.signal);
  abort.abort();
  assert.equal(await response?.text(), "all");
  assert.deepEqual(cancelled, []);
});

test("an answer that the app breaks off does not look complete", async () => {
  const { answer } = bridgeTo(({ head, chunk, done }, id) => {
    head(id, 200, "");
    chunk(id, bytes("half"), true);
    setTimeout(() => done(id));
  });
  const response = await answer(new Request(url));
  await assert.rejects(async () => response?.text(), /broke/);
});

test("the app may be ahead of a reader by so many bytes, then it waits", async () => {
  const part = new Uint8Array(100_000);
  /** @type {boolean[]} */
  const go = [];
  /** @type {Port["chunk"]} */
  let send = () => true;
  const { answer, resumed } = bridgeTo(({ head, chunk }, id) => {
    head(id, 200, "");
    send = chunk;
    for (let i = 0; i < 3; i += 1) go.push(chunk(id, part, true));
  });
  const response = await answer(new Request(url));
  assert.deepEqual(go, [true, true, false]);
  await settled();
  assert.deepEqual(resumed, []);
  const reader = response?.body?.getReader();
  await reader?.read();
  await settled();
  assert.deepEqual(resumed, [1]);
  assert.equal(send(1, part, true), false);
});

test("parts of one byte each do not come without end either", async () => {
  let sent = 0;
  const { answer } = bridgeTo(({ head, chunk }, id) => {
    head(id, 200, "");
    while (chunk(id, bytes("x"), true)) sent += 1;
  });
  await answer(new Request(url));
  assert.ok(sent < 300, String(sent));
});

test("HEAD on an answer without end lets the app go", async () => {
  const { answer, cancelled } = bridgeTo(({ head, chunk }, id) => {
    head(id, 200, "");
    for (let i = 0; i < 20; i += 1) chunk(id, bytes("tick"), true);
  });
  const response = await answer(new Request(url, { method: "HEAD" }));
  assert.equal(response?.body, null);
  assert.deepEqual(cancelled, [1]);
});

test("a body of unknown length goes to the app part by part, as it asks", async () => {
  let read = 0;
  const body = new ReadableStream(
    {
      pull(controller) {
        read += 1;
        if (read > 3) controller.close();
        else controller.enqueue(new Uint8Array(300_000).fill(read));
      },
    },
    { highWaterMark: 0 },
  );
  /** @type {() => void} */
  let want = () => {};
  const { answer, calls, fed } = bridgeTo((port, id) => {
    want = () => port.want(id);
  });
  void answer(new Request(url, /** @type {RequestInit} */ ({ method: "PUT", body, duplex: "half" })));
  await settled();
  assert.deepEqual(calls[0]?.slice(7, 9), [undefined, true]);
  assert.ok(read <= 1, "nothing is read ahead");
  const sizes = [];
  do {
    want();
    await settled();
    sizes.push(fed.at(-1)?.[0]?.byteLength);
  } while (fed.at(-1)?.[1]);
  assert.deepEqual(sizes, [262_144, 37_856, 262_144, 37_856, 262_144, 37_856, undefined]);
});

test("what is left of a body is let go when the app's work ends", async () => {
  /** @type {unknown} */
  let left;
  const body = new ReadableStream({ cancel: (reason) => void (left = reason ?? "cancelled") });
  const { answer } = bridgeTo(() => [413, "", bytes("too large")]);
  await answer(new Request(url, /** @type {RequestInit} */ ({ method: "PUT", body, duplex: "half" })));
  await settled();
  assert.equal(left, "cancelled");
});

test("a body that breaks off cancels the app's work", async () => {
  const body = new ReadableStream({ pull: (controller) => controller.error(new Error("gone")) });
  const { answer, cancelled, fed } = bridgeTo(({ want }, id) => want(id));
  const request = new Request(url, /** @type {RequestInit} */ ({ method: "PUT", body, duplex: "half" }));
  await assert.rejects(answer(request), /gone/);
  assert.deepEqual([cancelled, fed], [[1], []]);
});

for (const [name, app] of /** @type {[string, (port: Port, id: number) => Reply | void][]} */ ([
  ["a whole answer", () => [200, "", bytes("all"), true]],
  ["a streamed answer", ({ head, chunk }, id) => {
    head(id, 200, "");
    chunk(id, bytes("all"), false);
  }],
])) {
  test(`what the app does after ${name} is known to the host`, async () => {
    /** @type {Port["done"]} */
    let done = () => {};
    const { answer } = bridgeTo((port, id) => {
      done = port.done;
      return app(port, id);
    });
    /** @type {string[]} */
    const told = [];
    const response = await answer(new Request(url), undefined, undefined, (work) => {
      told.push("working");
      void work.then(() => told.push("done"));
    });
    assert.equal(await response?.text(), "all");
    assert.deepEqual(told, ["working"]);
    done(1);
    await settled();
    assert.deepEqual(told, ["working", "done"]);
  });
}

test("an answer with nothing behind it keeps nobody awake", async () => {
  const { answer } = bridgeTo(() => [200, "", bytes("all"), false]);
  await answer(new Request(url), undefined, undefined, () => assert.fail("nothing is left to do"));
});

test("a broken host rejects", async () => {
  const broken = bridgeTo(() => {
    throw new Error("Pyodide already fatally failed");
  });
  await assert.rejects(broken.answer(new Request(url)), /fatally/);
});

test("an answer that no response can hold is none, and the host goes on", async () => {
  const streamed = bridgeTo(({ head }, id) => head(id, 999, ""));
  assert.equal(await streamed.answer(new Request(url)), null);
  assert.deepEqual(streamed.cancelled, [1]);
  const atOnce = bridgeTo(() => [200, "x-a\0two\nlines", new Uint8Array(), false]);
  assert.equal(await atOnce.answer(new Request(url)), null);
});

test("requests at the same time do not mix", async () => {
  const { answer } = bridgeTo(({ head, chunk }, id) => {
    setTimeout(() => {
      head(id, 200, "");
      chunk(id, bytes(`answer ${id}`), false);
    }, id === 1 ? 10 : 0);
  });
  const responses = await Promise.all([answer(new Request(url)), answer(new Request(url))]);
  assert.deepEqual(await Promise.all(responses.map((response) => response?.text())), ["answer 1", "answer 2"]);
});

test("headers as one string and back", () => {
  const text = "accept\0a, b\0x-a\0";
  assert.equal(flatHeaders(parseHeaders(text)), text);
  assert.equal(flatHeaders(parseHeaders("")), "");
});
