// Values of a node over time: saved workflows of earlier versions, and plug-ins that come and go.

import { titleOf } from "../providers.js";
import { t } from "../words.js";
import { keep, mend, providersOf } from "./saved.js";
import { clearAway, fit } from "./size.js";
import { grownBy, say, WIDGET } from "./status.js";

/** What a node has no widgets for. */
/** @type {WeakMap<object, import("./saved.js").Kept[]>} */
const aside = new WeakMap();

/**
 * Let all our nodes read and write files so that no value goes to another widget, or is lost.
 *
 * @param {any} nodeType
 * @param {any} definition
 */
export function keepValues(nodeType, definition) {
  const { configure, onSerialize } = nodeType.prototype;
  nodeType.prototype.configure = function (/** @type {any} */ saved) {
    aside.set(this, mend(saved, definition));
    const result = configure.call(this, saved);
    clearAway(this);
    tellOfAbsent(this);
    return result;
  };
  nodeType.prototype.onSerialize = function (/** @type {any} */ saved) {
    onSerialize?.call(this, saved);
    keep(saved, this.widgets ?? [], aside.get(this) ?? []);
    // The text is not saved, nor is the room that the node has made for it.
    saved.size = [saved.size[0], saved.size[1] - grownBy(this)];
  };
}

/**
 * Let go of what was kept aside once another provider is chosen.
 *
 * @param {any} node
 */
export function watchChoice(node) {
  const choice = widgetOf(node, "provider");
  const chosen = choice?.callback;
  if (!choice) return;
  choice.callback = function (/** @type {any[]} */ ...values) {
    const result = chosen?.apply(this, values);
    aside.delete(node);
    tellOfAbsent(node);
    clearAway(node);
    fit(node);
    return result;
  };
  // The server refuses options that the provider does not have; so it must be told of them.
  widgetOf(node, WIDGET).serializeValue = () => keptOptions(node);
}

/**
 * @param {any} node
 * @returns {Record<string, unknown> | undefined} undefined is not sent
 */
function keptOptions(node) {
  const named = (aside.get(node) ?? []).filter(([name]) => name !== null);
  if (named.length === 0) return undefined;
  return Object.fromEntries(named.map(([name, value]) => [name?.replace("provider.", ""), value]));
}

/**
 * Say on a node what is not there, as long as it is not.
 *
 * @param {any} node
 */
export function tellOfAbsent(node) {
  say(node, { notice: absent(node) });
}

/** @param {any} node */
function absent(node) {
  const provider = widgetOf(node, "provider")?.value;
  const known = providersOf(node.constructor.nodeData);
  if (provider && !known.includes(provider)) return t("node.absent", { provider });
  const names = Object.keys(keptOptions(node) ?? {}).join(", ");
  return names && t("node.absent_options", { provider: titleOf(provider), names });
}

/**
 * @param {any} node
 * @param {string} name
 */
function widgetOf(node, name) {
  return node.widgets?.find((/** @type {any} */ each) => each.name === name);
}
