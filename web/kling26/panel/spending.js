// What was spent, and what may be.

import { keepTyping, make, setAttribute, setHidden, setText } from "../dom.js";
import { money, number } from "../language.js";
import { post } from "../server.js";
import { plural, t, units as inUnits } from "../words.js";
import { known, refresh } from "./store.js";

/** @typedef {{ name: string, limit: number, spent: number }} Used of one limit */

/** The limits in the order in which they are shown. */
const LIMITS = ["max_cost_per_day", "max_tasks_per_day", "max_tasks_per_hour"];

/**
 * A sum in words: in dollars, and in units what has no known price in dollars.
 *
 * @param {import("./store.js").Total} total
 */
export function sumText({ usd, units }) {
  const others = Object.entries(units).map(([unit, amount]) => inUnits(amount, unit));
  return [...(usd > 0 || others.length === 0 ? [money(usd)] : []), ...others].join(" + ");
}

/**
 * @param {import("./store.js").Budget | null} budget
 * @returns {Used[]} of the limits that there are
 */
export function used(budget) {
  const spent = {
    max_cost_per_day: budget?.spent_usd,
    max_tasks_per_day: budget?.tasks_in_day,
    max_tasks_per_hour: budget?.tasks_in_hour,
  };
  return Object.entries(spent).flatMap(([name, amount]) => {
    const limit = budget?.[name];
    return limit === null || limit === undefined ? [] : [{ name, limit, spent: amount ?? 0 }];
  });
}

export class Spending {
  constructor() {
    this.sums = make("dl", { class: "kling26-sums" });
    this.bars = make("div", { class: "kling26-budget" });
    this.change = make(
      "button",
      {
        type: "button",
        class: "kling26-button",
        "aria-expanded": "false",
        onclick: () => this.open(this.form.hidden === true),
      },
      t("panel.budget.change"),
    );
    /** @type {Map<string, HTMLInputElement>} */
    this.boxes = new Map(LIMITS.map((name) => [name, box(name)]));
    this.problem = make("p", { class: "kling26-error", role: "alert", hidden: true });
    this.form = make(
      "form",
      { class: "kling26-question", hidden: true, "aria-label": t("panel.budget.title") },
      ...[...this.boxes].map(([name, each]) => make("label", {}, t(`panel.budget.${name}`), each)),
      make("p", {}, t("panel.budget.empty")),
      this.problem,
      make("button", { type: "submit", class: "kling26-button kling26-yes" }, t("panel.budget.save")),
      make(
        "button",
        { type: "button", class: "kling26-button", onclick: () => this.open(false) },
        t("panel.close"),
      ),
    );
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.save();
    });
    keepTyping(this.form, () => this.open(false));
    this.element = make(
      "div",
      { class: "kling26-spending" },
      this.sums,
      this.bars,
      this.change,
      this.form,
    );
  }

  update() {
    const { totals, budget } = known;
    if (totals) {
      const sums = [["today", totals.today], ["month", totals.month]];
      replace(this.sums, sums, ([name, total]) =>
        make("div", {}, make("dt", {}, t(`panel.${name}`)), make("dd", {}, sumText(/** @type {any} */ (total)))),
      );
    }
    replace(this.bars, used(budget), meter);
  }

  /** @param {boolean} open */
  open(open) {
    const focused = this.form.contains(document.activeElement);
    setHidden(this.form, !open);
    setAttribute(this.change, "aria-expanded", String(open));
    setHidden(this.problem, true);
    if (!open) {
      if (focused) this.change.focus();
      return;
    }
    for (const [name, each] of this.boxes) each.value = String(known.budget?.[name] ?? "");
    const first = this.boxes.get("max_cost_per_day");
    first?.scrollIntoView({ block: "nearest" });
    first?.focus();
  }

  async save() {
    /** @type {Record<string, number | null>} */
    const limits = {};
    for (const [name, each] of this.boxes) {
      const typed = each.value.trim() === "" ? null : Number(each.value);
      if (typed !== (known.budget?.[name] ?? null)) limits[name] = typed;
    }
    try {
      if (Object.keys(limits).length) await post("/kling26/budget", limits);
      this.open(false);
      await refresh();
    } catch (/** @type {any} */ error) {
      setText(this.problem, error.message);
      setHidden(this.problem, false);
    }
  }
}

/** @param {string} name of a limit */
function box(name) {
  const money_ = name === "max_cost_per_day";
  return make("input", { type: "number", min: 0, step: money_ ? "any" : 1, name, inputmode: "decimal" });
}

/** @param {Used} used_ */
function meter({ name, limit, spent }) {
  const share = limit > 0 ? Math.min(1, spent / limit) : 1;
  const text =
    name === "max_cost_per_day"
      ? t("panel.budget.of_day", { spent: money(spent), limit: money(limit) })
      : plural(`panel.budget.of.${name}`, limit, { spent: number(spent), limit: number(limit) });
  const fill = make("span");
  fill.style.width = `${share * 100}%`;
  return make(
    "div",
    {},
    make("p", {}, text),
    make(
      "div",
      {
        class: "kling26-meter",
        role: "meter",
        "data-full": share >= 1 ? "yes" : share >= 0.8 ? "soon" : "no",
        "aria-label": t(`panel.budget.${name}`),
        "aria-valuemin": 0,
        "aria-valuemax": limit,
        "aria-valuenow": Math.min(spent, limit),
        "aria-valuetext": text,
      },
      fill,
    ),
  );
}

/**
 * Draw a few things again, if they are others.
 *
 * @template T
 * @param {HTMLElement} place
 * @param {T[]} things
 * @param {(thing: T) => HTMLElement} draw
 */
function replace(place, things, draw) {
  const drawn = JSON.stringify(things);
  if (place.dataset.drawn === drawn) return;
  place.dataset.drawn = drawn;
  place.replaceChildren(...things.map(draw));
}
