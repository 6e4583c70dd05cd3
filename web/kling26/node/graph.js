// Where nodes are: in the graph, and in its subgraphs.

import { app } from "../comfyui.js";

export const NODE = "Kling26Video";

/** @returns {any} the whole graph, whichever part of it is shown */
export function rootGraph() {
  return app.rootGraph ?? app.graph;
}

/**
 * The node with this id of an execution, and the nodes around it, the outermost first.
 *
 * @param {string} id "3", or "5:3" for the node 3 in the subgraph of the node 5
 * @returns {any[]} empty if there is no such node here
 */
export function nodesAt(id) {
  const found = [];
  let graph = rootGraph();
  for (const part of id.split(":")) {
    const node = graph?.getNodeById(part) ?? graph?.getNodeById(Number(part));
    if (!node) return [];
    found.push(node);
    graph = node.subgraph;
  }
  return found;
}

/**
 * Our nodes in a graph and in its subgraphs, each as often as it would be run.
 *
 * @param {any} graph
 * @param {number} [depth]
 * @returns {any[]}
 */
export function ourNodes(graph, depth = 0) {
  if (depth > 20) return []; // Deeper than anybody goes.
  return (graph?.nodes ?? []).flatMap((/** @type {any} */ node) => {
    if (node.comfyClass === NODE) return [node];
    return node.subgraph ? ourNodes(node.subgraph, depth + 1) : [];
  });
}

/** @param {any} node whether it is muted or bypassed, so that it costs nothing */
export function isIdle(node) {
  return node.mode === 2 || node.mode === 4;
}

/** Draw everything again. */
export function redraw() {
  app.canvas?.setDirty?.(true, true);
}
