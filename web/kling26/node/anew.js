// A new node begins as a new node.
//
// ComfyUI keeps values and previews by the number of their node, also after the node is gone. A
// node that gets the number of an earlier one would begin with that one's values, and pay for them.

import { app } from "../comfyui.js";
import { NODE } from "./graph.js";

/**
 * Let our nodes have after they are put into a graph what they had before.
 *
 * A node of a file, or a copy, gets its own values after that.
 *
 * @param {any} graphType the class of the graph
 */
export function beginAnew(graphType) {
  const { add } = graphType.prototype;
  graphType.prototype.add = function (/** @type {any} */ node, /** @type {any[]} */ ...more) {
    if (node?.comfyClass !== NODE) return add.call(this, node, ...more);
    const values = (node.widgets ?? []).map((/** @type {any} */ each) => [each.name, each.value]);
    const result = add.call(this, node, ...more);
    for (const [name, value] of values) {
      const widget = node.widgets.find((/** @type {any} */ each) => each.name === name);
      if (widget && widget.value !== value) widget.value = value;
    }
    if (!app.configuringGraph) forgetPreviews(this, node);
    return result;
  };
}

/**
 * @param {any} graph
 * @param {any} node
 */
function forgetPreviews(graph, node) {
  const place = graph.isRootGraph === false ? `${graph.id}:${node.id}` : String(node.id);
  delete app.nodeOutputs?.[place];
  delete app.nodePreviewImages?.[place];
}
