// @ts-check
/** The public address of a site, as a setting. Counterpart: edge/public_address.py, which judges by it. */

const ORIGIN = /^https?:\/\/(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?$/i;

/**
 * @param {string | undefined} text
 * @returns {string | null} the text as it is, "" where nothing is set, null if it is no web origin
 */
export function addressOf(text) {
  const origin = text?.trim() ?? "";
  return origin === "" || (ORIGIN.test(origin) && URL.canParse(origin)) ? origin : null;
}
