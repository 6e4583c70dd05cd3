// What the page adds to the node itself, and to a node that has it inside.

import { app } from "../comfyui.js";
import { whenProvidersChange } from "../providers.js";
import { notifyAround } from "./absent.js";
import { beginAnew } from "./anew.js";
import { addBadge } from "./badge.js";
import { NODE, ourNodes, redraw, rootGraph } from "./graph.js";
import { keepValues, tellOfAbsent, watchChoice } from "./keeping.js";
import { keepBoxesLabelled, labelBoxes } from "./labels.js";
import { fit, redrawResized } from "./size.js";
import { addStatus } from "./status.js";
import { showAllVideos } from "./videos.js";

/** Once, when the page has started. */
export function startNodes() {
  beginAnew(window.LiteGraph.LGraph);
  whenProvidersChange(() => {
    for (const node of ourNodes(rootGraph())) {
      labelBoxes(node);
      tellOfAbsent(node);
    }
    redraw();
  });
  app.extensionManager?.queueSettings?.$subscribe?.(redraw); // The badge counts what is queued.
}

/**
 * Before the first node of each kind is there.
 *
 * @param {any} nodeType
 * @param {any} definition what ComfyUI's server tells of it
 */
export function beforeRegisterNodeDef(nodeType, definition) {
  if (definition.name !== NODE) return;
  keepValues(nodeType, definition);
}

/** @param {any} node each new one, of any kind */
export function nodeCreated(node) {
  if (node.subgraph) {
    addBadge(node); // It may get one of ours later.
    notifyAround();
  }
  if (node.comfyClass !== NODE) return;
  addStatus(node);
  addBadge(node);
  keepBoxesLabelled(node);
  watchChoice(node);
  showAllVideos(node);
  // Another seed is another payment. Front ends that know no other default start with
  // "randomize"; a saved workflow sets its own value after this.
  const control = node.widgets?.find(
    (/** @type {any} */ each) => each.name === "control_after_generate",
  );
  if (control) control.value = "fixed";
  redrawResized(node);
  fit(node);
}
