// What was spent, and what may be.

import { keepTyping, make, setAttribute, setHidden, setText } from "../dom.js";
import { money, number } from "../language.js";
import { post } from "../server.js";
import { plural, t, units as inUnits } from "../words.js";
import { known, refresh } from "./store.js";
import { readCount, readSum, written } from "../typed.js";

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
    this.boxes = new Map(LIMITS.map((name) => [name, new Box(name)]));
    this.problem = make("p", { class: "kling26-error", role: "alert", hidden: true });
    this.form = make(
      "form",
      { class: "kling26-question", hidden: true, "aria-label": t("panel.budget.title") },
      ...[...this.boxes.values()].map((each) => each.element),
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

  /**
   * @param {boolean} open
   * @param {string} [name] of the limit that the user was led to
   */
  open(open, name = "max_cost_per_day") {
    const focused = this.form.contains(document.activeElement);
    setHidden(this.form, !open);
    setAttribute(this.change, "aria-expanded", String(open));
    setHidden(this.problem, true);
    if (!open) {
      if (focused) this.change.focus();
      return;
    }
    for (const each of this.boxes.values()) each.show(known.budget?.[each.name] ?? null);
    const first = this.boxes.get(name)?.input;
    first?.scrollIntoView({ block: "nearest" });
    first?.focus();
    first?.select();
  }

  /** Nothing is sent unless all of it can be read. */
  async save() {
    setHidden(this.problem, true);
    const boxes = [...this.boxes.values()];
    const wrong = boxes.filter((each) => !each.read());
    if (wrong[0]) {
      wrong[0].input.focus();
      return;
    }
    const changed = boxes.filter((each) => each.value !== (known.budget?.[each.name] ?? null));
    try {
      const limits = Object.fromEntries(changed.map((each) => [each.name, each.value]));
      if (changed.length) await post("/kling26/budget", limits);
      this.open(false);
      await refresh();
    } catch (/** @type {any} */ error) {
      setText(this.problem, error.message);
      setHidden(this.problem, false);
    }
  }
}

/** A limit to be typed, and what is wrong with it. */
class Box {
  /** @param {string} name of the limit */
  constructor(name) {
    this.name = name;
    this.isSum = name === "max_cost_per_day";
    /** @type {number | null} What it was read as; null: no limit. */
    this.value = null;
    this.shown = "";
    this.problem = make("p", { class: "kling26-error", role: "alert", id: `kling26-${name}`, hidden: true });
    this.input = make("input", {
      type: "text",
      name,
      inputmode: this.isSum ? "decimal" : "numeric",
      autocomplete: "off",
      spellcheck: "false",
      oninput: () => this.complain(""),
    });
    const label = make("label", {}, t(`panel.budget.${name}`), this.input);
    this.element = make("div", { class: "kling26-limit" }, label, this.problem);
  }

  /** @param {number | null} value */
  show(value) {
    this.value = value;
    this.shown = this.input.value = value === null ? "" : written(value);
    this.complain("");
  }

  /** @returns {boolean} whether it could be read; what was shown and not touched, always */
  read() {
    if (this.input.value === this.shown) return true;
    try {
      this.value = (this.isSum ? readSum : readCount)(this.input.value);
    } catch (/** @type {any} */ error) {
      this.complain(error.message);
      return false;
    }
    return true;
  }

  /** @param {string} sentence empty: nothing is wrong */
  complain(sentence) {
    setText(this.problem, sentence);
    setHidden(this.problem, !sentence);
    setAttribute(this.input, "aria-invalid", sentence ? "true" : null);
    setAttribute(this.input, "aria-describedby", sentence ? this.problem.id : null);
  }
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
