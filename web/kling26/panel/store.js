// The tasks as the page knows them, and when it asks for them again.

import { api } from "../comfyui.js";
import { get } from "../server.js";
import { isOpen } from "./model.js";

/**
 * @typedef {import("./model.js").Task} Task
 * @typedef {{ usd: number, units: Record<string, number> }} Total
 * @typedef {Record<string, number | null>} Budget
 * @typedef {{ tasks: number, open: number, today: Total, month: Total }} Totals
 * @typedef {{ fraction: number | null, text: string }} Progress
 */

/** How many of them the page holds at first, and at most: the server tells no more. */
const FIRST = 1000, MOST = 10_000;
// Seconds between two questions: while something is being made and seen, and otherwise.
const SEEN = 2, UNSEEN = 15, QUIET = 30;
// And at least so many times as long as the server took for its last answer.
const REST = 10;

/** @type {Map<string, Task>} */
export const tasks = new Map();
/** @type {Map<string, Progress>} What the run of a task has told this page of it. */
export const progress = new Map();
/** @type {{ totals: Totals | null, budget: Budget | null, started: number | null, error: string }} */
export const known = { totals: null, budget: null, started: null, error: "" };

/** @type {Set<() => void>} */
const listeners = new Set();
let watched = false;
let limit = FIRST;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
/** @type {Promise<void> | null} */
let asking = null;
let again = false;
/** How long the last answer took, in seconds. */
let took = 0;
/** When everything was asked for last, on this machine's clock, in milliseconds. */
let complete = 0;

/**
 * @param {() => void} listener called whenever something has changed
 * @returns {() => void} stops that
 */
export function whenTasksChange(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function tell() {
  for (const listener of listeners) listener();
}

/** Once, when this module is loaded: ComfyUI's page complains of what nobody listens to. */
export function listenToTasks() {
  api.addEventListener("kling26.task", (/** @type {any} */ event) => {
    if (event.detail) changed(event.detail);
    complete = 0; // The sums have changed, too.
    refreshSoon(1);
  });
  api.addEventListener("kling26.run", (/** @type {any} */ event) => {
    const { tasks: names = [], fraction = null, text = "", state } = event.detail ?? {};
    for (const name of names) {
      if (state === "running" && names.length === 1) progress.set(name, { fraction, text });
      else progress.delete(name);
    }
    if (names.length) tell();
  });
}

/** Begin: what is known now, and whatever changes. */
export function startTasks() {
  api.addEventListener("reconnected", refreshNow);
  document.addEventListener("visibilitychange", () => document.hidden || refreshNow());
  return refresh();
}

/** @param {boolean} seen whether the panel is open */
export function watchTasks(seen) {
  watched = seen;
  if (seen) refreshNow();
}

/** @returns {boolean} whether the page can hold more of them */
export function canShowOlder() {
  return limit < MOST;
}

/** Hold more of them. */
export function showOlder() {
  limit = Math.min(MOST, limit * 2);
  return refresh();
}

/** @param {Task | null} task an object that a route or the socket gave */
export function changed(task) {
  if (!task?.task) return;
  tasks.set(task.task, task);
  tell();
}

/** @param {string} name of a task that is no more */
export function gone(name) {
  tasks.delete(name);
  tell();
  refreshNow();
}

/**
 * Ask for everything again; several at once are one.
 *
 * @returns {Promise<void>} never rejects: `known.error` says what was wrong
 */
export function refresh() {
  complete = 0;
  return update();
}

async function update() {
  if (asking) again = true;
  asking ??= ask(Date.now() - complete > QUIET * 1000).finally(() => {
    asking = null;
    if (again) complete = 0;
    const soon = again;
    again = false;
    if (soon) refreshSoon(0.1);
    else plan();
  });
  await asking;
}

/** @param {boolean} everything or only what is open, which costs the server little */
async function ask(everything) {
  const begun = Date.now();
  try {
    const answer = await get(`/kling26/tasks?limit=${limit}${everything ? "" : "&open=1"}`);
    const names = new Set(answer.tasks.map((/** @type {Task} */ task) => task.task));
    for (const [name, task] of tasks) {
      if (names.has(name)) continue;
      if (everything) tasks.delete(name);
      else if (isOpen(task)) again = true; // It has ended: how, only everything says.
    }
    // One has come and gone meanwhile, or was forgotten.
    if (!everything && answer.totals.tasks !== known.totals?.tasks) again = true;
    for (const task of answer.tasks) tasks.set(task.task, task);
    Object.assign(known, { totals: answer.totals, budget: answer.budget, error: "" });
    known.started = answer.started ?? known.started;
    if (everything) complete = Date.now();
    took = (Date.now() - begun) / 1000;
  } catch (/** @type {any} */ error) {
    known.error = error.message;
  }
  tell();
}

function refreshNow() {
  complete = 0;
  refreshSoon(0.1);
}

function plan() {
  const open = [...tasks.values()].some(isOpen);
  if (watched) refreshSoon(Math.max(open ? SEEN : QUIET, REST * took));
  else if (open) refreshSoon(UNSEEN);
}

/** @param {number} seconds */
function refreshSoon(seconds) {
  clearTimeout(timer);
  // A page in the background asks for nothing; it does when it is looked at again.
  timer = setTimeout(() => (document.hidden ? undefined : update()), seconds * 1000);
}
