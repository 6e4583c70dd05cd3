// The values of saved workflows: each at its widget, whatever version saved it.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { keep, mend, othersIn, slots } from "../../web/kling26/node/saved.js";

/** What ComfyUI's server tells of the node, as far as its values are concerned. */
function definition(...absent) {
  const text = ["STRING", { default: "" }];
  const own = {
    auto: {},
    kie: {},
    apikley: {},
    cometapi: {
      mode: ["COMBO", { options: ["std", "pro"], default: "std" }],
      negative_prompt: text,
      cfg_scale: text,
      camera_control: text,
    },
    runcomfy: { negative_prompt: ["STRING", { default: "blur" }] },
    fal: { negative_prompt: text, cfg_scale: text },
    kling: { resolution: [["720p", "1080p"], {}], watermark: ["BOOLEAN", { default: false }] },
  };
  const options = Object.entries(own)
    .filter(([key]) => !absent.includes(key))
    .map(([key, optional]) => ({ key, inputs: { required: {}, optional } }));
  return {
    name: "Kling26Video",
    input: {
      required: { prompt: text },
      optional: {
        image_url: text,
        sound: ["BOOLEAN", { default: false }],
        duration: ["COMBO", { options: [5, 10], default: 5 }],
        aspect_ratio: ["COMBO", { options: ["16:9", "9:16", "1:1"], default: "16:9" }],
        seed: ["INT", { default: 0, control_after_generate: "fixed" }],
        count: ["INT", { default: 1 }],
        sandbox: ["BOOLEAN", { default: false }],
        image: ["IMAGE", {}],
        end_image: ["IMAGE", {}],
        provider: ["COMFY_DYNAMICCOMBO_V3", { options }],
      },
    },
  };
}

const SHARED = ["Two lines\nand \"quotes\" 雪", "https://example.org/a.png", true, 10, "1:1", 123456789];
const OWN = {
  auto: [],
  kie: [],
  apikley: [],
  cometapi: ["pro", "rain", "0.7", '{"type": "simple"}'],
  runcomfy: ["fog"],
  fal: ["rain", "0.25"],
  kling: ["1080p", true],
};

const FOLDER = new URL("saved/", import.meta.url);

/** Our nodes in a file that the node of an earlier version has saved. */
function saved(file) {
  const workflow = JSON.parse(readFileSync(new URL(file, FOLDER), "utf-8"));
  const inside = (workflow.definitions?.subgraphs ?? []).flatMap((each) => each.nodes);
  return [...workflow.nodes, ...inside].filter((node) => node.type === "Kling26Video");
}

/** The widgets of a node, as a front end has them. */
function widgets(what, provider) {
  const own = slots(what, provider).map(({ name }) => ({ name }));
  return [...own, { name: "kling26", serialize: false }];
}

for (const file of readdirSync(FOLDER)) {
  test(`${file}: every value is where it was, and there is one video`, () => {
    for (const node of saved(file)) {
      const provider = node.widgets_values[8];
      const control = node.widgets_values[6];
      const kept = mend(node, definition());

      assert.deepEqual(kept, []);
      assert.deepEqual(node.widgets_values, [
        ...SHARED, control, 1, true, provider, ...OWN[provider],
      ]);
    }
  });
}

test("what this version saves, it opens as it was", () => {
  for (const [provider, own] of Object.entries(OWN)) {
    const values = ["A fox", "", false, 5, "16:9", 3, "randomize", 4, false, provider, ...own];
    const node = { widgets_values: [...values, null] };
    keep(node, widgets(definition(), provider), []);
    const kept = mend(node, definition());

    assert.deepEqual(kept, []);
    assert.deepEqual(node.widgets_values, values);
  }
});

test("what belongs to an absent plug-in is kept, saved again, and put back", () => {
  for (const file of readdirSync(FOLDER)) {
    for (const node of saved(file).filter((each) => each.widgets_values[8] === "fal")) {
      const here = definition("fal");
      const kept = mend(node, here);
      assert.equal(node.widgets_values[9], "fal");
      assert.equal(node.widgets_values.length, 10);

      keep(node, widgets(here, "fal"), kept);
      const again = mend(node, here);
      assert.deepEqual(again, kept);
      keep(node, widgets(here, "fal"), again);

      assert.deepEqual(mend(node, definition()), []);
      assert.deepEqual(node.widgets_values.slice(9), ["fal", "rain", "0.25"]);
    }
  }
});

test("an option that a plug-in no longer has is kept by its name", () => {
  const before = definition();
  const values = ["A fox", "", false, 5, "16:9", 3, "fixed", 1, false, "fal", "rain", "0.25"];
  const node = { widgets_values: [...values] };
  keep(node, widgets(before, "fal"), []);

  const after = definition();
  const fal = after.input.optional.provider[1].options.find((each) => each.key === "fal");
  fal.inputs.optional = { style: ["STRING", { default: "film" }], cfg_scale: ["STRING", {}] };
  assert.deepEqual(mend(node, after), [["provider.negative_prompt", "rain"]]);
  assert.deepEqual(node.widgets_values.slice(9), ["fal", "film", "0.25"]);
});

test("a widget that another pack has put on the node keeps its value", () => {
  const here = definition();
  const node = { widgets_values: ["A fox", "", false, 5, "16:9", 3, "fixed", 1, false, "kie", "x"] };
  keep(node, [...slots(here, "kie").map(({ name }) => ({ name })), { name: "other pack" }], []);

  assert.deepEqual(mend(node, here), []);
  assert.equal(node.widgets_values.at(-1), "x");
});

test("the control after the seed has one name, however a front end calls it", () => {
  const here = definition();
  const named = widgets(here, "kie").map((each) =>
    each.name === "control_after_generate" ? { name: "fixed" } : each,
  );
  const node = { widgets_values: ["A fox", "", false, 5, "16:9", 3, "fixed", 1, false, "kie"] };
  keep(node, named, []);

  assert.equal(node.properties.kling26.names[6], "control_after_generate");
});

test("a file that ends early has the rest as on a new node", () => {
  const node = { widgets_values: ["A fox"] };
  mend(node, definition());

  assert.deepEqual(node.widgets_values, ["A fox"]);
});

test("a node that was saved without values is left alone", () => {
  const node = { widgets_values: { prompt: "A fox" } };

  assert.deepEqual(mend(node, definition()), []);
  assert.deepEqual(node, { widgets_values: { prompt: "A fox" } });
});

test("the values of providers that are not chosen are beside the others, and not among them", () => {
  const others = { cometapi: [["provider.negative_prompt", "rain"]], gone: [["provider.x", 1]] };
  const node = { widgets_values: ["A fox", "", false, 5, "16:9", 3, "fixed", 1, false, "kie"] };
  keep(node, widgets(definition(), "kie"), [], others);
  const opened = JSON.parse(JSON.stringify(node));

  assert.deepEqual(mend(opened, definition()), []);
  assert.equal(opened.widgets_values.length, 10);
  assert.deepEqual(othersIn(opened), others);
});

test("nonsense in place of those values is left out", () => {
  const others = { kie: "x", fal: [], kling: [3], cometapi: [["seed", 1]], runcomfy: [["provider.a", 1]] };

  assert.deepEqual(othersIn({ properties: { kling26: { others } } }), {
    runcomfy: [["provider.a", 1]],
  });
  assert.deepEqual(othersIn({}), {});
});
