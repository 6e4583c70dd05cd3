import assert from "node:assert/strict";
import { test } from "node:test";

import { inPlace } from "../../web/kling26/panel/order.js";

const staying = (...places) => [...inPlace(places)].sort();

test("what is new moves nothing", () => {
  assert.deepEqual(staying(undefined, 0, 1, 2), [0, 1, 2]);
});

test("a task that is done goes down, and the others stay", () => {
  assert.deepEqual(staying(1, 2, 0, 3), [1, 2, 3]);
});

test("a task that is open again goes up, and the others stay", () => {
  assert.deepEqual(staying(2, 0, 1, 3), [0, 1, 3]);
});

test("nothing stays of nothing", () => {
  assert.deepEqual(staying(), []);
  assert.deepEqual(staying(undefined), []);
});
