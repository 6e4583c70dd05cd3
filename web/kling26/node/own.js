// The own values of each provider that was chosen in a node.
//
// ComfyUI makes the widgets of the chosen provider anew at each choice, with their defaults. What
// was in the old ones is kept here, and put back when their provider is chosen again.

import { OWN, slots } from "./saved.js";

/**
 * @typedef {import("./saved.js").Kept} Kept
 * @typedef {{ widget: any, provider: string }} Own a widget, and whose it is
 */

/** @type {WeakMap<object, Own[]>} */
const shown = new WeakMap();
/** @type {WeakMap<object, Map<string, Map<string | null, unknown>>>} */
const kept = new WeakMap();

/**
 * Let the widgets that a choice makes begin with what their provider had in this node.
 *
 * @param {any} nodeType
 * @param {any} definition what ComfyUI's server tells of the node
 */
export function keepOwn(nodeType, definition) {
  const { addCustomWidget } = nodeType.prototype;
  nodeType.prototype.addCustomWidget = function (/** @type {any[]} */ ...given) {
    collect(this);
    const widget = addCustomWidget.apply(this, given);
    if (widget?.name?.startsWith(OWN)) begin(this, widget, definition);
    return widget;
  };
}

/**
 * @param {any} node
 * @param {any} widget a new one, of the provider that is chosen
 * @param {any} definition
 */
function begin(node, widget, definition) {
  const provider = node.widgets.find((/** @type {any} */ each) => each.name === "provider")?.value;
  const slot = slots(definition, provider).find((each) => each.name === widget.name);
  const had = kept.get(node)?.get(provider);
  // Not what the widget has: ComfyUI may give it the value of another node that had this number.
  const value = had?.has(widget.name) ? had.get(widget.name) : slot?.value;
  if (value !== undefined && widget.value !== value) widget.value = value;
  shown.set(node, [...(shown.get(node) ?? []), { widget, provider }]);
}

/**
 * Take over the values of the widgets that are no longer on a node.
 *
 * @param {any} node
 */
function collect(node) {
  const own = shown.get(node) ?? [];
  const gone = own.filter(({ widget }) => !node.widgets.includes(widget));
  for (const { widget, provider } of gone) {
    remember(node, provider, [[widget.name, widget.value]]);
    widget.onRemove?.(); // Older front ends leave its box on the page.
  }
  shown.set(node, own.filter((each) => !gone.includes(each)));
}

/**
 * @param {object} node
 * @param {string} provider
 * @param {Kept[]} values
 */
export function remember(node, provider, values) {
  const all = kept.get(node) ?? new Map();
  kept.set(node, all);
  const named = values.filter(([name]) => name !== null); // Without a name nothing is put back.
  if (named.length > 0) all.set(provider, new Map([...(all.get(provider) ?? []), ...named]));
}

/**
 * @param {any} node
 * @param {string} provider
 * @returns {Kept[]} what it had in this node
 */
export function ownOf(node, provider) {
  collect(node);
  return [...(kept.get(node)?.get(provider) ?? [])];
}

/**
 * Have these own values in a node, and no others.
 *
 * @param {any} node
 * @param {Record<string, Kept[]>} others by provider
 */
export function replace(node, others) {
  collect(node); // Of the widgets before, which another file has replaced.
  kept.delete(node);
  for (const [provider, values] of Object.entries(others)) remember(node, provider, values);
}

/**
 * The own values of all providers that are not chosen, where they are not as on a new node.
 *
 * @param {any} node
 * @param {any} definition
 * @returns {Record<string, Kept[]>}
 */
export function othersOf(node, definition) {
  collect(node);
  const chosen = node.widgets?.find((/** @type {any} */ each) => each.name === "provider")?.value;
  const found = [...(kept.get(node) ?? [])].flatMap(([provider, values]) => {
    const usual = new Map(slots(definition, provider).map(({ name, value }) => [name, value]));
    const own = [...values].filter(([name, value]) => name !== null && usual.get(name) !== value);
    return provider === chosen || own.length === 0 ? [] : [[provider, own]];
  });
  return Object.fromEntries(found);
}
