// What can be done with a task, by how it stands.

import { openPage } from "../places.js";
import { providerNamed, titleOf } from "../providers.js";
import { actions as remedies } from "../remedies.js";
import { post } from "../server.js";
import { t } from "../words.js";
import { loadAsVideo, useInGraph, videoAddress } from "./graph.js";
import { isUnknown } from "./model.js";
import { changed, gone } from "./store.js";

/**
 * @typedef {import("./model.js").Task} Task
 * @typedef {{
 *   name: string,
 *   label: string,
 *   run?: () => unknown,
 *   href?: string,
 *   ask?: { text: string, yes?: string },
 *   box?: { label: string, yes: string, send: (typed: string) => unknown },
 * }} Action `href`: a link to download; `ask`: what to ask before, or, without a `yes`, why it cannot be; `box`: what is to be typed
 */

/**
 * @param {Task} task
 * @param {() => void} play shows the video in its place, or the picture again
 * @returns {Action[]} "play" is always the first of a stored one
 */
export function actionsOf(task, play) {
  if (isUnknown(task)) return unknownActions(task);
  switch (task.standing) {
    case "stored":
      return [
        { name: "play", label: t("panel.do.play"), run: play },
        { name: "download", label: t("panel.do.download"), href: videoAddress(task) },
        use(task),
        { name: "load", label: t("panel.do.load"), run: () => loadAsVideo(task) },
        another(task),
        forget(task, t("panel.ask.forget_video")),
      ];
    case "over":
      return [...helps(task), use(task), forget(task, t("panel.ask.forget"))];
    case "made":
      return [resume(task), use(task)];
    case "at_provider":
      return [resume(task), cancel(task), use(task)];
    case "unsent":
      return [resume(task, "panel.do.send"), cancel(task), use(task)];
    default:
      return [resume(task, "panel.do.find_out"), cancel(task), use(task)];
  }
}

/**
 * An answer was lost: whether there is a video, the user can see and the program cannot.
 *
 * @param {Task} task
 * @returns {Action[]}
 */
function unknownActions(task) {
  const provider = titleOf(task.provider);
  const page = task.remedy?.page ?? providerNamed(task.provider)?.tasks_page;
  const adopt = {
    label: t("panel.unknown.id", { provider }),
    yes: t("panel.unknown.use_id"),
    send: (/** @type {string} */ typed) => perform(task, "adopt", { task_id: typed }),
  };
  return [
    ...(page
      ? [{ name: "page", label: t("panel.unknown.page", { provider }), run: () => openPage(page) }]
      : []),
    { name: "adopt", label: t("panel.unknown.found"), box: adopt },
    {
      name: "resubmit",
      label: t("panel.unknown.resubmit"),
      ask: { text: t("panel.ask.resubmit", { provider }), yes: t("panel.ask.resubmit_yes") },
      run: () => perform(task, "resubmit"),
    },
    {
      ...forget(task, t("panel.ask.forget_unknown", { provider })),
      label: t("panel.unknown.forget"),
    },
  ];
}

/**
 * @param {Task} task
 * @returns {Action[]} the remedy's, named as such
 */
function helps(task) {
  return remedies(task.remedy, task).map((each, index) => ({ name: `remedy-${index}`, ...each }));
}

/** @param {Task} task @param {string} [label] */
function resume(task, label = "panel.do.resume") {
  return { name: "resume", label: t(label), run: () => perform(task, "resume") };
}

/** @param {Task} task */
function cancel(task) {
  const provider = titleOf(task.provider);
  const can = providerNamed(task.provider)?.can.cancel;
  const text =
    task.standing === "unsent" ? "unsent" : can === false ? "cannot" : can ? "can" : "may";
  return {
    name: "cancel",
    label: t("panel.do.cancel"),
    ask: {
      text: t(`panel.ask.cancel.${text}`, { provider }),
      yes: text === "cannot" ? undefined : t("panel.ask.cancel_yes"),
    },
    run: () => perform(task, "cancel"),
  };
}

/** @param {Task} task */
function use(task) {
  return { name: "use", label: t("panel.do.use"), run: () => useInGraph(task) };
}

/** @param {Task} task */
function another(task) {
  return {
    name: "another",
    label: t("panel.do.another"),
    run: () => useInGraph(task, { next: true }),
  };
}

/** @param {Task} task @param {string} text */
function forget(task, text) {
  return {
    name: "forget",
    label: t("panel.do.forget"),
    ask: { text, yes: t("panel.ask.forget_yes") },
    run: async () => {
      await post(path(task, "forget"));
      gone(task.task);
    },
  };
}

/**
 * @param {Task} task
 * @param {string} what
 * @param {unknown} [body]
 */
async function perform(task, what, body) {
  changed(await post(path(task, what), body));
}

/** @param {Task} task @param {string} what */
function path(task, what) {
  return `/kling26/tasks/${encodeURIComponent(task.task)}/${what}`;
}
