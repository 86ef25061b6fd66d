// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { createLanguages, fromList } from "../../browser/languages.js";
import { BROKEN_STORE, memoryStore } from "./fakes.js";

test("a list becomes the header that browsers make of it", () => {
  assert.equal(fromList(["en-US"]), "en-US,en;q=0.9");
  assert.equal(fromList(["en-US", "en"]), "en-US,en;q=0.9");
  assert.equal(fromList(["de-AT", "de-DE", "en-GB"]), "de-AT,de-DE;q=0.9,de;q=0.8,en-GB;q=0.7,en;q=0.6");
  assert.equal(fromList(Array.from({ length: 12 }, (_, n) => String.fromCharCode(97 + n))).split(",").at(-1), "l;q=0.1");
  assert.equal(fromList([]), "");
});

test("what an edge has seen counts, also for the next worker, as long as the user's languages stay", async () => {
  // case P5
  const [store, user] = [memoryStore(), { languages: ["en-US"] }];
  const languages = () => user.languages;
  const first = createLanguages({ store, languages });
  assert.deepEqual([first.header(), first.isKnown()], ["en-US,en;q=0.9", false]);
  first.learn(null);
  first.learn("en-US");
  assert.deepEqual([first.header(), first.isKnown()], ["en-US", true]);
  const next = createLanguages({ store, languages });
  await next.loaded;
  assert.equal(next.header(), "en-US");
  user.languages = ["fr"];
  assert.deepEqual([next.header(), next.isKnown()], ["fr", false]);
});

test("without storage it is learnt by each worker", async () => {
  const languages = createLanguages({ store: BROKEN_STORE, languages: () => ["en"] });
  await languages.loaded;
  languages.learn("en;q=1");
  assert.equal(languages.header(), "en;q=1");
});
