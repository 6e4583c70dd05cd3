// The providers and their prices, fetched once and again after a key has changed.

import { get } from "./server.js";

/**
 * @typedef {{ when: Record<string, unknown>, usd: number }} Price of what its widgets say
 * @typedef {{
 *   name: string,
 *   title: string,
 *   key_variable: string,
 *   key_page: string | null,
 *   tasks_page: string | null,
 *   can: { balance: boolean, cancel: boolean, find: boolean },
 *   key: { set: boolean, source: string | null, problem: string | null },
 *   prices: Price[],
 *   texts?: Record<string, { label: string, tooltip: string }>,
 * }} Provider
 * @typedef {{ amount: number, unit: string, usd: number | null }} Balance
 */

/** @type {Provider[]} */
let providers = [];
/** @type {Price[]} The list prices of "auto", which depend on the keys. */
let autoPrices = [];
let shared = false;
/** @type {Set<() => void>} */
const listeners = new Set();

/** @returns {Promise<Provider[]>} rejects with a `ServerError` */
export async function fetchProviders() {
  const known = await get("/kling26/providers");
  providers = known.providers;
  autoPrices = known.auto.prices;
  shared = known.shared;
  for (const listener of listeners) listener();
  return providers;
}

/** @returns {Provider[]} those fetched last */
export function knownProviders() {
  return providers;
}

/** @returns {boolean} whether several people use this ComfyUI, and with it the keys */
export function keysAreShared() {
  return shared;
}

/** @param {string | null | undefined} name */
export function providerNamed(name) {
  return providers.find((each) => each.name === name);
}

/**
 * @param {string | null | undefined} name
 * @returns {string} as the provider calls itself
 */
export function titleOf(name) {
  return providerNamed(name)?.title ?? name ?? "";
}

/** @param {unknown} name of a provider, or "auto" */
export function pricesOf(name) {
  return name === "auto" ? autoPrices : (providers.find((each) => each.name === name)?.prices ?? []);
}

/** @param {() => void} listener called whenever they have been fetched */
export function whenProvidersChange(listener) {
  listeners.add(listener);
}
