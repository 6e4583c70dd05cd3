// What the server tells of runs, to the node and around it: the text, the bar, and our message.

import { api, app } from "../comfyui.js";
import { dismissOwnError, workflow } from "../messages.js";
import { actions } from "../remedies.js";
import { toast } from "../toast.js";
import { t } from "../words.js";
import { nodesAt } from "./graph.js";
import { say } from "./status.js";

/**
 * @typedef {{
 *   node: string,
 *   text: string,
 *   fraction: number | null,
 *   state: "running" | "done" | "failed" | "stopped",
 *   error: string | null,
 *   remedy: (import("../server.js").Remedy & { task?: string | null }) | null,
 *   provider: string | null,
 *   tasks: string[],
 * }} Run
 */

/** What was told last of each node that runs inside of another, by the outer one. */
/** @type {WeakMap<object, Map<string, Run>>} */
const inside = new WeakMap();
/** @type {Map<string, () => void>} */
const messages = new Map();

/**
 * Once, when this module is loaded: the server tells of a run as soon as its page is there again.
 *
 * @param {Promise<void>} started when there are words and nodes
 */
export function listenToRuns(started) {
  api.addEventListener("kling26.run", (/** @type {CustomEvent<Run>} */ event) => {
    started.then(() => show(event.detail));
  });
}

/** @param {Run} run */
export function show(run) {
  const nodes = nodesAt(run.node);
  const buttons = remedies(run);
  nodes.forEach((node, depth) => {
    const own = depth === nodes.length - 1;
    const { text, state, fraction } = own ? run : together(node, run);
    say(node, { text, state, fraction, actions: buttons });
  });
  messages.get(run.node)?.();
  messages.delete(run.node);
  if (run.error) messages.set(run.node, complain(run, buttons));
}

/** @param {Run} run */
function remedies(run) {
  return actions(run.remedy, { provider: run.provider, task: run.remedy?.task ?? null });
}

/**
 * @param {Run} run
 * @param {import("../toast.js").Action[]} buttons
 */
function complain(run, buttons) {
  const stopped = stopInstant() ? `\n${t("node.instant_off")}` : "";
  const text = `${run.error}${stopped}`;
  const task = run.remedy?.task ?? (run.tasks?.length === 1 ? run.tasks[0] : null);
  // Its key is its text: one message for nodes that fail for the same reason.
  return toast({
    text,
    kind: "error",
    actions: buttons,
    about: { node: run.node, workflow: workflow(), task, remedy: run.remedy?.do },
    closed: () => dismissOwnError(run.node),
  });
}

/**
 * Run (Instant) would ask again and again for what has just failed.
 *
 * @returns {boolean} whether it was on
 */
function stopInstant() {
  const settings = app.extensionManager?.queueSettings;
  if (!String(settings?.mode).startsWith("instant")) return false;
  settings.mode = "disabled";
  return true;
}

/**
 * @param {object} node with other nodes inside
 * @param {Run} run of one of them
 * @returns {Pick<Run, "text" | "state" | "fraction">} of all of them
 */
function together(node, run) {
  const runs = inside.get(node) ?? new Map();
  inside.set(node, runs);
  // Those that have ended are of an earlier prompt, unless this one ends with them.
  if (run.state === "running" && [...runs.values()].every((each) => each.state !== "running")) {
    runs.clear();
  }
  runs.set(run.node, run);
  return merge([...runs.values()]);
}

/**
 * @param {Run[]} runs at least one
 * @returns {Pick<Run, "text" | "state" | "fraction">}
 */
export function merge(runs) {
  const order = /** @type {const} */ (["running", "failed", "stopped", "done"]);
  return {
    text: runs.map((run) => run.text).join("\n"),
    state: order.find((state) => runs.some((run) => run.state === state)) ?? "done",
    fraction: runs.reduce((all, run) => all + (run.fraction ?? 0), 0) / runs.length,
  };
}
