// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { watchForms } from "../../browser/page-forms.js";

const HERE = "https://shop.test/tea?a=1#top";

function page() {
  const document = Object.assign(new EventTarget(), { URL: HERE, baseURI: HERE });
  const clock = { now: 0 };
  const wasSubmitted = watchForms(document, () => clock.now);
  const element = (/** @type {Record<string, string>} */ attributes) => ({ getAttribute: (/** @type {string} */ name) => attributes[name] ?? null });
  /** @param {string} type @param {Record<string, string>} form @param {Record<string, string>} [button] */
  function fire(type, form, button) {
    const event = new Event(type);
    Object.defineProperties(event, { target: { value: element(form) }, submitter: { value: button ? element(button) : null } });
    document.dispatchEvent(event);
  }
  return { fire, clock, wasSubmitted };
}

test("a form is known by where it goes, once", () => {
  // case P6
  const { fire, wasSubmitted } = page();
  fire("submit", { action: "/cart#x" });
  assert.deepEqual([wasSubmitted("https://shop.test/"), wasSubmitted("https://shop.test/cart"), wasSubmitted("https://shop.test/cart")], [false, true, false]);
});

test("a button, a script and an empty address say where, too", () => {
  const { fire, wasSubmitted } = page();
  fire("submit", { action: "/cart" }, { formaction: "/order" });
  assert.equal(wasSubmitted("https://shop.test/order"), true);
  fire("formdata", { action: "/script" });
  assert.equal(wasSubmitted("https://shop.test/script"), true);
  fire("submit", {});
  assert.equal(wasSubmitted("https://shop.test/tea?a=1"), true);
  fire("submit", { action: "https://[" });
  assert.equal(wasSubmitted("https://["), false);
});

test("what was sent long ago is another form", () => {
  const { fire, clock, wasSubmitted } = page();
  fire("submit", { action: "/cart" });
  clock.now = 10_000;
  assert.equal(wasSubmitted("https://shop.test/cart"), false);
});
