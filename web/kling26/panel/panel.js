// The tab in ComfyUI's sidebar.

import { app } from "../comfyui.js";
import { addStyle, make, setHidden, setText } from "../dom.js";
import { grantWishes, TAB } from "../places.js";
import { fetchProviders, whenProvidersChange } from "../providers.js";
import { Balances } from "./balances.js";
import { List } from "./list.js";
import { isOpen } from "./model.js";
import { Spending } from "./spending.js";
import { known, tasks, watchTasks, whenTasksChange } from "./store.js";
import { STYLE } from "./style.js";
import { Waiting } from "./waiting.js";

const TITLE = "Kling 2.6";

class Panel {
  constructor() {
    this.waiting = new Waiting();
    this.spending = new Spending();
    this.balances = new Balances();
    this.list = new List();
    this.error = make("p", { class: "kling26-error", role: "alert", hidden: true });
    this.element = make(
      "section",
      { class: "kling26-panel", role: "region", "aria-label": TITLE },
      make("h2", {}, TITLE),
      this.error,
      this.waiting.line,
      this.spending.element,
      this.balances.element,
      this.list.element,
    );
  }

  update() {
    setText(this.error, known.error);
    setHidden(this.error, !known.error);
    this.waiting.update();
    this.spending.update();
    this.balances.update();
    this.list.update();
  }

  /** @param {import("../places.js").Wish} wish */
  grant({ task, budget }) {
    if (budget) this.spending.open(true, budget);
    if (task) this.list.show(task);
  }
}

/** @type {Panel | null} Kept while it is closed: its filters, and where it was scrolled to. */
let panel = null;
/** @type {HTMLElement | null} */
let place = null;
/** @type {ReturnType<typeof setInterval> | undefined} */
let ticking;
let badge = "";

/** Add the tab; once. */
export function addPanel() {
  addStyle("kling26-panel-style", STYLE);
  app.extensionManager.registerSidebarTab({
    id: TAB,
    icon: "pi pi-video",
    title: TITLE,
    tooltip: TITLE,
    type: "custom",
    iconBadge: () => badgeText(),
    render: open,
    destroy: close,
  });
  whenTasksChange(() => {
    showBadge();
    if (place) panel?.update();
  });
  whenProvidersChange(() => place && panel?.update());
}

/** @param {HTMLElement} element where ComfyUI wants it */
function open(element) {
  place = element;
  panel ??= new Panel();
  const shown = panel;
  element.replaceChildren(shown.element);
  shown.update();
  fetchProviders().catch(() => {}); // What is known of them does for the panel.
  watchTasks(true);
  clearInterval(ticking);
  ticking = setInterval(() => document.hidden || shown.list.tick(), 1000);
  grantWishes((wish) => shown.grant(wish));
}

function close() {
  clearInterval(ticking);
  grantWishes(null);
  watchTasks(false);
  place = null;
}

/** Draw it all again: the page's language is another one. */
export function redrawPanel() {
  panel = null;
  if (place) open(place);
}

// -- the number on the tab's icon ------------------------------------------------------------

/** @returns {string | null} */
function badgeText() {
  // Vue draws the icon again when something changes that it has seen being read: the tab's own
  // entry in ComfyUI's store.
  const text = ownTab()?.kling26Badge ?? badge;
  return text || null;
}

function showBadge() {
  const count = [...tasks.values()].filter((task) => isOpen(task) && !task.sandbox).length;
  badge = count > 0 ? String(count) : "";
  const tab = ownTab();
  if (tab) tab.kling26Badge = badge;
}

/** @returns {any} */
function ownTab() {
  const tabs = app.extensionManager.getSidebarTabs?.() ?? app.extensionManager.sidebarTab?.sidebarTabs;
  return tabs?.find((/** @type {any} */ tab) => tab.id === TAB);
}
