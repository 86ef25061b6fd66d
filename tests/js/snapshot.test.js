// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { pack, restore } from "../../browser/snapshot.js";

const HEAP = 65_536; // bytes
const JSON_AT = 48;
const KEYS = { hiwireKeys: ["a"], immortalKeys: [] };

/** Memory with a few things in it, as `makeMemorySnapshot` returns it. */
function image() {
  const json = new TextEncoder().encode(JSON.stringify(KEYS));
  const offset = JSON_AT + Math.ceil(json.length / 16) * 16;
  const bytes = new Uint8Array(offset + HEAP);
  new Uint32Array(bytes.buffer, 0, 3).set([0x706e7300, offset, json.length]);
  bytes.set(json, JSON_AT);
  const heap = bytes.subarray(offset);
  heap.fill(7, 100, 2_000);
  heap.fill(9, 40_000, 50_000);
  return { bytes, heap };
}

/** An emscripten module whose memory holds `size` bytes, `used` of which are not zero. */
function moduleOf(size = HEAP, used = 1_000) {
  const module = {
    HEAPU8: new Uint8Array(size).fill(3, 0, used),
    grown: 0,
    _sbrk: () => used,
    growMemory(/** @type {number} */ wanted) {
      const larger = new Uint8Array(wanted);
      larger.set(module.HEAPU8);
      module.HEAPU8 = larger;
      module.grown += 1;
    },
  };
  return module;
}

test("memory comes back as it was, in less room", () => {
  const { bytes, heap } = image();
  const packed = pack(bytes);
  assert.ok(packed.length < HEAP / 2);
  for (const size of [HEAP, HEAP / 4]) {
    const module = moduleOf(size);
    assert.deepEqual(restore(module, packed.buffer), KEYS);
    assert.deepEqual(module.HEAPU8, heap);
    assert.equal(module.grown, size < HEAP ? 1 : 0);
  }
});

test("a snapshot that is damaged, cut off or no snapshot at all leaves the memory alone", () => {
  const { buffer } = pack(image().bytes);
  const damage = (/** @type {number} */ at) => {
    const bytes = new Uint8Array(buffer.slice(0));
    bytes.fill(1, at, at + 512); // storage damages whole sectors
    return bytes.buffer;
  };
  const damaged = [512, 1_024, buffer.byteLength - 512].map(damage);
  const others = [buffer.slice(0, -1), buffer.slice(0, -512), new ArrayBuffer(0), new ArrayBuffer(4_096)];
  for (const packed of [...damaged, ...others]) {
    const module = moduleOf();
    const before = module.HEAPU8.slice();
    assert.throws(() => restore(module, packed), /bytes have changed|no packed snapshot/);
    assert.deepEqual(module.HEAPU8, before);
  }
});

test("only what Pyodide calls a snapshot is packed", () => {
  assert.throws(() => pack(new Uint8Array(64)), /no snapshot of Pyodide/);
});
