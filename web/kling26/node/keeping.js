// Values of a node over time: saved workflows of earlier versions, and plug-ins that come and go.

import { titleOf } from "../providers.js";
import { t } from "../words.js";
import { notify, notifyAround } from "./absent.js";
import { keepOwn, othersOf, ownOf, remember, replace } from "./own.js";
import { keep, mend, othersIn, providersOf } from "./saved.js";
import { fit } from "./size.js";
import { WIDGET } from "./status.js";

/** What the chosen provider has no widgets for. */
/** @type {WeakMap<object, { provider: string, values: import("./saved.js").Kept[] }>} */
const aside = new WeakMap();

/**
 * Let all our nodes read and write files so that no value goes to another widget, or is lost.
 *
 * @param {any} nodeType
 * @param {any} definition
 */
export function keepValues(nodeType, definition) {
  keepOwn(nodeType, definition);
  const { configure, onRemoved, onSerialize } = nodeType.prototype;
  nodeType.prototype.configure = function (/** @type {any} */ saved) {
    const values = mend(saved, definition);
    replace(this, {}); // The file has all the values of the provider that is chosen in it.
    const result = configure.call(this, saved);
    replace(this, othersIn(saved));
    aside.set(this, { provider: widgetOf(this, "provider")?.value, values });
    tellOfAbsent(this);
    return result;
  };
  nodeType.prototype.onRemoved = function () {
    onRemoved?.call(this);
    notifyAround();
  };
  nodeType.prototype.onSerialize = function (/** @type {any} */ saved) {
    onSerialize?.call(this, saved);
    keep(saved, this.widgets ?? [], aside.get(this)?.values ?? [], othersOf(this, definition));
  };
}

/**
 * What was kept aside is of one provider: once another is chosen, it waits with what else is its.
 *
 * @param {any} node
 */
export function watchChoice(node) {
  const choice = widgetOf(node, "provider");
  const chosen = choice?.callback;
  if (!choice) return;
  choice.callback = function (/** @type {any[]} */ ...values) {
    const result = chosen?.apply(this, values);
    putAway(node);
    tellOfAbsent(node);
    fit(node);
    return result;
  };
  // The server refuses options that the provider does not have; so it must be told of them.
  widgetOf(node, WIDGET).serializeValue = () => keptOptions(node);
}

/** @param {any} node */
function putAway(node) {
  const old = aside.get(node);
  if (old) remember(node, old.provider, old.values);
  const provider = widgetOf(node, "provider")?.value;
  const values = ownOf(node, provider).filter(([name]) => !widgetOf(node, name ?? ""));
  aside.set(node, { provider, values });
}

/**
 * @param {any} node
 * @returns {Record<string, unknown> | undefined} undefined is not sent
 */
function keptOptions(node) {
  const named = (aside.get(node)?.values ?? []).filter(([name]) => name !== null);
  if (named.length === 0) return undefined;
  return Object.fromEntries(named.map(([name, value]) => [name?.replace("provider.", ""), value]));
}

/**
 * Say on a node what is not there, as long as it is not.
 *
 * @param {any} node
 */
export function tellOfAbsent(node) {
  notify(node, absent(node));
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
