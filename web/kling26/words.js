// What we say on the page, in its language: the texts are in locales/, and the server has them.

import { language, number } from "./language.js";
import { get, sayNoAnswer } from "./server.js";

/** @type {Record<string, string>} */
let dictionary = {};
/** @type {string | null} */
let loadedFor = null;
/** @type {Promise<void> | null} */
let loading = null;

/**
 * Load the texts of the page's language, unless they are here.
 *
 * @returns {Promise<void>} never rejects: without an answer, what was loaded before stays
 */
export async function loadWords() {
  const wanted = language();
  if (wanted === loadedFor) return;
  loading ??= get("/kling26/words").then(
    (/** @type {Record<string, string>} */ words) => {
      dictionary = words;
      loadedFor = wanted;
      if (words["panel.no_answer"]) sayNoAnswer(words["panel.no_answer"]);
    },
    () => {},
  );
  await loading;
  loading = null;
}

/** @typedef {Record<string, string | number>} Values */

/**
 * A text: `t("panel.spent", { usd: "$1.20" })`; `{usd}` in it is replaced.
 *
 * @param {string} key
 * @param {Values} [values]
 * @returns {string} the key itself if there is no such text
 */
export function t(key, values = {}) {
  const text = dictionary[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) =>
    name in values ? String(values[name]) : whole,
  );
}

/**
 * A text that hangs on a number: `key.one` or `key.other`, with the number as `{count}`.
 *
 * Languages with more forms than two word these texts so that the number stands alone.
 *
 * @param {string} key
 * @param {number} count
 * @param {Values} [values]
 */
export function plural(key, count, values = {}) {
  const form = new Intl.PluralRules(language()).select(count) === "one" ? "one" : "other";
  return t(`${key}.${form}`, { count: number(count), ...values });
}

/**
 * An amount in the unit that a provider charges in: "55 credits".
 *
 * @param {number} amount
 * @param {string} unit one that nobody has a word for stays as it is
 */
export function units(amount, unit) {
  if (unit !== "credits") return `${number(amount)} ${unit}`.trim();
  const form = new Intl.PluralRules(language()).select(amount);
  const known = form === "one" || form === "many" ? form : "few";
  return t(`money.credits.${known}`, { amount: number(amount) });
}
