// What one click on Run will cost, on the node.

import { app } from "../comfyui.js";
import { money } from "../language.js";
import { pricesOf } from "../providers.js";
import { t } from "../words.js";
import { isIdle, ourNodes } from "./graph.js";

/**
 * What is chosen on a node; what arrives by a link is not known before the run.
 *
 * @param {any} node
 * @returns {Record<string, any>}
 */
export function valuesOf(node) {
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
 * The list price in USD of all videos of a node; null where it is not known.
 *
 * @param {Record<string, any>} chosen
 * @param {import("../providers.js").Price[]} prices
 * @returns {number | null} 0 for a rehearsal
 */
export function priceOf(chosen, prices) {
  if (chosen.sandbox === true) return 0;
  const row = prices.find((each) =>
    Object.entries(each.when).every(([name, value]) => chosen[name] === value),
  );
  return row && Number.isInteger(chosen.count) ? row.usd * chosen.count : null;
}

/**
 * One sum for several nodes, as text.
 *
 * @param {(number | null)[]} prices of each node
 * @param {number} runs how often Run queues them
 * @returns {string} empty where a price is not known: a sum without it would be too low
 */
export function sum(prices, runs) {
  if (prices.length === 0 || prices.includes(null)) return "";
  const usd = prices.reduce((/** @type {number} */ all, price) => all + (price ?? 0), 0) * runs;
  return usd > 0 ? money(usd) : t("node.free");
}

/** @returns {number} how many prompts one click on Run queues */
export function batchCount() {
  return Math.max(1, Number(app.extensionManager?.queueSettings?.batchCount) || 1);
}

/**
 * @param {any} node ours, or one with ours inside
 * @returns {string}
 */
export function badgeText(node) {
  const nodes = (node.subgraph ? ourNodes(node.subgraph) : [node]).filter((each) => !isIdle(each));
  const prices = nodes.map((each) => {
    const chosen = valuesOf(each);
    return priceOf(chosen, pricesOf(chosen.provider));
  });
  return sum(prices, batchCount());
}

/** @param {any} node */
export function addBadge(node) {
  const Badge = window.LGraphBadge ?? window.LiteGraph?.LGraphBadge;
  if (!Badge || !Array.isArray(node.badges)) return;
  node.badges.push(
    () => new Badge({ text: badgeText(node), fgColor: "#ffffff", bgColor: "#3b6e57" }),
  );
}
