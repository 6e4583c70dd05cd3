// What the list shows, worked out from the tasks alone.

import { ago, length, money } from "../language.js";
import { priceOf } from "../node/badge.js";
import { pricesOf } from "../providers.js";
import { t, units } from "../words.js";

/**
 * A task, as every front end gives it.
 *
 * @typedef {{
 *   task: string,
 *   provider: string,
 *   state: string,
 *   standing: "unsent" | "unclear" | "at_provider" | "made" | "stored" | "over",
 *   task_id: string | null,
 *   cost: number | null,
 *   cost_unit: string | null,
 *   cost_usd: number | null,
 *   sandbox: boolean,
 *   prompt: string,
 *   image: string | null,
 *   end_image: string | null,
 *   sound: boolean,
 *   duration: number,
 *   aspect_ratio: string,
 *   seed: number,
 *   options: Record<string, unknown>,
 *   created: number,
 *   submitted: number | null,
 *   finished: number | null,
 *   error: string | null,
 *   code: string | null,
 *   remedy: import("../server.js").Remedy | null,
 * }} Task
 *
 * @typedef {{
 *   search: string,
 *   provider: string,
 *   state: string,
 *   rehearsals: boolean,
 * }} Filter
 */

const OPEN = new Set(["unsent", "unclear", "at_provider", "made"]);

/** @param {Task} task */
export function isOpen(task) {
  return OPEN.has(task.standing);
}

/** @param {Task} task Whether a lost answer leaves it open what became of it. */
export function isUnknown(task) {
  return task.state === "unknown";
}

/** @param {Task} task Whether it is paid for, and not here. */
export function isPaidFor(task) {
  return !task.sandbox && (task.standing === "at_provider" || task.standing === "made");
}

/**
 * Open ones first, then the newest.
 *
 * @param {Iterable<Task>} tasks
 */
export function inOrder(tasks) {
  return [...tasks].sort(
    (one, other) =>
      Number(isOpen(other)) - Number(isOpen(one)) ||
      other.created - one.created ||
      (one.task < other.task ? 1 : -1),
  );
}

/** The groups that the list can be narrowed to. */
export const STATES = ["open", "unknown", "stored", "over"];

/**
 * @param {Task} task
 * @param {Filter} filter
 */
export function matches(task, filter) {
  if (task.sandbox && !filter.rehearsals) return false;
  if (filter.provider && task.provider !== filter.provider) return false;
  if (filter.state && !inGroup(task, filter.state)) return false;
  return isFound(task, filter.search);
}

// Shorter beginnings are of too many ids.
const LEAST_OF_ID = 6;

/**
 * Every word is in the prompt, or it is the task's id: the whole one, or the beginning of ours.
 *
 * @param {Task} task
 * @param {string} search
 */
function isFound(task, search) {
  const typed = search.trim();
  if (typed !== "" && typed === task.task_id) return true;
  const wanted = folded(typed);
  if (wanted.length >= LEAST_OF_ID && folded(task.task).startsWith(wanted)) return true;
  const text = foldedPrompt(task);
  return wanted.split(/\s+/).every((word) => text.includes(word));
}

/** @type {WeakMap<Task, string>} A list of thousands is searched at each key. */
const prompts = new WeakMap();

/** @param {Task} task */
function foldedPrompt(task) {
  const known = prompts.get(task) ?? folded(task.prompt);
  prompts.set(task, known);
  return known;
}

/** @param {string} text @returns {string} without what makes no other word of it: case, forms */
function folded(text) {
  // Capitals, because small letters are many: "ß" is "SS", and "σ" and "ς" are one.
  return text.normalize("NFKC").toUpperCase().normalize("NFKC");
}

/**
 * @param {Task} task
 * @param {string} group
 */
function inGroup(task, group) {
  if (group === "open") return isOpen(task);
  if (group === "unknown") return isUnknown(task);
  return task.standing === group;
}

/**
 * @param {Task} task
 * @returns {string} "being made", "here" …
 */
export function stateText(task) {
  if (task.standing === "unsent") return t("panel.state.unsent");
  return t(`panel.state.${task.state}`);
}

/** @param {Task} task */
export function costText(task) {
  if (task.sandbox) return t("panel.free");
  if (task.cost_usd !== null) return money(task.cost_usd);
  if (task.cost !== null) return units(task.cost, task.cost_unit ?? "");
  const usd = isPaidFor(task) || task.standing === "stored" ? listPrice(task) : null;
  return usd === null ? "" : t("panel.about", { usd: money(usd) });
}

/**
 * What such a video costs by its provider's list, for those that do not tell what one has cost.
 *
 * @param {Task} task
 * @returns {number | null} in USD; null where that is not known
 */
function listPrice(task) {
  const own = Object.entries(task.options).map(([name, value]) => [`provider.${name}`, value]);
  const images = { with_image: task.image !== null, with_end_image: task.end_image !== null };
  const { duration, sound } = task;
  return priceOf({ ...Object.fromEntries(own), ...images, duration, sound, count: 1 }, pricesOf(task.provider));
}

/**
 * @param {Task} task
 * @param {number} now in seconds since 1970, of the server
 * @param {string} provider as it calls itself
 * @returns {string} "kie.ai · 5s · sound · seed 3 · $0.55 · 2 min. ago"
 */
export function factsText(task, now, provider) {
  const parts = [
    provider,
    length(task.duration),
    task.sound ? t("panel.sound") : "",
    t("panel.seed", { seed: String(task.seed) }),
    costText(task),
    ago(Math.max(0, now - task.created)),
  ];
  // A line may break between them, and not inside.
  return parts.filter(Boolean).map((part) => part.replaceAll(" ", "\u00a0")).join(" · ");
}

/**
 * How long a video like this one has taken, from those that are here.
 *
 * @param {Task} task
 * @param {Iterable<Task>} others
 * @returns {number | null} the median of the last nine, in seconds
 */
export function expected(task, others) {
  const took = [];
  for (const each of others) {
    if (each.standing !== "stored" || each.submitted === null || each.finished === null) continue;
    if (each.provider !== task.provider || each.sandbox !== task.sandbox) continue;
    if (each.duration !== task.duration || each.sound !== task.sound) continue;
    took.push([each.finished, each.finished - each.submitted]);
  }
  if (took.length === 0) return null;
  const latest = took.sort((one, other) => (other[0] ?? 0) - (one[0] ?? 0)).slice(0, 9);
  const spans = latest.map((each) => each[1] ?? 0).sort((one, other) => one - other);
  return spans[Math.floor(spans.length / 2)] ?? null;
}

/**
 * How far a task is, if that can be told.
 *
 * @param {number} elapsed since the provider took it, in seconds
 * @param {number | null} usual
 * @returns {number | null} 0 to 0.95: it is not done before it is done
 */
export function fraction(elapsed, usual) {
  if (usual === null || usual <= 0) return null;
  const share = Math.max(0, elapsed / usual);
  // Past nine tenths it slows down, so that the bar never stands still.
  return share < 0.9 ? share : 0.95 - 0.05 * Math.exp(-(share - 0.9) * 3);
}

/**
 * The videos that were paid for before this start of ComfyUI, and are not here yet.
 *
 * @param {Iterable<Task>} tasks
 * @param {number | null} started when ComfyUI started, in seconds since 1970
 */
export function waiting(tasks, started) {
  if (started === null) return [];
  return [...tasks].filter((task) => isPaidFor(task) && task.created < started);
}

/** @param {string | null} image @returns {image is string} */
export function isAddress(image) {
  return image !== null && /^https?:\/\//i.test(image);
}
