// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { createWhose } from "../../browser/whose.js";

/** @param {import("node:test").TestContext} context @param {string | undefined} madeFor */
function pageFor(context, madeFor, worker = true) {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  /** @type {unknown[]} */
  const log = [];
  const whose = createWhose({
    madeFor,
    ask: (type) => (log.push(`ask ${type}`), worker),
    cover: (covered) => void log.push(covered ? "cover" : "uncover"),
    replace: (user) => void log.push(["replace", user]),
  });
  /** What has happened since the last look. */
  const happened = () => log.splice(0).filter((what) => what !== "uncover");
  return { ...whose, happened, wait: (/** @type {number} */ ms) => context.mock.timers.tick(ms), log };
}

test("a page for whoever is signed in stays", (context) => {
  for (const user of ["", "ada"]) {
    const page = pageFor(context, user);
    page.told(user, false);
    page.told(user, true);
    page.heard(user);
    page.wait(10_000);
    assert.deepEqual(page.happened(), []);
    context.mock.timers.reset();
  }
});

test("a page for somebody without a session is also for the guest who they become", (context) => {
  const page = pageFor(context, "");
  page.told("guest-a", false);
  page.heard("guest-a");
  page.told("guest-a", true);
  assert.deepEqual(page.happened(), []);
  page.told("ada", true);
  assert.deepEqual(page.happened(), [["replace", "ada"]]);
});

test("a guest's page is not for another guest, who could not send its forms", (context) => {
  const page = pageFor(context, "guest-a");
  page.told("guest-b", true);
  assert.deepEqual(page.happened(), [["replace", "guest-b"]]);
});

test("a page for somebody else is replaced, once an edge has confirmed it", (context) => {
  const page = pageFor(context, "ada");
  page.told("", true);
  assert.deepEqual(page.happened(), [["replace", ""]]);
  page.told("bob", false);
  assert.deepEqual(page.happened(), ["ask view"]);
  page.told("bob", true);
  assert.deepEqual(page.happened(), [["replace", "bob"]]);
});

test("it may be the worker who is behind", (context) => {
  const page = pageFor(context, "ada");
  page.told("", false);
  page.told("ada", true);
  assert.deepEqual(page.happened(), ["ask view"]);
});

test("if nobody can find out, the page stays, and nobody asks for ever", (context) => {
  const page = pageFor(context, "ada");
  page.told("", false);
  page.told("", false);
  page.wait(10_000);
  assert.deepEqual(page.happened(), ["ask view"]);
});

test("a page that does not know for whom it was made is for the first that it hears of", (context) => {
  const page = pageFor(context, undefined);
  page.heard("bob");
  page.told("ada", false);
  assert.deepEqual(page.happened(), []);
  page.told("", true);
  assert.deepEqual(page.happened(), [["replace", ""]]);
});

test("what other tabs say is believed if there is no worker to ask", (context) => {
  const page = pageFor(context, "ada", false);
  page.heard("");
  page.wait(0);
  assert.deepEqual(page.happened(), ["ask view", ["replace", ""]]);
});

test("a worker that does not answer is not waited for", (context) => {
  const page = pageFor(context, "ada");
  page.heard("");
  page.wait(1_999);
  assert.deepEqual(page.happened(), ["ask view"]);
  page.wait(1);
  assert.deepEqual(page.happened(), [["replace", ""]]);
});

test("a page that comes back shows nothing until it is known for whom", (context) => {
  const page = pageFor(context, "ada");
  page.restored();
  assert.deepEqual(page.log.splice(0), ["cover", "ask who"]);
  page.told("ada", false);
  assert.deepEqual(page.log.splice(0), ["uncover"]);
  page.restored();
  page.wait(2_000);
  assert.deepEqual(page.log.splice(0), ["cover", "ask who", ["replace", undefined]]);
});

test("a page that comes back and was for nobody who has signed in shows itself, and asks", (context) => {
  for (const user of ["", "guest-a"]) {
    const page = pageFor(context, user, false);
    page.restored();
    page.wait(10_000);
    assert.deepEqual(page.log.splice(0), ["ask who"]);
    context.mock.timers.reset();
  }
});
