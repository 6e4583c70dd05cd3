// What a node says: how far it is, what went wrong, and what helps; all of it, as text.

import { addStyle, make, setAttribute, setText } from "../dom.js";
import { redraw } from "./graph.js";

/**
 * `text` is what is said of the runs, and `notice` of the node itself, whether it runs or not.
 *
 * @typedef {{
 *   text: string,
 *   notice: string,
 *   state: "idle" | "running" | "done" | "failed" | "stopped",
 *   fraction: number | null,
 *   actions: import("../toast.js").Action[],
 * }} Status
 */

/** The widget's name; ComfyUI sends a value of this name with the prompt, if there is one. */
export const WIDGET = "kling26";
const MARGIN = 8;

const STYLE = `
.kling26-status { box-sizing: border-box; overflow: hidden; font: 12px/1.4 Inter, Arial, sans-serif; }
.kling26-status > div { display: flex; flex-direction: column; gap: 6px; }
.kling26-status p {
  margin: 0; overflow-wrap: anywhere; white-space: pre-line; user-select: text; cursor: text;
  color: var(--input-text, #ddd); padding-left: 8px; border-left: 3px solid #3b82f6;
}
.kling26-status [data-state="done"] p { border-left-color: #3fa35a; }
.kling26-status [data-state="failed"] p, .kling26-status p.kling26-notice {
  border-left-color: #e0564f;
}
.kling26-status progress {
  width: 100%; height: 5px; border: 0; border-radius: 3px; overflow: hidden; appearance: none;
  background: var(--comfy-input-bg, #333);
}
.kling26-status progress::-webkit-progress-bar { background: var(--comfy-input-bg, #333); }
.kling26-status progress::-webkit-progress-value { background: #3b82f6; }
.kling26-status progress::-moz-progress-bar { background: #3b82f6; }
.kling26-status footer { display: flex; flex-wrap: wrap; gap: 6px; }
.kling26-status button {
  font: inherit; cursor: pointer; padding: 2px 10px; border-radius: 6px;
  color: var(--input-text, #ddd); background: var(--comfy-input-bg, #333);
  border: 1px solid var(--border-color, #4e4e4e);
}
.kling26-status button:focus-visible { outline: 2px solid #3b82f6; outline-offset: 1px; }
.kling26-status [hidden] { display: none; }
`;

/** @type {WeakMap<object, { status: Status, draw: () => void, widget: any }>} */
const shown = new WeakMap();

/**
 * Change what a node says.
 *
 * @param {any} node ours, or one with ours inside
 * @param {Partial<Status>} change
 */
export function say(node, change) {
  const { status, draw } = shown.get(node) ?? addStatus(node);
  Object.assign(status, change);
  draw();
}

/** @param {any} node whether it has a place for text */
export function hasStatus(node) {
  return shown.has(node);
}

/**
 * Give a node its place for text, as its last widget.
 *
 * @param {any} node
 */
export function addStatus(node) {
  addStyle("kling26-status-style", STYLE);
  const notice = make("p", { class: "kling26-notice", role: "status" });
  const text = make("p");
  const bar = make("progress", { max: 1 });
  const buttons = make("footer");
  const content = make("div", {}, notice, text, bar, buttons);
  const element = make("div", { class: "kling26-status" }, content);
  /** @type {Status} */
  const status = { text: "", notice: "", state: "idle", fraction: null, actions: [] };
  let high = 0;
  const height = () => (high > 0 ? high + 2 * MARGIN : 0);
  const widget = node.addDOMWidget(WIDGET, WIDGET, element, {
    getMinHeight: height,
    getMaxHeight: height,
    getValue: () => "",
    hideOnZoom: false,
    margin: MARGIN,
  });
  widget.serialize = false; // Not in the workflow's file.
  widget.serializeValue = () => undefined;

  const { onSerialize } = node;
  node.onSerialize = function (/** @type {any} */ saved) {
    onSerialize?.call(this, saved);
    // The text is not saved, nor is the room that the node has made for it.
    saved.size = [saved.size[0], saved.size[1] - grownBy(this)];
  };
  const draw = () => {
    setText(notice, status.notice);
    setText(text, status.text);
    setAttribute(notice, "hidden", !status.notice);
    setAttribute(text, "hidden", !status.text);
    setAttribute(content, "data-state", status.state);
    // A text that changes every second is not read out; how it ends is.
    setAttribute(text, "role", status.state === "failed" ? "alert" : "status");
    setAttribute(text, "aria-live", status.state === "running" ? "off" : null);
    setAttribute(bar, "hidden", status.state !== "running");
    if (status.fraction === null) bar.removeAttribute("value");
    else bar.value = status.fraction;
    buttons.replaceChildren(...status.actions.map(button));
    setAttribute(buttons, "hidden", status.actions.length === 0);
    measure();
  };
  const measure = () => {
    const empty = !status.text && !status.notice;
    const now = empty ? 0 : content.offsetHeight || high || 20;
    if (now === high) return;
    const before = height();
    high = now;
    makeRoom(node, height() - before);
  };
  // Its text wraps otherwise when the node has another width, and is measured once it is seen.
  new ResizeObserver(measure).observe(content);
  const entry = { status, draw, widget };
  shown.set(node, entry);
  draw();
  return entry;
}

/** @param {import("../toast.js").Action} action */
function button({ label, run }) {
  return make("button", { type: "button", onclick: run }, label);
}

/** By how much a node has become higher for its text. */
/** @type {WeakMap<object, number>} */
const grown = new WeakMap();

/** @param {any} node */
function grownBy(node) {
  return grown.get(node) ?? 0;
}

/**
 * Make a node higher for its text, or lower again; Nodes 2.0 does so by itself.
 *
 * @param {any} node
 * @param {number} more
 */
function makeRoom(node, more) {
  if (!window.LiteGraph?.vueNodesMode) {
    const change = Math.max(more, -grownBy(node));
    grown.set(node, grownBy(node) + change);
    const least = node.computeSize()[1];
    node.setSize([node.size[0], Math.max(least, node.size[1] + change)]);
  }
  redraw();
}
