import assert from "node:assert/strict";
import { test } from "node:test";

import { freeCorner } from "../../web/kling26/corner.js";

const CANVAS = { left: 60, top: 100, right: 1280, bottom: 660 };
const SIZE = { width: 380, height: 120 };

test("a message is at the lower right, where nothing of ours is", () => {
  assert.deepEqual(freeCorner(CANVAS, SIZE, []), { left: 884, top: 524 });
});

test("a message goes to another corner when a node is there", () => {
  const node = { left: 700, top: 300, right: 1200, bottom: 700 };
  assert.deepEqual(freeCorner(CANVAS, SIZE, [node]), { left: 76, top: 524 });
});

test("where nodes are everywhere, it covers the least", () => {
  const nodes = [
    { left: 60, top: 100, right: 1280, bottom: 640 },
    { left: 884, top: 116, right: 1264, bottom: 200 },
  ];
  assert.deepEqual(freeCorner(CANVAS, SIZE, nodes), { left: 884, top: 524 });
});
