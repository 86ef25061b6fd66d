// @ts-check
/**
 * Memory snapshots of the interpreter, without their empty parts. A snapshot is made on the device, by the
 * first start of a release, and makes every later start several times faster.
 *
 * Layout, 32-bit little-endian words first: magic, two words of checksum over all that follows, heap size, length
 * of the JSON, number of runs; the runs as pairs (address, length); the JSON that Pyodide wants back, filled up
 * to whole words; then the bytes of the runs, one after another.
 */

const MAGIC = 0x324b4345; // "ECK2"
const CHECKED = 3; // words in front of what the checksum covers
const STRIDE = 16; // words, of which it takes one: what storage damages is larger than that
const WORDS = 6; // in front of the runs
const SPACE = 0x20;
const GAP = 64; // words: a shorter hole of zeros is stored, a longer one is not

/** What Pyodide's own snapshot starts with: magic, offset of the heap, length of the JSON; the JSON is at 48. */
const PYODIDE_MAGIC = 0x706e7300;
const PYODIDE_JSON = 48;

/** The storage's fault and not the snapshot's: another one may work. */
export class Damaged extends Error {}

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

  const room = (json.length + 3) & ~3;
  const packed = new Uint8Array((WORDS + runs.length) * 4 + room + bytes);
  const words = new Uint32Array(packed.buffer);
  words.set([MAGIC, 0, 0, heap.byteLength, room, runs.length / 2, ...runs]);
  let at = (WORDS + runs.length) * 4;
  packed.fill(SPACE, at, at + room).set(json, at);
  at += room;
  for (let i = 0; i < runs.length; i += 2) {
    const [start = 0, size = 0] = [runs[i], runs[i + 1]];
    packed.set(heap.subarray(start, start + size), at);
    at += size;
  }
  words.set(checksum(words), 1);
  return packed;
}

/**
 * Fletcher's, with 32-bit words: tells a disk's mistakes, for a fraction of the time that SHA-256 takes. Whoever
 * can change the snapshot could change a digest beside it, too.
 *
 * @param {Uint32Array} words   of a packed snapshot
 */
function checksum(words) {
  const { length } = words;
  let sum = 0;
  let sums = 0;
  for (let i = CHECKED; i < length; i += STRIDE) {
    sum = (sum + /** @type {number} */ (words[i])) | 0;
    sums = (sums + sum) | 0;
  }
  return [sum, sums];
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
  if (packed.byteLength % 4 || packed.byteLength < WORDS * 4) throw new Damaged("this is no packed snapshot");
  const words = new Uint32Array(packed);
  const [magic = 0, , , size = 0, length = 0, count = 0] = words;
  if (magic !== MAGIC) throw new Damaged("this is no packed snapshot");
  if (checksum(words).some((sum, i) => sum >>> 0 !== words[1 + i])) throw new Damaged("its bytes have changed");
  if (module.HEAPU8.length < size) module.growMemory(size);
  /** @type {Uint8Array} */
  const heap = module.HEAPU8;
  if (heap.length < size) throw new Error("the heap did not grow to the size of the snapshot");
  const runs = words.subarray(WORDS, WORDS + count * 2);
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
