// Where messages are: not over what must be read, or pressed.

import { app } from "./comfyui.js";

const GAP = 16;

/** @typedef {{ left: number, top: number, right: number, bottom: number }} Box */

/**
 * The corner of the canvas where a stack of this size covers least of what must be read.
 *
 * @param {Box} canvas
 * @param {{ width: number, height: number }} size
 * @param {Box[]} taken
 * @returns {{ left: number, top: number }}
 */
export function freeCorner(canvas, size, taken) {
  const left = canvas.left + GAP, top = canvas.top + GAP;
  const right = Math.max(left, canvas.right - GAP - size.width);
  const bottom = Math.max(top, canvas.bottom - GAP - size.height);
  const corners = [
    { left: right, top: bottom },
    { left, top: bottom },
    { left: right, top },
    { left, top },
  ];
  /** @param {{ left: number, top: number }} corner */
  const covered = (corner) => taken.reduce((sum, box) => sum + overlap(corner, size, box), 0);
  return corners.reduce((best, corner) => (covered(corner) < covered(best) ? corner : best));
}

/**
 * @param {{ left: number, top: number }} corner
 * @param {{ width: number, height: number }} size
 * @param {Box} box
 */
function overlap(corner, size, box) {
  const wide = Math.min(corner.left + size.width, box.right) - Math.max(corner.left, box.left);
  const high = Math.min(corner.top + size.height, box.bottom) - Math.max(corner.top, box.top);
  return wide > 0 && high > 0 ? wide * high : 0;
}

/** @param {HTMLElement} stack of messages */
export function place(stack) {
  if (!stack.childElementCount) return;
  const corner = freeCorner(visibleCanvas(), stack.getBoundingClientRect(), toBeSeen());
  stack.style.left = `${corner.left}px`;
  stack.style.top = `${corner.top}px`;
}

/** @returns {Box} what the bars and the sidebar leave of the canvas */
function visibleCanvas() {
  const box = app.canvas.canvas.getBoundingClientRect();
  let left = box.left;
  for (const each of document.querySelectorAll(".side-tool-bar-container, .side-bar-panel")) {
    const side = each.getBoundingClientRect();
    if (side.left < innerWidth / 2 && side.width > 0) left = Math.max(left, side.right);
  }
  const top = Math.max(box.top, 100); // Under ComfyUI's own bar and its messages.
  return { left, top, right: Math.min(box.right, innerWidth), bottom: innerHeight - 64 };
}

/** @returns {Box[]} what is to be read or pressed: in a dialog, or on our nodes */
function toBeSeen() {
  const parts = [...document.querySelectorAll("[role=dialog] :is(button, a, input, p, h1, h2, h3)")]
    .map((each) => each.getBoundingClientRect())
    .filter((box) => box.width > 0);
  return parts.length > 0 ? parts : nodesOnScreen();
}

/** @returns {Box[]} where our nodes are: their text is to be read beside the message */
function nodesOnScreen() {
  const { ds, canvas } = app.canvas;
  const box = canvas.getBoundingClientRect();
  return (app.canvas.graph?.nodes ?? [])
    .filter((/** @type {any} */ node) => node.comfyClass === "Kling26Video" || node.subgraph)
    .map((/** @type {any} */ node) => {
      const left = box.left + (node.pos[0] + ds.offset[0]) * ds.scale;
      const top = box.top + (node.pos[1] - 30 + ds.offset[1]) * ds.scale;
      const wide = node.size[0] * ds.scale, high = (node.size[1] + 30) * ds.scale;
      return { left, top, right: left + wide, bottom: top + high };
    });
}
