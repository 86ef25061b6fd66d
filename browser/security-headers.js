// @ts-check
/**
 * What browsers are told on every answer that JavaScript makes itself. Counterpart: edge/security_headers.py,
 * with the same words; a test compares them.
 */

const SCRIPT = {
  "content-security-policy": [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "worker-src 'self'",
    "connect-src 'self'",
    "img-src 'self' data:",
    "media-src 'self'",
    "style-src 'self'",
    "font-src 'self'",
    "manifest-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "object-src 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types edgekit",
  ].join("; "),
};

const DOCUMENT = {
  ...SCRIPT,
  "permissions-policy": [
    ...["accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "hid", "magnetometer"],
    ...["microphone", "midi", "payment", "serial", "usb"],
  ].map((feature) => `${feature}=()`).join(", "),
};

const ALWAYS = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
};

const SECURE = { "strict-transport-security": "max-age=31536000" };

// Types in which nothing runs when somebody navigates to them; all others may, XML of every kind among them.
const INERT = new RegExp(
  String.raw`^(?:(?:image|audio|video|font)/(?!.*xml)[\w.+-]+|[\w.-]+/[\w.+-]+\+json` +
    "|text/(?:plain|css|csv|calendar|event-stream|markdown|vtt)" +
    "|application/(?:json|json-seq|x-ndjson|gzip|octet-stream|pdf|wasm|zip))$",
);
const SCRIPTS = /^(?:text|application)\/(?:x-)?(?:java|ecma)script$/;

/** @param {string} mediaType @returns {Record<string, string>} */
function policy(mediaType) {
  if (INERT.test(mediaType)) return {};
  return SCRIPTS.test(mediaType) ? SCRIPT : DOCUMENT;
}

/**
 * @param {string} contentType
 * @param {string} url   of the request
 * @returns {Record<string, string>}
 */
export function securityHeaders(contentType, url) {
  const mediaType = (contentType.split(";")[0] ?? "").trim().toLowerCase();
  return { ...ALWAYS, ...(url.startsWith("https:") ? SECURE : {}), ...policy(mediaType) };
}
