import assert from "node:assert/strict";
import { before, test } from "node:test";

import * as model from "../../web/kling26/panel/model.js";
import { fetchProviders } from "../../web/kling26/providers.js";
import { loadWords } from "../../web/kling26/words.js";
import { answers } from "./comfyui/api.js";

const ALL = { search: "", provider: "", state: "", rehearsals: true };

const task = (values = {}) => ({
  task: "k26-1", provider: "kie", state: "stored", standing: "stored", task_id: "t-1", cost: null,
  cost_unit: null, cost_usd: null, sandbox: false, prompt: "A red fox", image: null,
  end_image: null, sound: false, duration: 5, aspect_ratio: "16:9", seed: 3, options: {},
  created: 1000, submitted: 1000, finished: 1060, error: null, code: null, remedy: null, ...values,
});

before(async () => {
  const words = { "money.credits.few": "{amount} credits", "panel.free": "free", "panel.seed": "seed {seed}", "panel.sound": "sound" };
  answers["GET /kling26/words"] = [200, { ...words, "panel.about": "about {usd}" }];
  const comet = {
    name: "cometapi", title: "CometAPI", key: {}, can: {},
    prices: [
      { when: { with_image: false, with_end_image: false, sound: false, duration: 5, "provider.mode": "std" }, usd: 0.21 },
      { when: { with_image: true, with_end_image: false, sound: false, duration: 5, "provider.mode": "std" }, usd: 0.3 },
    ],
  };
  answers["GET /kling26/providers"] = [200, { providers: [comet], auto: { prices: [] } }];
  await fetchProviders();
  await loadWords();
});

test("open tasks come first, then the newest", () => {
  const tasks = [
    task({ task: "old", created: 1 }),
    task({ task: "new", created: 9 }),
    task({ task: "open", created: 2, standing: "at_provider", state: "submitted" }),
  ];
  assert.deepEqual(model.inOrder(tasks).map((each) => each.task), ["open", "new", "old"]);
});

test("rehearsals are left out unless they are asked for", () => {
  const rehearsal = task({ sandbox: true });
  assert.equal(model.matches(rehearsal, { ...ALL, rehearsals: false }), false);
  assert.equal(model.matches(rehearsal, ALL), true);
});

const found = (search, values = {}) => model.matches(task(values), { ...ALL, search });

test("a search finds every word of a prompt, in any order, case and form of its letters", () => {
  for (const search of ["fox RED", " fox ", "", "ｆｏｘ", "re f"]) assert.equal(found(search), true, search);
  assert.equal(found("red wolf"), false);
  assert.equal(found("CAFÉ", { prompt: "Ein cafe\u0301" }), true);
  assert.equal(found("лиса РЫЖАЯ", { prompt: "Рыжая лиса" }), true);
  assert.equal(found("Straße", { prompt: "STRASSE" }), true);
});

test("an id is found by its beginning if that is long enough, and the provider's by all of it", () => {
  const ids = { task: "k26-3c1e9f00", task_id: "5f3a-77" };
  for (const search of ["k26-3c", " K26-3C1E9F00 ", "5f3a-77"]) assert.equal(found(search, ids), true, search);
  for (const search of ["k26", "k26-3", "3c1e9f", "5f3a", "77"]) assert.equal(found(search, ids), false, search);
});

test("the groups of states", () => {
  const unknown = task({ state: "unknown", standing: "unclear" });
  const groups = (each) => model.STATES.filter((state) => model.matches(each, { ...ALL, state }));
  assert.deepEqual(groups(unknown), ["open", "unknown"]);
  assert.deepEqual(groups(task()), ["stored"]);
  assert.deepEqual(groups(task({ state: "refused", standing: "over" })), ["over"]);
});

test("a cost is in dollars where that is known, else in the provider's unit", () => {
  assert.equal(model.costText(task({ cost: 55, cost_unit: "credits", cost_usd: 0.275 })), "$0.275");
  assert.equal(model.costText(task({ cost: 55, cost_unit: "credits" })), "55 credits");
  assert.equal(model.costText(task()), "");
  assert.equal(model.costText(task({ sandbox: true })), "free");
});

test("where a provider tells no cost, the list price is told as about that", () => {
  const made = { provider: "cometapi", options: { mode: "std" } };
  assert.equal(model.costText(task(made)), "about $0.21");
  assert.equal(model.costText(task({ ...made, image: "fox.png" })), "about $0.30");
  assert.equal(model.costText(task({ ...made, state: "submitted", standing: "at_provider" })), "about $0.21");
  assert.equal(model.costText(task({ ...made, options: { mode: "pro" } })), "");
  assert.equal(model.costText(task({ ...made, state: "failed", standing: "over" })), "");
  assert.equal(model.costText(task({ ...made, state: "unknown", standing: "unclear" })), "");
  assert.equal(model.costText(task({ ...made, sandbox: true })), "free");
});

test("what is said of a task leaves out what is not known", () => {
  const facts = (...values) => model.factsText(...values).replaceAll("\u00a0", " ");
  assert.equal(facts(task(), 1120, "kie.ai"), "kie.ai · 5s · seed 3 · 2 min. ago");
  assert.equal(
    facts(task({ sound: true, cost_usd: 1.1 }), 900, "kie.ai"),
    "kie.ai · 5s · sound · seed 3 · $1.10 · now",
  );
});

test("what a video takes is the median of its like", () => {
  const like = [10, 60, 1000].map((took, index) =>
    task({ task: `k${index}`, submitted: 0, finished: took }),
  );
  const other = task({ duration: 10, submitted: 0, finished: 5000 });
  const made = task({ standing: "at_provider", state: "submitted", finished: null });
  assert.equal(model.expected(made, [...like, other, made]), 60);
  assert.equal(model.expected(task({ provider: "runcomfy" }), like), null);
});

test("a bar moves on and never ends before the video is there", () => {
  const bars = [0, 30, 54, 60, 120, 6000].map((elapsed) => model.fraction(elapsed, 60));
  assert.deepEqual(bars.slice(0, 2), [0, 0.5]);
  assert.deepEqual([...bars].sort((one, other) => one - other), bars);
  assert.ok(bars.at(-1) <= 0.95);
  assert.equal(model.fraction(10, null), null);
});

test("only videos that were paid for before the start are waiting", () => {
  const made = { standing: "made", state: "succeeded" };
  const tasks = [
    task({ task: "before", created: 50, ...made }),
    task({ task: "since", created: 150, ...made }),
    task({ task: "rehearsal", created: 50, sandbox: true, ...made }),
    task({ task: "unknown", created: 50, standing: "unclear", state: "unknown" }),
  ];
  assert.deepEqual(model.waiting(tasks, 100).map((each) => each.task), ["before"]);
  assert.deepEqual(model.waiting(tasks, null), []);
});
