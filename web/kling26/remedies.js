// What helps, as buttons.

import { openKeys, openPage, openPanel } from "./places.js";
import { providerNamed, titleOf } from "./providers.js";
import { post } from "./server.js";
import { toast } from "./toast.js";
import { t } from "./words.js";

/** @typedef {{ provider?: string | null, task?: string | null }} About */

/**
 * The buttons for what helps: none where the words say it all (wait, change an input).
 *
 * @param {import("./server.js").Remedy | null | undefined} remedy
 * @param {About} about whose remedy it is
 * @returns {import("./toast.js").Action[]}
 */
export function actions(remedy, about) {
  const provider = titleOf(about.provider);
  const task = about.task ?? undefined;
  switch (remedy?.do) {
    case "set_key":
      return [{ label: t("remedy.set_key"), run: () => openKeys(about.provider) }];
    case "top_up": {
      const page = remedy.page ?? providerNamed(about.provider)?.key_page;
      return page ? [{ label: t("remedy.top_up", { provider }), run: () => openPage(page) }] : [];
    }
    case "resume":
      return task ? [{ label: t("remedy.resume"), run: () => act(task, "resume") }] : [];
    case "adopt":
    case "resubmit":
      return task ? [{ label: t("remedy.unknown"), run: () => openPanel({ task }) }] : [];
    case "change": {
      const limit = remedy.option?.startsWith("max_") ? remedy.option : null;
      return limit
        ? [{ label: t("remedy.budget"), run: () => openPanel({ budget: limit }) }]
        : [];
    }
    default:
      return [];
  }
}

/**
 * Do something with a task; what goes wrong is said in a message of its own.
 *
 * @param {string} task
 * @param {string} what "resume", "cancel" …
 * @param {unknown} [body]
 * @returns {Promise<any>} the task's object; null after an error
 */
export async function act(task, what, body = {}) {
  try {
    return await post(`/kling26/tasks/${encodeURIComponent(task)}/${what}`, body);
  } catch (error) {
    complain(error, { task });
    return null;
  }
}

/**
 * Show an error with what helps.
 *
 * @param {any} error
 * @param {About} about
 */
export function complain(error, about) {
  toast({
    text: error.message,
    kind: "error",
    actions: actions(error.remedy, about),
    about: { task: about.task, remedy: error.remedy?.do },
  });
}
