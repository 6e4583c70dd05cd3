// Messages go when they hold no more.

import { app } from "./comfyui.js";
import { isOpen } from "./panel/model.js";
import { tasks, whenTasksChange } from "./panel/store.js";
import { shownMessages } from "./toast.js";

/** @typedef {import("./panel/model.js").Task} Task */

/** Once, when the page has started. */
export function watchMessages() {
  whenTasksChange(() => {
    for (const { about, close } of shownMessages()) {
      if (!about.task) continue;
      const holds = holdsFor(tasks.get(about.task), about.remedy);
      // A message may come before the page knows of its task how it stands.
      if (about.held && !holds) close();
      about.held ||= holds;
    }
  });
}

/** Another workflow may be open: messages about the nodes of the one before go. */
export function workflowOpened() {
  // Which one it is, is known after its graph is there.
  setTimeout(() => {
    const now = workflow();
    for (const { about, close } of shownMessages()) {
      if (about.node !== undefined && about.workflow !== now) close();
    }
  }, 100);
}

/** @returns {string} the one that is open, by its path */
export function workflow() {
  return app.extensionManager?.workflow?.activeWorkflow?.path ?? "";
}

/**
 * Whether an error of a task still calls for something.
 *
 * @param {Task | undefined} task
 * @param {string | null | undefined} remedy what would help
 */
export function holdsFor(task, remedy) {
  if (!task || task.standing === "stored") return false;
  if (remedy === "adopt" || remedy === "resubmit") return task.standing === "unclear";
  return remedy === "resume" ? isOpen(task) : true;
}

/**
 * ComfyUI's newer pages say of each failed run that a node threw an error, in a message of their
 * own, which would be left when ours is closed; it goes if it is about this node alone.
 *
 * @param {string} node the id of an execution
 */
export function dismissOwnError(node) {
  // Its store is not given to extensions; older front ends have none.
  const errors = app.extensionManager?._p?._s?.get("executionError");
  if (errors?.totalErrorCount !== 1) return;
  if (String(errors.lastExecutionError?.node_id) === node) errors.dismissErrorOverlay?.();
}
