// What the page adds to the node itself.

import { app } from "../comfyui.js";
import { whenProvidersChange } from "../providers.js";
import { addBadge } from "./badge.js";
import { keepBoxesLabelled, labelBoxes } from "./labels.js";

export const NODE = "Kling26Video";

/** Once, when the page has started. */
export function startNodes() {
  whenProvidersChange(() => {
    for (const node of app.graph?.nodes ?? []) if (node.comfyClass === NODE) labelBoxes(node);
    app.graph?.setDirtyCanvas?.(true, true);
  });
}

/** @param {any} node each new one, of any kind */
export function nodeCreated(node) {
  if (node.comfyClass !== NODE) return;
  addBadge(node);
  keepBoxesLabelled(node);
  // Another seed is another payment. Front ends that know no other default start with
  // "randomize"; a saved workflow sets its own value after this.
  const control = node.widgets?.find(
    (/** @type {any} */ each) => each.name === "control_after_generate",
  );
  if (control) control.value = "fixed";
}
