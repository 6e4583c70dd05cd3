// The names of the widgets where ComfyUI shows none: an option of a plug-in, a box of text.

import { providerNamed } from "../providers.js";

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
 * A box of text shows its label, in the user's language, where it is empty.
 *
 * @param {any} node
 */
export function labelBoxes(node) {
  labelOwn(node);
  for (const widget of node.widgets ?? []) {
    const box = widget.element ?? widget.inputEl;
    if (box?.tagName === "TEXTAREA" && widget.label) box.placeholder = widget.label;
  }
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
