// A node that gets the number of an earlier one begins as a new node.

import assert from "node:assert/strict";
import { test } from "node:test";

import { beginAnew } from "../../web/kling26/node/anew.js";
import { app } from "./comfyui/app.js";

/** A graph that gives every node with a number what the node before it had, as ComfyUI's may. */
function newGraph(left) {
  class Graph {
    isRootGraph = true;
    add(node) {
      node.id = 1;
      for (const widget of node.widgets) widget.value = left;
      return node;
    }
  }
  beginAnew(Graph);
  return new Graph();
}

const newNode = (comfyClass) => ({ comfyClass, widgets: [{ name: "prompt", value: "new" }] });

test("our node keeps its own values, and loses the preview of the earlier one", () => {
  app.nodeOutputs = { 1: { images: [] }, 2: { images: [] } };
  const node = newNode("Kling26Video");

  assert.equal(newGraph("old").add(node), node);
  assert.equal(node.widgets[0].value, "new");
  assert.deepEqual(Object.keys(app.nodeOutputs), ["2"]);
});

test("a node of a workflow that is being opened keeps its preview", () => {
  app.nodeOutputs = { 1: { images: [] } };
  app.configuringGraph = true;
  newGraph("old").add(newNode("Kling26Video"));
  app.configuringGraph = false;

  assert.deepEqual(Object.keys(app.nodeOutputs), ["1"]);
});

test("a node of another kind is left alone", () => {
  const node = newNode("KSampler");
  newGraph("old").add(node);

  assert.equal(node.widgets[0].value, "old");
});
