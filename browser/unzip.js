// @ts-check
/** Reads the zips of a release, which are stored: HTTP has compressed them, so there is nothing to inflate. */

const END_OF_DIRECTORY = 0x06054b50; // APPNOTE.TXT 4.3.16
const END_SIZE = 22;

/**
 * @param {Uint8Array} zip   without comment, all entries stored
 * @returns {Generator<[name: string, bytes: Uint8Array]>} files; folders are not listed
 */
export function* unzip(zip) {
  const view = new DataView(zip.buffer, zip.byteOffset, zip.byteLength);
  const end = zip.byteLength - END_SIZE;
  if (end < 0 || view.getUint32(end, true) !== END_OF_DIRECTORY) throw new Error("this is no zip of a release");
  const count = view.getUint16(end + 10, true);
  const text = new TextDecoder();
  for (let i = 0, at = view.getUint32(end + 16, true); i < count; i += 1) {
    if (view.getUint16(at + 10, true) !== 0) throw new Error("a zip of a release holds a compressed entry");
    const size = view.getUint32(at + 20, true);
    const [nameLength, extra, comment] = [28, 30, 32].map((field) => view.getUint16(at + field, true));
    const local = view.getUint32(at + 42, true);
    const name = text.decode(zip.subarray(at + 46, at + 46 + (nameLength ?? 0)));
    const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    if (!name.endsWith("/")) yield [name, zip.subarray(start, start + size)];
    at += 46 + (nameLength ?? 0) + (extra ?? 0) + (comment ?? 0);
  }
}
