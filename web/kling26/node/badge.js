// The price on the node.

import { money } from "../language.js";
import { pricesOf } from "../providers.js";
import { t } from "../words.js";

/**
 * What is chosen on a node; what arrives by a link is not known before the run.
 *
 * @param {any} node
 * @returns {Record<string, any>}
 */
function valuesOf(node) {
  /** @type {Record<string, any>} */
  const found = {};
  for (const each of node.widgets ?? []) found[each.name] = each.value;
  /** @param {string} name */
  const linked = (name) =>
    node.inputs?.some((/** @type {any} */ input) => input.name === name && input.link != null);
  found.with_image = linked("image") || linked("image_url") || Boolean(found.image_url?.trim?.());
  found.with_end_image = linked("end_image");
  for (const input of node.inputs ?? []) {
    if (input.link != null && input.widget) delete found[input.widget.name];
  }
  return found;
}

/**
 * The list price of what is chosen, as text; empty where none is known.
 *
 * @param {any} node
 */
function price(node) {
  const chosen = valuesOf(node);
  if (chosen.sandbox === true) return t("node.free");
  const row = pricesOf(chosen.provider).find((each) =>
    Object.entries(each.when).every(([name, value]) => chosen[name] === value),
  );
  return row ? money(row.usd) : "";
}

/** @param {any} node */
export function addBadge(node) {
  const Badge = window.LGraphBadge ?? window.LiteGraph?.LGraphBadge;
  if (!Badge || !Array.isArray(node.badges)) return;
  node.badges.push(
    () => new Badge({ text: price(node), fgColor: "#ffffff", bgColor: "#3b6e57" }),
  );
}
