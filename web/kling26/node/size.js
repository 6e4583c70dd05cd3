// The node's height: at least that of its widgets. Nodes 2.0 sees to it by itself.

import { redraw } from "./graph.js";

/**
 * Make a node high enough for its widgets.
 *
 * ComfyUI would do so while it draws, when the border is drawn already.
 *
 * @param {any} node
 */
export function fit(node) {
  if (window.LiteGraph?.vueNodesMode) return;
  const least = node.computeSize()[1];
  if (node.size[1] < least) node.setSize([node.size[0], least]);
}

/**
 * Draw a node again once its size has changed: a change amid drawing shows in the next one only.
 *
 * @param {any} node
 */
export function redrawResized(node) {
  const { onResize } = node;
  node.onResize = function (/** @type {any[]} */ ...values) {
    requestAnimationFrame(redraw);
    return onResize?.apply(this, values);
  };
}
