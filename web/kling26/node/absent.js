// What is not there, said on the node that needs it, and on every node that has that one inside.

import { ourNodes, rootGraph } from "./graph.js";
import { hasStatus, say } from "./status.js";

/** What is said of each of our nodes. */
/** @type {WeakMap<object, string>} */
const notices = new WeakMap();
let planned = false;

/**
 * Say on a node what is not there.
 *
 * @param {any} node ours
 * @param {string} notice empty when all is there
 */
export function notify(node, notice) {
  notices.set(node, notice);
  say(node, { notice });
  notifyAround();
}

/** Say it on the nodes around, once all nodes are there: those inside come first. */
export function notifyAround() {
  if (planned) return;
  planned = true;
  setTimeout(() => {
    planned = false;
    around(rootGraph());
  });
}

/**
 * @param {any} graph
 * @param {number} [depth]
 */
function around(graph, depth = 0) {
  for (const node of graph?.nodes ?? []) {
    if (!node.subgraph || depth > 20) continue;
    const notice = together(node.subgraph);
    if (notice || hasStatus(node)) say(node, { notice });
    around(node.subgraph, depth + 1);
  }
}

/**
 * @param {any} graph
 * @param {{ get(node: object): string | undefined }} [said]
 * @returns {string} what is said of our nodes in it and in its subgraphs, equal sentences once
 */
export function together(graph, said = notices) {
  const sentences = ourNodes(graph).map((node) => said.get(node) ?? "");
  return [...new Set(sentences.filter(Boolean))].join("\n");
}
