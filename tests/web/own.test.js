// What was typed for a provider is there again when it is chosen again.

import assert from "node:assert/strict";
import { test } from "node:test";

import { keepOwn, othersOf, replace } from "../../web/kling26/node/own.js";

const text = ["STRING", { default: "" }];
const OPTIONS = [
  { key: "auto", inputs: {} },
  { key: "cometapi", inputs: { optional: { negative_prompt: text, cfg_scale: text } } },
  { key: "runcomfy", inputs: { optional: { negative_prompt: ["STRING", { default: "blur" }] } } },
];
const definition = {
  input: { required: {}, optional: { provider: ["COMFY_DYNAMICCOMBO_V3", { options: OPTIONS }] } },
};

/** A node whose choice makes widgets, as ComfyUI's does; `stale` is what a new widget has. */
function newNode(stale) {
  class Node {
    widgets = [{ name: "provider", value: "auto" }];
    addCustomWidget(widget) {
      this.widgets.push(widget);
      return widget;
    }
    choose(provider) {
      this.widgets = [{ name: "provider", value: provider }];
      const { inputs } = OPTIONS.find((each) => each.key === provider);
      for (const [name, [, facts]] of Object.entries(inputs.optional ?? {})) {
        this.addCustomWidget({ name: `provider.${name}`, value: stale ?? facts.default });
      }
    }
    widget(name) {
      return this.widgets.find((each) => each.name === `provider.${name}`);
    }
  }
  keepOwn(Node, definition);
  return new Node();
}

test("what was typed comes back with its provider, and goes to no other", () => {
  const node = newNode();
  node.choose("cometapi");
  node.widget("negative_prompt").value = "rain";
  node.choose("runcomfy");
  assert.equal(node.widget("negative_prompt").value, "blur");
  node.choose("auto");
  node.choose("cometapi");

  assert.equal(node.widget("negative_prompt").value, "rain");
  assert.equal(node.widget("cfg_scale").value, "");
});

test("the box of a widget that is gone leaves the page", () => {
  const node = newNode();
  const left = [];
  node.choose("cometapi");
  node.widget("negative_prompt").onRemove = () => left.push("negative_prompt");
  node.choose("runcomfy");

  assert.deepEqual(left, ["negative_prompt"]);
});

test("an emptied box stays empty, where a new one is not", () => {
  const node = newNode();
  node.choose("runcomfy");
  node.widget("negative_prompt").value = "";
  node.choose("auto");
  node.choose("runcomfy");

  assert.equal(node.widget("negative_prompt").value, "");
});

test("saved are the values of the others, and only what is not as on a new node", () => {
  const node = newNode();
  node.choose("cometapi");
  node.widget("negative_prompt").value = "rain";
  assert.deepEqual(othersOf(node, definition), {});
  node.choose("runcomfy");
  node.choose("auto");

  assert.deepEqual(othersOf(node, definition), {
    cometapi: [["provider.negative_prompt", "rain"]],
  });
});

test("a file that is opened has its own values, and nothing of what was there before", () => {
  const node = newNode();
  node.choose("cometapi");
  node.widget("negative_prompt").value = "rain";
  node.choose("auto");
  replace(node, { runcomfy: [["provider.negative_prompt", "fog"]] });
  node.choose("cometapi");
  assert.equal(node.widget("negative_prompt").value, "");
  node.choose("runcomfy");

  assert.equal(node.widget("negative_prompt").value, "fog");
});

test("a new widget begins with its default, whatever ComfyUI has left in it", () => {
  const node = newNode("of another node");
  node.choose("cometapi");

  assert.equal(node.widget("negative_prompt").value, "");
});
