// What one click costs.

import assert from "node:assert/strict";
import { test } from "node:test";

import { app } from "./comfyui/app.js";
import { badgeText, priceOf, sum, valuesOf } from "../../web/kling26/node/badge.js";

const PRICES = [
  { when: { duration: 5, sound: false }, usd: 0.275 },
  { when: { duration: 10, sound: false }, usd: 0.55 },
];
const CHOSEN = { duration: 5, sound: false, count: 1, sandbox: false };

test("the price is that of what is chosen, for each video", () => {
  assert.equal(priceOf(CHOSEN, PRICES), 0.275);
  assert.equal(priceOf({ ...CHOSEN, duration: 10, count: 4 }, PRICES), 2.2);
});

test("a price that is not in the list is not known, nor that of an unknown count", () => {
  assert.equal(priceOf({ ...CHOSEN, sound: true }, PRICES), null);
  assert.equal(priceOf({ ...CHOSEN, count: undefined }, PRICES), null);
});

test("a rehearsal costs nothing", () => {
  assert.equal(priceOf({ ...CHOSEN, sandbox: true, count: 8 }, PRICES), 0);
});

test("there is one sum for all nodes and all runs", () => {
  assert.equal(sum([0.275, 1.1], 1), "$1.375");
  assert.equal(sum([0.275, 0], 20), "$5.50");
});

test("a sum with an unknown price in it is not known", () => {
  assert.equal(sum([0.275, null], 1), "");
  assert.equal(sum([], 1), "");
});

test("rehearsals alone are free", () => {
  assert.equal(sum([0, 0], 5), "node.free"); // The key: no texts are loaded here.
});

const WIDGETS = Object.entries({ ...CHOSEN, provider: "kie", image_url: "" }).map(
  ([name, value]) => ({ name, value }),
);

test("what arrives by a link is not known before the run", () => {
  const node = {
    widgets: WIDGETS,
    inputs: [
      { name: "duration", link: 3, widget: { name: "duration" } },
      { name: "image", link: 4 },
      { name: "end_image", link: null },
    ],
  };
  const values = valuesOf(node);

  assert.equal("duration" in values, false);
  assert.equal(values.with_image, true);
  assert.equal(values.with_end_image, false);
});

test("the nodes in a subgraph are summed, but those that do not run", () => {
  const free = WIDGETS.map((each) => (each.name === "sandbox" ? { ...each, value: true } : each));
  const ours = { comfyClass: "Kling26Video", widgets: free, mode: 0 };
  const muted = { ...ours, widgets: WIDGETS, mode: 2 };
  const outer = { subgraph: { nodes: [ours, muted, { subgraph: { nodes: [ours] } }] } };
  app.extensionManager.queueSettings = { batchCount: 3 };

  assert.equal(badgeText(outer), "node.free");
  assert.equal(badgeText({ subgraph: { nodes: [{ comfyClass: "SaveVideo" }] } }), "");
});
