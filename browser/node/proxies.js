// @ts-check
/** Who the client is behind proxies that are trusted. Counterpart: `edgekit edge --proxies`. */

import net from "node:net";

/**
 * @typedef {{address: string, port: number}} Client
 * @typedef {(peer: Client, forwarded: string) => Client} ClientOf   from whoever holds the connection and the values of
 *   X-Forwarded-For, joined by commas
 */

/**
 * @param {string} text   addresses or networks of proxies, with commas between; "" for none
 * @returns {ClientOf | null} null if `text` is something else
 */
export function proxiesOf(text) {
  const trusted = new net.BlockList();
  for (const one of text.split(",").map((part) => part.trim()).filter(Boolean)) {
    const [address = "", bits, ...more] = one.split("/");
    const family = net.isIP(address);
    const widest = family === 4 ? 32 : 128;
    const prefix = bits === undefined ? widest : /^[0-9]{1,3}$/.test(bits) ? Number(bits) : -1;
    if (family === 0 || more.length > 0 || prefix < 0 || prefix > widest) return null;
    trusted.addSubnet(address, prefix, family === 4 ? "ipv4" : "ipv6");
  }
  const trusts = (/** @type {string} */ address) => {
    const family = net.isIP(address);
    return family !== 0 && trusted.check(address, family === 4 ? "ipv4" : "ipv6");
  };
  return (peer, forwarded) => {
    if (forwarded === "" || !trusts(peer.address)) return peer;
    // Each proxy adds whom it has heard from, so what the last one has said that we do not trust is the client.
    const named = forwarded.split(",").map((part) => hostAndPort(part.trim()));
    return named.findLast(({ address }) => !trusts(address)) ?? named[0] ?? peer;
  };
}

/** An address, which may have a port behind it; an IPv6 address has brackets then. @param {string} text @returns {Client} */
function hostAndPort(text) {
  const [, bracketed, address = bracketed ?? text, port = "0"] = /^(?:\[([^\]]*)\]|([^:]*))(?::([0-9]{1,5}))?$/.exec(text) ?? [];
  return { address, port: Number(port) };
}
