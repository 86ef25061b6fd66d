// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { authorOf, createForms } from "../../browser/forms.js";

const ORIGIN = "https://shop.test";
const URL = `${ORIGIN}/cart`;

/** A form as the browser hands it to a service worker. @param {string} referrer */
const form = (referrer) => Object.defineProperties(new Request(URL, { method: "POST" }), { mode: { value: "navigate" }, referrer: { value: referrer } });

/** A page that answers so, or not at all. @param {unknown} answer */
const page = (answer) => ({
  /** @param {object} message @param {any} transfer */
  postMessage(message, [port]) {
    assert.deepEqual(message, { type: "submitted", url: URL });
    if (answer !== undefined) port.postMessage(answer);
    else port.close();
  },
});

/** @param {unknown[]} answers */
const formsOf = (answers) => createForms(async () => answers.map(page));

test("a form is ours if one of our pages sent it, as far as its referrer says", () => {
  assert.equal(authorOf(form(`${ORIGIN}/`), ORIGIN), "ours");
  for (const referrer of ["https://evil.test/", `${ORIGIN}.evil.test/`]) assert.equal(authorOf(form(referrer), ORIGIN), "foreign");
  for (const referrer of ["", "about:client"]) assert.equal(authorOf(form(referrer), ORIGIN), "unknown");
  assert.equal(authorOf(new Request(URL, { method: "POST" }), ORIGIN), "ours");
});

test("a page that hides its referrer says itself that it has sent a form", async () => {
  // case P6
  assert.equal(await formsOf([false, true]).isOurs(URL), true);
  assert.equal(await formsOf([true, undefined]).isOurs(URL), true);
  for (const answers of [[], [false, false], ["true", 1]]) assert.equal(await formsOf(answers).isOurs(URL), false);
});

test("a page that does not answer is not waited for any longer", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const asked = formsOf([undefined]).isOurs(URL);
  await new Promise((resolve) => setImmediate(resolve));
  context.mock.timers.tick(5_000);
  assert.equal(await asked, false);
});
