// Which messages still hold.

import assert from "node:assert/strict";
import { test } from "node:test";

import { dismissOwnError, holdsFor } from "../../web/kling26/messages.js";
import { app } from "./comfyui/app.js";

test("a message about a lost answer holds for as long as nobody knows better", () => {
  for (const remedy of ["adopt", "resubmit"]) {
    assert.equal(holdsFor({ standing: "unclear" }, remedy), true);
    for (const standing of ["at_provider", "made", "stored", "over"]) {
      assert.equal(holdsFor({ standing }, remedy), false, standing);
    }
  }
});

test("a message about a video to be fetched holds until it is here, or there is none", () => {
  assert.equal(holdsFor({ standing: "made" }, "resume"), true);
  assert.equal(holdsFor({ standing: "stored" }, "resume"), false);
  assert.equal(holdsFor({ standing: "over" }, "resume"), false);
});

test("a message about a failed task holds until it is forgotten", () => {
  assert.equal(holdsFor({ standing: "over" }, null), true);
  assert.equal(holdsFor(undefined, null), false);
});

test("ComfyUI's own message goes with ours where it is about the same node alone", () => {
  const gone = [];
  const errors = {
    totalErrorCount: 1, lastExecutionError: { node_id: 3 }, dismissErrorOverlay: () => gone.push(3),
  };
  app.extensionManager._p = { _s: new Map([["executionError", errors]]) };
  dismissOwnError("4");
  errors.totalErrorCount = 2;
  dismissOwnError("3");
  assert.deepEqual(gone, []);
  errors.totalErrorCount = 1;
  dismissOwnError("3");
  assert.deepEqual(gone, [3]);
  delete app.extensionManager._p;
  dismissOwnError("3");
});
