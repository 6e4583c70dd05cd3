// What is said of nodes inside of another one.

import assert from "node:assert/strict";
import { test } from "node:test";

import { together } from "../../web/kling26/node/absent.js";

test("each sentence of the nodes inside is said once, however deep they are", () => {
  const [one, two, three, four] = [1, 2, 3, 4].map((id) => ({ id, comfyClass: "Kling26Video" }));
  const deeper = { id: 9, subgraph: { nodes: [two, three] } };
  const said = new Map([[one, "No fal."], [two, "No acme."], [three, "No fal."], [four, ""]]);

  assert.equal(together({ nodes: [one, deeper, four] }, said), "No fal.\nNo acme.");
  assert.equal(together({ nodes: [four] }, said), "");
});
