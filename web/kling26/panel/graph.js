// From a task back into the graph.

import { api, app } from "../comfyui.js";
import { providerNamed } from "../providers.js";
import { address } from "../server.js";
import { toast } from "../toast.js";
import { t } from "../words.js";
import { isAddress } from "./model.js";

/** @typedef {import("./model.js").Task} Task */

const NODE = "Kling26Video";

/**
 * Add a node with exactly the inputs of a task: as long as they stay so, it costs nothing.
 *
 * @param {Task} task
 * @param {{ next?: boolean }} [how] `next`: with the next seed, which is another video
 * @returns {any} the node; null if there is none to be had, which is said
 */
export function useInGraph(task, { next = false } = {}) {
  // JSON numbers of JavaScript are exact up to here: another seed would be paid for.
  if (!Number.isSafeInteger(task.seed + 1)) return refuse(t("panel.graph.seed"));
  if (!providerNamed(task.provider)) {
    return refuse(t("panel.graph.no_provider", { provider: task.provider }));
  }
  const node = add(NODE);
  if (!node) return null;
  const values = {
    // First, because the choice makes the provider's own widgets.
    provider: task.provider,
    prompt: task.prompt,
    image_url: isAddress(task.image) ? task.image : "",
    sound: task.sound,
    duration: task.duration,
    aspect_ratio: task.aspect_ratio,
    seed: next ? task.seed + 1 : task.seed,
    sandbox: task.sandbox,
  };
  for (const [name, value] of Object.entries(values)) setWidget(node, name, value);
  for (const [name, value] of Object.entries(task.options ?? {})) {
    setWidget(node, `provider.${name}`, value);
  }
  show(node);
  const missing = missingImages(task);
  if (missing) toast({ text: missing, kind: "warning" });
  return node;
}

/**
 * @param {Task} task
 * @returns {string} which images have to be connected by hand; empty if none
 */
function missingImages(task) {
  const start = task.image !== null && !isAddress(task.image);
  const end = task.end_image !== null;
  if (start && end) return t("panel.graph.both_images");
  if (start) return t("panel.graph.image");
  return end ? t("panel.graph.end_image") : "";
}

/**
 * Add a node that loads a task's video: ComfyUI's own, which knows the files of its input folder
 * and nothing else. A copy there stays when the task is forgotten, and works without this node.
 *
 * @param {Task} task
 */
export async function loadAsVideo(task) {
  const file = `${task.task}.mp4`;
  try {
    const path = `/kling26/tasks/${encodeURIComponent(task.task)}/video`;
    const video = await api.fetchApi(path);
    if (!video.ok) throw new Error((await video.json()).error);
    const body = new FormData();
    body.append("image", new File([await video.blob()], file, { type: "video/mp4" }));
    body.append("overwrite", "true");
    const kept = await api.fetchApi("/upload/image", { method: "POST", body });
    if (!kept.ok) throw new Error(t("panel.graph.upload"));
    const node = add("LoadVideo");
    if (!node) return;
    const { name, subfolder } = await kept.json();
    setWidget(node, "file", subfolder ? `${subfolder}/${name}` : name, { listed: false });
    show(node);
  } catch (/** @type {any} */ error) {
    refuse(error.message || t("panel.no_answer"));
  }
}

/** @param {Task} task */
export function videoAddress(task) {
  return address(`/kling26/tasks/${encodeURIComponent(task.task)}/video`);
}

/** @param {string} text */
function refuse(text) {
  toast({ text, kind: "error" });
  return null;
}

/** @param {string} type @returns {any} */
function add(type) {
  const node = window.LiteGraph.createNode(type);
  if (!node) return refuse(t("panel.graph.no_node"));
  const graph = app.canvas.graph ?? app.graph; // The subgraph that is open, if one is.
  node.pos = freePlace(graph, node.size);
  graph.add(node);
  return node;
}

/**
 * A place in the middle of what is seen, and right of the nodes that are there.
 *
 * @param {any} graph
 * @param {[number, number]} size
 */
function freePlace(graph, [wide, high]) {
  const [left, top, across, down] = app.canvas.ds.visible_area ?? [0, 0, 1200, 800];
  let x = left + (across - wide) / 2;
  const y = top + Math.max(60, (down - high) / 2);
  const boxes = (graph.nodes ?? []).map((/** @type {any} */ node) => [...node.pos, ...node.size]);
  for (let tries = 0; tries < 50; tries++) {
    const hit = boxes.find(
      (/** @type {number[]} */ [bx = 0, by = 0, bw = 0, bh = 0]) =>
        x < bx + bw + 20 && x + wide + 20 > bx && y < by + bh + 40 && y + high + 40 > by,
    );
    if (!hit) break;
    x = hit[0] + hit[2] + 40;
  }
  return [x, y];
}

/** @param {any} node */
function show(node) {
  node.setSize?.(node.computeSize?.().map((/** @type {number} */ each, /** @type {number} */ index) =>
    Math.max(each, node.size[index]),
  ));
  app.canvas.selectNode?.(node);
  app.canvas.centerOnNode?.(node);
  app.canvas.setDirty(true, true);
}

/**
 * @param {any} node
 * @param {string} name
 * @param {unknown} value
 * @param {{ listed?: boolean }} [how] `listed: false`: a choice that the page has not heard of yet
 */
function setWidget(node, name, value, { listed = true } = {}) {
  const widget = node.widgets?.find((/** @type {any} */ each) => each.name === name);
  if (!widget) return;
  const fitting = asWidgetValue(widget, value);
  const choices = widget.options?.values;
  if (!listed && Array.isArray(choices) && !choices.includes(fitting)) choices.push(fitting);
  widget.value = fitting;
  widget.callback?.(fitting);
}

/**
 * A value as a widget has it: what may be empty is text there, also a number.
 *
 * @param {{ value: unknown, options?: { values?: unknown } }} widget
 * @param {unknown} value
 * @returns {unknown}
 */
export function asWidgetValue(widget, value) {
  const text =
    value === null || value === undefined
      ? ""
      : typeof value === "object"
        ? JSON.stringify(value)
        : String(value);
  const choices = widget.options?.values;
  if (Array.isArray(choices)) return choices.find((each) => String(each) === text) ?? value ?? "";
  return typeof widget.value === "string" ? text : value;
}
