// The names of the widgets where ComfyUI shows none: an option of a plug-in, a box of text.

import { addStyle, make, setText } from "../dom.js";
import { providerNamed } from "../providers.js";

const STYLE = `
.dom-widget > .kling26-label {
  position: absolute; top: 0; left: 0; right: 0; height: 15px !important; width: auto !important;
  box-sizing: border-box; padding: 2px 4px 0; font: 10px/13px Inter, Arial, sans-serif;
  color: var(--input-text, #ddd); background: var(--comfy-input-bg, #222); opacity: 0.75;
  pointer-events: none; overflow: hidden; white-space: nowrap; text-overflow: ellipsis;
}
.dom-widget > .kling26-label + textarea { padding-top: 16px; }
`;
/** A label, and three lines. */
const LEAST = 80;

/**
 * What a plug-in says of its options; the page knows the locales of this folder only.
 *
 * @param {any} node
 */
function labelOwn(node) {
  const chosen = node.widgets?.find((/** @type {any} */ each) => each.name === "provider")?.value;
  const own = providerNamed(chosen)?.texts ?? {};
  for (const widget of node.widgets ?? []) {
    if (!own[widget.name]) continue;
    Object.assign(widget, own[widget.name]);
    const input = node.inputs?.find((/** @type {any} */ each) => each.widget?.name === widget.name);
    if (input) input.label = widget.label;
  }
}

/**
 * A box of text shows its label, in the user's language, whatever is written in it: otherwise one
 * looks like another.
 *
 * @param {any} node
 */
export function labelBoxes(node) {
  addStyle("kling26-label-style", STYLE);
  labelOwn(node);
  for (const widget of node.widgets ?? []) {
    const box = widget.element ?? widget.inputEl;
    if (box?.tagName !== "TEXTAREA" || !widget.label) continue;
    box.placeholder = widget.label;
    box.setAttribute("aria-label", widget.label);
    if (widget.options.kling26) continue;
    widget.options.kling26 = true;
    widget.options.getMinHeight ??= () => LEAST;
    // Where the box is put is not known before it is drawn; Nodes 2.0 has labels of its own.
    const { onDraw } = widget.options;
    widget.options.onDraw = (/** @type {any} */ drawn) => {
      onDraw?.(drawn);
      putLabel(box, widget.label);
    };
  }
}

/**
 * @param {HTMLElement} box
 * @param {string} text
 */
function putLabel(box, text) {
  const place = box.parentElement;
  if (!place?.classList.contains("dom-widget")) return;
  const there = box.previousElementSibling;
  if (there instanceof HTMLElement && there.className === "kling26-label") setText(there, text);
  else box.before(make("span", { class: "kling26-label", "aria-hidden": "true" }, text));
}

/** @param {any} node */
export function keepBoxesLabelled(node) {
  const choice = node.widgets?.find((/** @type {any} */ each) => each.name === "provider");
  if (!choice) return;
  const chosen = choice.callback;
  choice.callback = function (/** @type {any[]} */ ...values) {
    const result = chosen?.apply(this, values);
    labelBoxes(node); // The chosen provider's widgets are new.
    return result;
  };
  const configured = node.onConfigure;
  node.onConfigure = function (/** @type {any[]} */ ...values) {
    const result = configured?.apply(this, values);
    labelBoxes(node);
    return result;
  };
  labelBoxes(node);
}
