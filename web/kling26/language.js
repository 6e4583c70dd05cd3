// The page's language, and what Intl writes in it.

import { app } from "./comfyui.js";

/** @returns {string} As in ComfyUI's settings: "en", "zh", "pt-BR". */
export function language() {
  const chosen = app.extensionManager?.setting?.get?.("Comfy.Locale") || "en";
  try {
    return Intl.getCanonicalLocales(chosen)[0] ?? "en";
  } catch {
    return "en"; // Nothing that Intl knows.
  }
}

/** @param {number} usd */
export function money(usd) {
  // Cents, and thousandths where the price has them.
  return new Intl.NumberFormat(language(), {
    style: "currency",
    currency: "USD",
    currencyDisplay: "narrowSymbol",
    minimumFractionDigits: 2,
    maximumFractionDigits: 3,
  }).format(usd);
}

/**
 * @param {number} value
 * @param {number} [digits] at most after the point
 */
export function number(value, digits = 2) {
  return new Intl.NumberFormat(language(), { maximumFractionDigits: digits }).format(value);
}

/** @param {number} seconds A length: "5s". */
export function length(seconds) {
  return new Intl.NumberFormat(language(), {
    style: "unit",
    unit: "second",
    unitDisplay: "narrow",
    maximumFractionDigits: 0,
  }).format(seconds);
}

/** @type {[Intl.RelativeTimeFormatUnit, number][]} */
const SPANS = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
];

/** @param {number} seconds How long ago: "3 min. ago", "now". */
export function ago(seconds) {
  const words = new Intl.RelativeTimeFormat(language(), { numeric: "auto", style: "short" });
  for (const [unit, span] of SPANS) {
    if (seconds >= span) return words.format(-Math.floor(seconds / span), unit);
  }
  return words.format(0, "second");
}

/** @param {number} epoch Seconds since 1970: the date and the time of day, in full. */
export function moment(epoch) {
  return new Intl.DateTimeFormat(language(), { dateStyle: "medium", timeStyle: "short" }).format(
    epoch * 1000,
  );
}
