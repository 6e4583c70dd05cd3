// Several runs that one node shows.

import assert from "node:assert/strict";
import { test } from "node:test";

import { app } from "./comfyui/app.js";
import { nodesAt, ourNodes } from "../../web/kling26/node/graph.js";
import { merge } from "../../web/kling26/node/runs.js";

test("the lines are one below the other, and the bar is at their mean", () => {
  const runs = [
    { text: "kie.ai · done", state: "done", fraction: 1 },
    { text: "CometAPI · generating", state: "running", fraction: 0.5 },
  ];

  assert.deepEqual(merge(runs), {
    text: "kie.ai · done\nCometAPI · generating",
    state: "running",
    fraction: 0.75,
  });
});

test("what has failed is told before what has been made", () => {
  const of = (...states) => merge(states.map((state) => ({ text: "", state, fraction: 1 }))).state;

  assert.equal(of("done", "failed", "stopped"), "failed");
  assert.equal(of("done", "stopped"), "stopped");
  assert.equal(of("done", "done"), "done");
});

const inner = { id: 3, comfyClass: "Kling26Video" };
const graph = (...nodes) => ({
  nodes,
  getNodeById: (id) => nodes.find((node) => String(node.id) === String(id)),
});

test("a node in a subgraph is found, with those around it", () => {
  const outer = { id: 5, subgraph: graph(inner) };
  app.rootGraph = graph(outer, { id: 7 });

  assert.deepEqual(nodesAt("5:3"), [outer, inner]);
  assert.deepEqual(nodesAt("7"), [{ id: 7 }]);
  assert.deepEqual(nodesAt("5:4"), []);
  assert.deepEqual(nodesAt("9"), []);
  assert.deepEqual(ourNodes(app.rootGraph), [inner]);
});
