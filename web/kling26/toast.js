// Our own messages on the page: the whole sentence, and buttons for what helps.

import { app } from "./comfyui.js";
import { addStyle, make } from "./dom.js";
import { t } from "./words.js";

/**
 * @typedef {{ label: string, run: () => unknown }} Action
 * @typedef {{
 *   text: string,
 *   kind?: "error" | "warning" | "info",
 *   actions?: Action[],
 *   key?: string,
 * }} Message `key`: a message with the same one is replaced
 */

const MOST = 4;
const GAP = 16;

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
.kling26-toast button:focus-visible { outline: 2px solid #3b82f6; outline-offset: 1px; }
`;

/**
 * Show a message until it is closed or one of its buttons is pressed.
 *
 * @param {Message} message
 * @returns {() => void} closes it
 */
export function toast({ text, kind = "info", actions = [], key = text }) {
  const stack = stackOfToasts();
  for (const old of [...stack.children]) if (old.getAttribute("data-key") === key) old.remove();
  const close = () => {
    element.remove();
    place(stack);
  };
  const buttons = actions.map((action) =>
    make("button", { type: "button", onclick: () => (close(), action.run()) }, action.label),
  );
  const element = make(
    "div",
    { class: "kling26-toast", "data-kind": kind, "data-key": key },
    make("p", { role: kind === "error" ? "alert" : "status" }, text),
    make(
      "button",
      { type: "button", class: "kling26-close", "aria-label": t("toast.close"), onclick: close },
      "×",
    ),
    buttons.length > 0 && make("footer", {}, ...buttons),
  );
  // Also what the document hears: Escape, for the newest one.
  element.addEventListener("kling26-dismiss", close);
  while (stack.childElementCount >= MOST) stack.firstElementChild?.remove();
  stack.append(element);
  place(stack);
  return close;
}

function stackOfToasts() {
  addStyle("kling26-toast-style", STYLE);
  const there = document.querySelector(".kling26-toasts");
  if (there instanceof HTMLElement) return there;
  const stack = make("div", { class: "kling26-toasts" });
  document.body.append(stack);
  window.addEventListener("resize", () => place(stack));
  // Escape closes the newest one wherever the focus is, unless something else is open.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || document.querySelector("[role=dialog]")) return;
    const closest = document.activeElement?.closest(".kling26-toast") ?? stack.lastElementChild;
    closest?.dispatchEvent(new Event("kling26-dismiss"));
  });
  return stack;
}

/** @typedef {{ left: number, top: number, right: number, bottom: number }} Box */

/**
 * The corner of the canvas where a stack of this size covers least of what must be read.
 *
 * @param {Box} canvas
 * @param {{ width: number, height: number }} size
 * @param {Box[]} taken
 * @returns {{ left: number, top: number }}
 */
export function freeCorner(canvas, size, taken) {
  const left = canvas.left + GAP, top = canvas.top + GAP;
  const right = Math.max(left, canvas.right - GAP - size.width);
  const bottom = Math.max(top, canvas.bottom - GAP - size.height);
  const corners = [
    { left: right, top: bottom },
    { left, top: bottom },
    { left: right, top },
    { left, top },
  ];
  /** @param {{ left: number, top: number }} corner */
  const covered = (corner) => taken.reduce((sum, box) => sum + overlap(corner, size, box), 0);
  return corners.reduce((best, corner) => (covered(corner) < covered(best) ? corner : best));
}

/**
 * @param {{ left: number, top: number }} corner
 * @param {{ width: number, height: number }} size
 * @param {Box} box
 */
function overlap(corner, size, box) {
  const wide = Math.min(corner.left + size.width, box.right) - Math.max(corner.left, box.left);
  const high = Math.min(corner.top + size.height, box.bottom) - Math.max(corner.top, box.top);
  return wide > 0 && high > 0 ? wide * high : 0;
}

/** @param {HTMLElement} stack */
function place(stack) {
  if (!stack.childElementCount) return;
  const corner = freeCorner(visibleCanvas(), stack.getBoundingClientRect(), nodesOnScreen());
  stack.style.left = `${corner.left}px`;
  stack.style.top = `${corner.top}px`;
}

/** @returns {Box} what the bars and the sidebar leave of the canvas */
function visibleCanvas() {
  const box = app.canvas.canvas.getBoundingClientRect();
  let left = box.left;
  for (const each of document.querySelectorAll(".side-tool-bar-container, .side-bar-panel")) {
    const side = each.getBoundingClientRect();
    if (side.left < innerWidth / 2 && side.width > 0) left = Math.max(left, side.right);
  }
  const top = Math.max(box.top, 100); // Under ComfyUI's own bar and its messages.
  return { left, top, right: Math.min(box.right, innerWidth), bottom: innerHeight - 64 };
}

/** @returns {Box[]} where our nodes are: their text is to be read beside the message */
function nodesOnScreen() {
  const { ds, canvas } = app.canvas;
  const box = canvas.getBoundingClientRect();
  return (app.canvas.graph?.nodes ?? [])
    .filter((/** @type {any} */ node) => node.comfyClass === "Kling26Video" || node.subgraph)
    .map((/** @type {any} */ node) => {
      const left = box.left + (node.pos[0] + ds.offset[0]) * ds.scale;
      const top = box.top + (node.pos[1] - 30 + ds.offset[1]) * ds.scale;
      const wide = node.size[0] * ds.scale, high = (node.size[1] + 30) * ds.scale;
      return { left, top, right: left + wide, bottom: top + high };
    });
}
