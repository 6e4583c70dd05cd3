import assert from "node:assert/strict";
import { before, test } from "node:test";

import { fetchProviders } from "../../web/kling26/providers.js";
import { grantWishes } from "../../web/kling26/places.js";
import { actions } from "../../web/kling26/remedies.js";
import { answers, asked } from "./comfyui/api.js";
import { app } from "./comfyui/app.js";

const ABOUT = { provider: "kie", task: "k26-1" };

before(async () => {
  globalThis.document = { querySelector: () => null };
  const provider = { name: "kie", title: "kie.ai", key_page: "https://kie.ai/api-key", prices: [] };
  answers["GET /kling26/providers"] = [200, { providers: [provider], auto: { prices: [] } }];
  await fetchProviders();
});

test("what is paid for is fetched by one button", async () => {
  const [fetch] = actions({ do: "resume" }, ABOUT);
  answers["POST /kling26/tasks/k26-1/resume"] = [200, { task: "k26-1" }];
  assert.deepEqual(await fetch.run(), { task: "k26-1" });
  assert.equal(asked.at(-1).path, "/kling26/tasks/k26-1/resume");
});

test("a limit of the budget leads to its box, another option to nothing", async () => {
  const executed = [], wishes = [];
  app.extensionManager.command.execute = async (name) => executed.push(name);
  const [raise] = actions({ do: "change", option: "max_tasks_per_hour" }, ABOUT);
  await raise.run();
  grantWishes((wish) => wishes.push(wish));
  assert.deepEqual(executed, ["Workspace.ToggleSidebarTab.kling26"]);
  assert.deepEqual(wishes, [{ budget: "max_tasks_per_hour" }]);
  assert.deepEqual(actions({ do: "change", option: "duration" }, ABOUT), []);
});

test("there is no button where none would help", () => {
  for (const remedy of [null, undefined, { do: "wait" }, { do: "something new" }]) {
    assert.deepEqual(actions(remedy, ABOUT), []);
  }
  assert.deepEqual(actions({ do: "resume" }, { provider: "kie" }), []);
});
