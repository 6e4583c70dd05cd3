import assert from "node:assert/strict";
import { before, test } from "node:test";

import { bare, readCount, readSum, written } from "../../web/kling26/typed.js";
import { loadWords } from "../../web/kling26/words.js";
import { answers } from "./comfyui/api.js";
import { settings } from "./comfyui/app.js";

before(async () => {
  answers["GET /kling26/words"] = [200, {
    "panel.budget.no_sum": "Enter a sum in dollars, such as {example}.",
    "panel.budget.two_ways": '"{typed}" can be read in two ways: write {one} or {other}.',
    "panel.budget.no_count": "Enter a whole number of videos, such as {example}.",
  }];
  await loadWords();
});

test("a decimal comma is a decimal point", () => {
  for (const typed of ["9,50", "9.50", "9.5", " 9,5 ", "$9.50", "9,50 $", "9.5 USD", "usd 9,5", "US$9.50", "９．５"]) {
    assert.equal(readSum(typed), 9.5, typed);
  }
  assert.equal(readSum("0,275"), 0.275);
  assert.equal(readSum(".5"), 0.5);
  assert.equal(readSum("1234"), 1234);
  assert.equal(readSum("9.0000"), 9);
});

test("marks between thousands are read where the other mark follows them", () => {
  for (const typed of ["1,234.50", "1.234,50", "$1,234.5"]) assert.equal(readSum(typed), 1234.5, typed);
  assert.equal(readSum("1.234.567,8"), 1_234_567.8);
});

test("nothing typed is no limit", () => {
  for (const typed of ["", "  ", "\u00a0"]) {
    assert.equal(readSum(typed), null);
    assert.equal(readCount(typed), null);
  }
});

test("what can be read in two ways is not guessed", () => {
  const told = { message: '"1,234" can be read in two ways: write 1234 or 1.23.' };
  assert.throws(() => readSum("$1,234"), told);
  assert.throws(() => readSum("12.500"), /write 12500 or 12.50\./);
});

test("anything else is no sum", () => {
  const others = ["nine", "-9", "+9", "1e3", "9.5.0", "1,23,4", "12,34.50", "1,234,567", "1 234", "9..5", "9.", "$", "0x10", "∞", "NaN", "€9", "9 EUR", "$9$", "9".repeat(400)];
  for (const typed of others) {
    assert.throws(() => readSum(typed), { message: "Enter a sum in dollars, such as 9.50." }, typed);
  }
});

test("videos are counted in whole numbers", () => {
  assert.equal(readCount(" 20 "), 20);
  assert.equal(readCount("0"), 0);
  for (const typed of ["2.5", "2,0", "1,000", "-1", "1e2", "$3", "9".repeat(30)]) {
    assert.throws(() => readCount(typed), { message: "Enter a whole number of videos, such as 20." }, typed);
  }
});

test("a box shows a number as the language writes it, and it can be read again", () => {
  for (const [locale, text] of [["en", "1234.56"], ["ru", "1234,56"], ["zh", "1234.56"]]) {
    settings.set("Comfy.Locale", locale);
    assert.equal(written(1234.56), text);
    assert.equal(readSum(written(1234.56)), 1234.56);
  }
  settings.set("Comfy.Locale", "en");
});

test("what is not seen around a text is no part of it", () => {
  for (const around of [" ", "\u00a0", "\u200b", "\ufeff", "\u2060\u200d", "\t\n", "\u3164", "\u202e", "\ufe0f", "\0"]) {
    assert.equal(bare(`${around}t-1 2${around}`), "t-1 2");
    assert.equal(bare(around), "");
  }
});
