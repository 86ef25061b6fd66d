// @ts-check
/** An app's answer on a connection of Node's HTTP server, held to what it says of its length. */

/** Statuses whose answers have no body (RFC 9110 section 6.4.1). @param {number} status */
const isBodiless = (status) => status < 200 || status === 204 || status === 304;

/** What the app says is no HTTP. */
export class BadAnswer extends Error {}

/**
 * @typedef {object} Answer
 * @property {(status: number, headers: string) => void} head   raises `BadAnswer`, and then nothing has been sent
 * @property {(bytes: Uint8Array | undefined, more: boolean, sent?: () => void) => boolean} part   whether a body is
 *   wanted; raises `BadAnswer` if the body does not have the length that was announced
 */

/**
 * Content-Length is a promise (RFC 9112 section 6.3, RFC 9110 section 8.6): a client takes what is beyond it for the
 * next answer, and waits for what is missing. So neither is ever sent or waited for.
 *
 * @param {import("node:http").ServerResponse} outgoing
 * @param {boolean} isHead   the request's method
 * @returns {Answer}
 */
export function createAnswer(outgoing, isHead) {
  let bodiless = false;
  /** @type {number | undefined} */
  let left;

  return {
    head(status, text) {
      const { fields, length } = parse(text);
      bodiless = isHead || isBodiless(status);
      left = bodiless ? undefined : length;
      try {
        outgoing.writeHead(status, fields);
      } catch (error) {
        throw new BadAnswer(error instanceof Error ? error.message : String(error)); // a line break in a header
      }
    },

    part(bytes, more, sent) {
      const size = bodiless ? 0 : (bytes?.byteLength ?? 0);
      if (left !== undefined) {
        left -= size;
        if (left < 0) throw new BadAnswer("the body is longer than its Content-Length");
        if (left > 0 && !more) throw new BadAnswer("the body is shorter than its Content-Length");
      }
      if (!more) outgoing.end(size > 0 ? bytes : undefined);
      else if (size > 0) outgoing.write(bytes, () => sent?.());
      else sent?.();
      return !bodiless;
    },
  };
}

/** @param {string} text "name\0value\0name\0value" */
function parse(text) {
  const fields = text === "" ? [] : text.split("\0");
  const lengths = valuesOf(fields, "content-length");
  const coded = valuesOf(fields, "transfer-encoding").length > 0;
  const [length] = lengths;
  if (lengths.some((value) => value !== length || !/^[0-9]{1,15}$/.test(value))) {
    throw new BadAnswer("Content-Length is no number");
  }
  if (!coded) return { fields, length: length === undefined ? undefined : Number(length) };
  // RFC 9112 section 6.2: never both.
  return { fields: fields.filter((_, i) => fields[i - (i % 2)]?.toLowerCase() !== "content-length"), length: undefined };
}

/** @param {string[]} fields @param {string} name */
function valuesOf(fields, name) {
  return fields.filter((_, i) => i % 2 === 1 && fields[i - 1]?.toLowerCase() === name);
}
