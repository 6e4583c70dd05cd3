// The list of tasks, and what narrows it down.

import { keepTyping, make, setHidden, setText } from "../dom.js";
import { number } from "../language.js";
import { titleOf } from "../providers.js";
import { plural, t } from "../words.js";
import { expected, inOrder, isOpen, matches, STATES } from "./model.js";
import { inPlace } from "./order.js";
import { Row } from "./row.js";
import { canShowOlder, known, showOlder, tasks } from "./store.js";

// More rows than this are drawn only where they are seen.
const LONG = 100;

export class List {
  constructor() {
    /** @type {import("./model.js").Filter} */
    this.filter = { search: "", provider: "", state: "", rehearsals: false };
    /** @type {Map<string, Row>} */
    this.rows = new Map();
    this.items = make("ul", { class: "kling26-list", "aria-label": t("panel.list"), tabindex: -1 });
    this.count = make("p", { class: "kling26-count", role: "status" });
    this.newest = make("span", { role: "status" });
    this.older = make(
      "button",
      { type: "button", class: "kling26-button", onclick: () => this.showOlder() },
      t("panel.older"),
    );
    this.more = make("div", { class: "kling26-more", hidden: true }, this.newest, this.older);
    this.search = make("input", {
      type: "search",
      placeholder: t("panel.search"),
      "aria-label": t("panel.search"),
      oninput: () => this.narrow({ search: this.search.value }),
    });
    this.provider = make("select", {
      "aria-label": t("panel.filter.provider"),
      onchange: () => this.narrow({ provider: this.provider.value }),
    });
    this.state = make(
      "select",
      {
        "aria-label": t("panel.filter.state"),
        onchange: () => this.narrow({ state: this.state.value }),
      },
      make("option", { value: "" }, t("panel.filter.all")),
      ...STATES.map((each) => make("option", { value: each }, t(`panel.filter.${each}`))),
    );
    this.rehearsals = make("input", {
      type: "checkbox",
      onchange: () => this.narrow({ rehearsals: this.rehearsals.checked }),
    });
    const filters = make(
      "div",
      { class: "kling26-filters", role: "search" },
      this.search,
      this.provider,
      this.state,
      make("label", {}, this.rehearsals, t("panel.filter.rehearsals")),
    );
    keepTyping(filters);
    this.element = make("div", { class: "kling26-tasks" }, filters, this.count, this.more, this.items);
  }

  /** @param {Partial<import("./model.js").Filter>} change */
  narrow(change) {
    Object.assign(this.filter, change);
    this.update();
  }

  /** Show the tasks as they are now. */
  update() {
    this.offerProviders();
    const shown = inOrder([...tasks.values()].filter((task) => matches(task, this.filter)));
    const names = new Set(shown.map((task) => task.task));
    for (const [name, row] of this.rows) {
      if (names.has(name)) continue;
      this.drop(row);
      if (!tasks.has(name)) this.rows.delete(name);
    }
    const rows = shown.map((task) => this.row(task));
    this.items.classList.toggle("kling26-long", rows.length > LONG);
    if (rows.length <= LONG) for (const row of rows) row.skipped = false;
    this.arrange(rows);
    setText(this.count, this.countText(shown.length));
    this.tellOfOlder();
  }

  /** The oldest of very many are not here, unless they are asked for. */
  tellOfOlder() {
    const all = known.totals?.tasks ?? 0;
    setHidden(this.more, all <= tasks.size);
    const counts = { shown: number(tasks.size), all: number(all) };
    setText(this.newest, all > tasks.size ? t("panel.newest", counts) : "");
    setHidden(this.older, !canShowOlder());
  }

  async showOlder() {
    this.older.disabled = true;
    await showOlder();
    this.older.disabled = false;
    if (this.more.hidden) this.items.focus();
    else this.older.focus();
  }

  /** @param {import("./model.js").Task} task */
  row(task) {
    const row = this.rows.get(task.task) ?? new Row(task);
    this.rows.set(task.task, row);
    if (isOpen(task)) row.usual = expected(task, tasks.values());
    row.update(task);
    return row;
  }

  /** What moves by itself. */
  tick() {
    for (const row of this.rows.values()) {
      if (!row.skipped && row.element.isConnected) row.tick();
    }
  }

  /**
   * Bring the rows into this order. What is at its place is not touched: a video that is taken
   * out stops, and what is typed loses the focus.
   *
   * @param {Row[]} rows
   */
  arrange(rows) {
    const focused = document.activeElement;
    const places = new Map([...this.items.children].map((each, index) => [each, index]));
    const staying = inPlace(rows.map(({ element }) => places.get(element)));
    let next = this.items.firstElementChild;
    for (const { element } of rows) {
      while (next && !staying.has(places.get(next))) next = next.nextElementSibling;
      if (next === element) next = element.nextElementSibling;
      else this.items.insertBefore(element, next);
    }
    if (focused instanceof HTMLElement && focused !== document.activeElement) focused.focus();
  }

  /** @param {Row} row that is shown no more */
  drop(row) {
    const focused = row.element.contains(document.activeElement);
    const after = row.element.nextElementSibling ?? row.element.previousElementSibling;
    if (row.video) row.play();
    row.element.remove();
    if (!focused) return;
    const button = after?.querySelector("button");
    if (button) button.focus();
    else this.items.focus();
  }

  /** @param {string} name of a task that the user was led to */
  show(name) {
    const task = tasks.get(name);
    if (!task) return;
    if (!matches(task, this.filter)) {
      this.search.value = this.provider.value = this.state.value = "";
      this.rehearsals.checked ||= task.sandbox;
      this.narrow({ search: "", provider: "", state: "", rehearsals: this.rehearsals.checked });
    }
    const row = this.rows.get(name);
    row?.element.scrollIntoView({ block: "center" });
    row?.focus();
  }

  offerProviders() {
    const names = [...new Set([...tasks.values()].map((task) => task.provider))].sort();
    const drawn = names.map((name) => `${name} ${titleOf(name)}`).join("\n");
    if (this.provider.dataset.drawn === drawn) return;
    this.provider.dataset.drawn = drawn;
    this.provider.replaceChildren(
      make("option", { value: "" }, t("panel.filter.everyone")),
      ...names.map((name) => make("option", { value: name }, titleOf(name))),
    );
    this.provider.value = names.includes(this.filter.provider) ? this.filter.provider : "";
  }

  /** @param {number} shown */
  countText(shown) {
    if (known.error) return ""; // It is said above.
    if (shown > 0) return plural("panel.count", shown);
    const hidden = [...tasks.values()].some((task) => task.sandbox) && !this.filter.rehearsals;
    const narrowed = this.filter.search || this.filter.provider || this.filter.state;
    return t(narrowed || hidden ? "panel.none_found" : "panel.none");
  }
}
