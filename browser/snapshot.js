// @ts-check
/**
 * Memory snapshots of the interpreter, without their empty parts. A snapshot is made on the device, by the
 * first start of a release, and makes every later start several times faster.
 *
 * Layout, 32-bit little-endian words first: magic, heap size, length of the JSON, number of runs; the runs as
 * pairs (address, length); the JSON that Pyodide wants back; then the bytes of the runs, one after another.
 */

const MAGIC = 0x314b4345; // "ECK1"
const WORDS = 4; // in front of the runs
const GAP = 64; // words: a shorter hole of zeros is stored, a longer one is not

/** What Pyodide's own snapshot starts with: magic, offset of the heap, length of the JSON; the JSON is at 48. */
const PYODIDE_MAGIC = 0x706e7300;
const PYODIDE_JSON = 48;

/**
 * @param {Uint8Array} image   what `makeMemorySnapshot` returned
 * @returns {Uint8Array<ArrayBuffer>} the same in about half the bytes
 */
export function pack(image) {
  const head = new Uint32Array(image.buffer, image.byteOffset, 3);
  const [magic = 0, offset = 0, length = 0] = head;
  if (magic !== PYODIDE_MAGIC) throw new Error("this is no snapshot of Pyodide");
  const json = image.subarray(PYODIDE_JSON, PYODIDE_JSON + length);
  const heap = image.subarray(offset);
  const runs = findRuns(new Uint32Array(heap.buffer, heap.byteOffset, heap.byteLength >>> 2));
  const bytes = runs.reduce((sum, value, i) => (i % 2 ? sum + value : sum), 0);

  const packed = new Uint8Array((WORDS + runs.length) * 4 + json.length + bytes);
  new Uint32Array(packed.buffer, 0, WORDS).set([MAGIC, heap.byteLength, json.length, runs.length / 2]);
  new Uint32Array(packed.buffer, WORDS * 4, runs.length).set(runs);
  let at = (WORDS + runs.length) * 4;
  packed.set(json, at);
  at += json.length;
  for (let i = 0; i < runs.length; i += 2) {
    const [start = 0, size = 0] = [runs[i], runs[i + 1]];
    packed.set(heap.subarray(start, start + size), at);
    at += size;
  }
  return packed;
}

/** @param {Uint32Array} words @returns {number[]} pairs (address, length) in bytes */
function findRuns(words) {
  const runs = [];
  const { length } = words;
  for (let at = 0; at < length; ) {
    while (at < length && words[at] === 0) at += 1;
    const start = at;
    let end = at;
    while (at < length && at - end < GAP) {
      if (words[at] !== 0) end = at + 1;
      at += 1;
    }
    if (end > start) runs.push(start * 4, (end - start) * 4);
  }
  return runs;
}

/**
 * Put a packed snapshot into the memory of a module that has not run yet.
 *
 * @param {any} module   the emscripten module
 * @param {ArrayBuffer} packed
 * @returns {object} what Pyodide's own `restoreSnapshot` returns
 */
export function restore(module, packed) {
  const [magic = 0, size = 0, length = 0, count = 0] = new Uint32Array(packed, 0, WORDS);
  if (magic !== MAGIC) throw new Error("this is no packed snapshot");
  if (module.HEAPU8.length < size) module.growMemory(size);
  /** @type {Uint8Array} */
  const heap = module.HEAPU8;
  if (heap.length < size) throw new Error("the heap did not grow to the size of the snapshot");
  const runs = new Uint32Array(packed, WORDS * 4, count * 2);
  let at = (WORDS + runs.length) * 4;
  const json = new TextDecoder().decode(new Uint8Array(packed, at, length));
  at += length;
  heap.fill(0, 0, module._sbrk(0));
  for (let i = 0; i < runs.length; i += 2) {
    const [start = 0, bytes = 0] = [runs[i], runs[i + 1]];
    heap.set(new Uint8Array(packed, at, bytes), start);
    at += bytes;
  }
  return JSON.parse(json);
}
