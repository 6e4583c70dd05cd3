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

/** @type {Map<string, any>} */
const made = new Map();

/**
 * A formatter of the page's language; they take long to make, and a list needs thousands.
 *
 * @template T
 * @param {string} name
 * @param {(locale: string) => T} make
 * @returns {T}
 */
function formatter(name, make) {
  const locale = language();
  const key = `${locale} ${name}`;
  if (!made.has(key)) made.set(key, make(locale));
  return made.get(key);
}

/**
 * @param {number} usd
 * @param {number} [digits] at most after the point: a price may have thousandths
 */
export function money(usd, digits = 3) {
  const format = formatter(`money ${digits}`, (locale) => new Intl.NumberFormat(locale, {
    style: "currency",
    currency: "USD",
    currencyDisplay: "narrowSymbol",
    minimumFractionDigits: 2,
    maximumFractionDigits: digits,
  }));
  return format.format(usd);
}

/**
 * @param {number} value
 * @param {number} [digits] at most after the point
 * @param {Intl.NumberFormatOptions} [more]
 */
export function number(value, digits = 2, more = {}) {
  const format = formatter(`number ${digits} ${JSON.stringify(more)}`, (locale) =>
    new Intl.NumberFormat(locale, { maximumFractionDigits: digits, ...more }),
  );
  return format.format(value);
}

/** @param {number} seconds A length: "5s", "3m 10s". */
export function length(seconds) {
  const whole = Math.round(seconds);
  if (whole < 100) return unit(whole, "second");
  return `${unit(Math.floor(whole / 60), "minute")} ${unit(whole % 60, "second")}`;
}

/** @param {number} value @param {string} name */
function unit(value, name) {
  const format = formatter(name, (locale) =>
    new Intl.NumberFormat(locale, { style: "unit", unit: name, unitDisplay: "narrow" }),
  );
  return format.format(value);
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
  const words = formatter("ago", (locale) =>
    new Intl.RelativeTimeFormat(locale, { numeric: "auto", style: "short" }),
  );
  for (const [name, span] of SPANS) {
    if (seconds >= span) return words.format(-Math.floor(seconds / span), name);
  }
  return words.format(0, "second");
}

/** @param {number} epoch Seconds since 1970: the date and the time of day, in full. */
export function moment(epoch) {
  const format = formatter("moment", (locale) =>
    new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" }),
  );
  return format.format(epoch * 1000);
}
