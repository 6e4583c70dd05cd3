// What people type and paste.
//
// Numbers are read here, because the browser's own boxes for them drop a decimal comma in some
// languages, and so make another number of it: "9,50" became 950.

import { number } from "./language.js";
import { t } from "./words.js";

/** A limit above this is a slip of the hand. */
const MOST = 1_000_000_000;
const EITHER_MARK = /^(?:\d+|\d*[.,]\d+)$/;
/** Thousands between marks, and the other mark before the rest. */
const BOTH_MARKS = /^\d{1,3}(?:(?:,\d{3})+\.|(?:\.\d{3})+,)\d+$/;
/** One mark before three digits: one thousand in one language, and one and a bit in another. */
const TWO_WAYS = /^([1-9]\d{0,2})[.,](\d{3})$/;

/**
 * A sum in dollars.
 *
 * @param {string} text
 * @returns {number | null} null where nothing is typed; throws an `Error` with a sentence
 */
export function readSum(text) {
  const typed = bare(text.normalize("NFKC"));
  const sum = typed.replace(/^(?:US\$|\$|USD)\s*|\s*(?:US\$|\$|USD)$/i, "");
  if (typed === "") return null;
  const [, thousands, rest] = TWO_WAYS.exec(sum) ?? [];
  if (thousands && rest) {
    const one = thousands + rest, other = written(Number(`${thousands}.${rest.slice(0, 2)}`), 2);
    throw new Error(t("panel.budget.two_ways", { typed: sum, one, other }));
  }
  const value = valueOf(sum);
  if (value === null) throw new Error(t("panel.budget.no_sum", { example: written(9.5, 2) }));
  return value;
}

/**
 * A number of things.
 *
 * @param {string} text
 * @returns {number | null} null where nothing is typed; throws an `Error` with a sentence
 */
export function readCount(text) {
  const typed = bare(text.normalize("NFKC"));
  if (typed === "") return null;
  const value = /^\d+$/.test(typed) ? Number(typed) : NaN;
  if (!(value <= MOST)) throw new Error(t("panel.budget.no_count", { example: 20 }));
  return value;
}

/** @param {string} text @returns {number | null} null: it is no number */
function valueOf(text) {
  if (!EITHER_MARK.test(text) && !BOTH_MARKS.test(text)) return null;
  // The last mark is before the decimals.
  const [, whole = text, decimals = ""] = /^(.*)[.,](\d+)$/.exec(text) ?? [];
  const value = Number(`${whole.replace(/[.,]/g, "") || 0}.${decimals || 0}`);
  return value <= MOST ? value : null;
}

/**
 * A number in the page's language, as it can be read again: without marks between thousands.
 *
 * @param {number} value
 * @param {number} [least] digits after the decimal mark
 * @returns {string}
 */
export function written(value, least = 0) {
  return number(value, 6, { minimumFractionDigits: least, useGrouping: false });
}

/** Blanks, marks that steer or vary, and letters without a shape. */
const UNSEEN = String.raw`(?:[\s\p{Z}\p{Cc}\p{Cf}\p{Variation_Selector}]|\u034f|\u115f|\u1160|\u2800|\u3164|\uffa0)+`;
const AROUND = new RegExp(`^${UNSEEN}|${UNSEEN}$`, "gu");

/**
 * What was pasted, without what is not seen around it.
 *
 * @param {string} text
 */
export function bare(text) {
  return text.replace(AROUND, "");
}
