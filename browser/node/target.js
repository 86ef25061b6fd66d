// @ts-check
/** The target of a request in HTTP/1.1, in the forms of RFC 9112 section 3.2. */

const PRINTABLE = /^[\x21-\x7e]+$/;
const ABSOLUTE = /^https?:\/\/([^/?#]*)(.*)$/i;

/**
 * What an app is told of a target. The path stays as it was sent: what its dots, backslashes or quotes mean is for
 * the app to say, as under any other ASGI server. A fragment has no business here and is cut off.
 *
 * @param {string} method
 * @param {string} target
 * @returns {{path: string, query: string, host?: string} | null}   host: the target's own, which counts instead of
 *   the header (RFC 9112 section 3.2.2). Null for what is no target of ours: no path, another scheme, a name before
 *   the host (RFC 9110 section 4.2.4)
 */
export function parseTarget(method, target) {
  if (!PRINTABLE.test(target)) return null;
  if (target === "*") return { path: "*", query: "" };
  if (target.startsWith("/")) return split(target);
  const [, host = "", rest = ""] = ABSOLUTE.exec(target) ?? [];
  if (host === "" || host.includes("@")) return null;
  if (rest.startsWith("/")) return { ...split(rest), host };
  return method === "OPTIONS" && rest === "" ? { path: "*", query: "", host } : { ...split(`/${rest}`), host };
}

/** @param {string} text */
function split(text) {
  const [whole = ""] = text.split("#", 1);
  const mark = whole.indexOf("?");
  return mark === -1 ? { path: whole, query: "" } : { path: whole.slice(0, mark), query: whole.slice(mark + 1) };
}
