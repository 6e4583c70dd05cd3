import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { ago, length, money, number } from "../../web/kling26/language.js";
import { loadWords, plural, t, units } from "../../web/kling26/words.js";
import { answers, asked } from "./comfyui/api.js";
import { settings } from "./comfyui/app.js";

beforeEach(() => {
  asked.length = 0;
  settings.set("Comfy.Locale", "en");
  answers["GET /kling26/words"] = [200, { hello: "Hello {name}", "n.one": "{count} video", "n.other": "{count} videos" }];
});

test("texts are loaded once for a language, and again for another", async () => {
  await Promise.all([loadWords(), loadWords()]);
  await loadWords();
  assert.equal(asked.length, 1);
  assert.equal(t("hello", { name: "Ada" }), "Hello Ada");

  settings.set("Comfy.Locale", "ru");
  answers["GET /kling26/words"] = [200, { hello: "Привет, {name}" }];
  await loadWords();
  assert.equal(t("hello", { name: "Ада" }), "Привет, Ада");
  assert.equal(asked.at(-1).headers["Accept-Language"], "ru");
});

test("a text that nobody has is its key, and an unknown placeholder stays", async () => {
  await loadWords();
  assert.equal(t("nowhere.to.be.found"), "nowhere.to.be.found");
  assert.equal(t("hello"), "Hello {name}");
});

test("a number chooses its form", async () => {
  await loadWords();
  assert.equal(plural("n", 1), "1 video");
  assert.equal(plural("n", 2), "2 videos");
});

test("units that providers charge in are in the page's language", async () => {
  answers["GET /kling26/words"] = [200, {
    "money.credits.one": "{amount} кредит", "money.credits.few": "{amount} кредита", "money.credits.many": "{amount} кредитов",
  }];
  settings.set("Comfy.Locale", "ru");
  await loadWords();
  assert.deepEqual([1, 2, 5, 1.5].map((each) => units(each, "credits")), ["1 кредит", "2 кредита", "5 кредитов", "1,5 кредита"]);
  assert.equal(units(2.5, "coins"), "2,5 coins");
});

test("money, numbers and spans are written as the page's language does", () => {
  assert.equal(money(0.275), "$0.275");
  assert.equal(money(1.1), "$1.10");
  assert.equal(money(1.375, 2), "$1.38");
  assert.equal(length(190), "3m 10s");
  assert.equal(number(1234.5), "1,234.5");
  assert.equal(ago(125), "2 min. ago");
  assert.equal(ago(3), "now");
  settings.set("Comfy.Locale", "ru");
  assert.match(money(1.1), /^1,10\s\$$/);
  assert.match(length(5), /^5\sс$/);
  settings.set("Comfy.Locale", "zh");
  assert.equal(length(5), "5秒");
});

test("a language that Intl does not know is taken for English", () => {
  settings.set("Comfy.Locale", "no such language");
  assert.equal(money(2), "$2.00");
});
