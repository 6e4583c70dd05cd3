// What is left at each provider.

import { make, setText } from "../dom.js";
import { balanceText } from "../keys.js";
import { knownProviders } from "../providers.js";
import { get } from "../server.js";
import { t } from "../words.js";

// A balance is asked for again after this long, in milliseconds, when the panel is opened.
const FRESH = 600_000;

export class Balances {
  constructor() {
    /** @type {Map<string, { text: string, at: number }>} */
    this.told = new Map();
    this.rows = make("ul", { "aria-label": t("panel.balances") });
    this.element = make("div", { class: "kling26-balances" }, this.rows);
    this.drawn = "";
  }

  /** Show those of the providers that have a key, and ask for what is not fresh. */
  update() {
    const keyed = knownProviders().filter((each) => each.key.set && each.can.balance);
    const drawn = keyed.map((each) => each.name).join();
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    this.rows.replaceChildren(...keyed.map((each) => this.row(each)));
  }

  /** @param {import("../providers.js").Provider} provider */
  row({ name, title }) {
    const amount = make("span", { class: "kling26-amount", role: "status" });
    const again = make(
      "button",
      {
        type: "button",
        class: "kling26-icon",
        "aria-label": t("panel.refresh", { provider: title }),
        title: t("panel.refresh", { provider: title }),
        onclick: () => this.ask(name, amount, again),
      },
      "⟳",
    );
    const told = this.told.get(name);
    if (told) setText(amount, told.text);
    if (!told || Date.now() - told.at > FRESH) this.ask(name, amount, again);
    return make("li", {}, make("span", {}, title), amount, again);
  }

  /**
   * @param {string} name
   * @param {HTMLElement} amount
   * @param {HTMLElement} again
   */
  async ask(name, amount, again) {
    if (again.getAttribute("aria-busy")) return;
    again.setAttribute("aria-busy", "true");
    try {
      const balance = await get(`/kling26/providers/${encodeURIComponent(name)}/balance`);
      this.told.set(name, { text: balanceText(balance), at: Date.now() });
      setText(amount, balanceText(balance));
      amount.title = "";
    } catch (/** @type {any} */ error) {
      setText(amount, t("panel.no_balance"));
      amount.title = error.message;
    }
    again.removeAttribute("aria-busy");
  }
}
