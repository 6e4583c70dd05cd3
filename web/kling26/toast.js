// Our own messages on the page: the whole sentence, and buttons for what helps.

import { place } from "./corner.js";
import { addStyle, make } from "./dom.js";
import { t } from "./words.js";

/**
 * @typedef {{ label: string, run: () => unknown }} Action `run` gives `null` where it failed
 * @typedef {{
 *   task?: string | null | undefined,
 *   remedy?: string | null | undefined,
 *   node?: string,
 *   workflow?: string,
 *   held?: boolean,
 * }} Subject what a message is about; `held`: it was seen to be true
 * @typedef {{
 *   text: string,
 *   kind?: "error" | "warning" | "info",
 *   actions?: Action[],
 *   key?: string,
 *   stays?: boolean,
 *   about?: Subject,
 *   closed?: () => void,
 * }} Message `key`: a message with the same one is replaced; `stays`: Escape elsewhere is not
 *   meant for it; `closed`: called when it is gone
 */

const MOST = 4;

const STYLE = `
.kling26-toasts {
  position: fixed; z-index: 1200; display: flex; flex-direction: column; gap: 8px;
  width: min(24rem, calc(100vw - 6rem)); pointer-events: none;
}
.kling26-toast {
  pointer-events: auto; box-sizing: border-box; padding: 10px 12px; border-radius: 8px;
  display: grid; grid-template-columns: 1fr auto; gap: 6px 8px; align-items: start;
  font: 14px/1.4 Inter, Arial, sans-serif; color: var(--input-text, #ddd);
  background: var(--comfy-menu-bg, #222); border: 1px solid var(--border-color, #4e4e4e);
  border-left: 4px solid #3b82f6; box-shadow: 0 4px 16px rgb(0 0 0 / 35%);
}
.kling26-toast[data-kind="error"] { border-left-color: #e0564f; }
.kling26-toast[data-kind="warning"] { border-left-color: #d19a2a; }
.kling26-toast p {
  margin: 0; overflow-wrap: anywhere; white-space: pre-line; user-select: text;
  max-height: 40vh; overflow-y: auto;
}
.kling26-toast footer { grid-column: 1 / -1; display: flex; flex-wrap: wrap; gap: 6px; }
.kling26-toast button {
  font: inherit; cursor: pointer; padding: 3px 10px; border-radius: 6px; color: inherit;
  background: var(--comfy-input-bg, #333); border: 1px solid var(--border-color, #4e4e4e);
}
.kling26-toast button.kling26-close { padding: 0 7px; background: none; border-color: transparent; }
.kling26-toast :disabled { opacity: 0.5; cursor: default; }
.kling26-toast button:focus-visible { outline: 2px solid #3b82f6; outline-offset: 1px; }
`;

/** @typedef {{ about: Subject, close: () => void }} Shown */

/** @type {Map<Element, Shown>} */
const shown = new Map();

/** @returns {Shown[]} what is on the page */
export function shownMessages() {
  return [...shown.values()];
}

/**
 * Show a message until it is closed or one of its buttons has done what it says.
 *
 * @param {Message} message
 * @returns {() => void} closes it
 */
export function toast({ text, kind = "info", actions = [], key = text, stays, about = {}, closed }) {
  const stack = stackOfToasts();
  for (const old of [...stack.children]) if (old.getAttribute("data-key") === key) drop(old);
  const close = () => {
    if (!drop(element)) return;
    place(stack);
    closed?.();
  };
  const element = make(
    "div",
    { class: "kling26-toast", "data-kind": kind, "data-key": key, "data-stays": stays },
    make("p", { role: kind === "error" ? "alert" : "status" }, text),
    make(
      "button",
      { type: "button", class: "kling26-close", "aria-label": t("toast.close"), onclick: close },
      "×",
    ),
    actions.length > 0 && make("footer", {}, ...actions.map((each) => button(each, close))),
  );
  // Also what the document hears: Escape, for the newest one.
  element.addEventListener("kling26-dismiss", close);
  while (stack.childElementCount >= MOST && stack.firstElementChild) drop(stack.firstElementChild);
  shown.set(element, { about, close });
  stack.append(element);
  place(stack);
  return close;
}

/** @param {Element} element @returns {boolean} whether it was there */
function drop(element) {
  element.remove();
  return shown.delete(element);
}

/**
 * @param {Action} action
 * @param {() => void} close
 */
function button({ label, run }, close) {
  const element = make("button", { type: "button", onclick: press }, label);
  async function press() {
    element.disabled = true;
    try {
      if ((await run()) !== null) close();
    } finally {
      element.disabled = false;
    }
  }
  return element;
}

function stackOfToasts() {
  addStyle("kling26-toast-style", STYLE);
  const there = document.querySelector(".kling26-toasts");
  if (there instanceof HTMLElement) return there;
  const stack = make("div", { class: "kling26-toasts" });
  document.body.append(stack);
  window.addEventListener("resize", () => place(stack));
  // ComfyUI's dialogs are put at the end of the page, and move while they open.
  new MutationObserver(() => {
    place(stack);
    setTimeout(() => place(stack), 400);
  }).observe(document.body, { childList: true });
  // Escape closes the newest one wherever the focus is, unless something else is open.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || document.querySelector("[role=dialog]")) return;
    const newest = [...stack.querySelectorAll(".kling26-toast:not([data-stays])")].at(-1);
    const closest = document.activeElement?.closest(".kling26-toast") ?? newest;
    closest?.dispatchEvent(new Event("kling26-dismiss"));
  });
  return stack;
}
