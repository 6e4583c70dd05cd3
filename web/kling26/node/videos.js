// Several videos on one node: without Nodes 2.0, ComfyUI shows the first one alone.

import { addStyle, make, setText } from "../dom.js";
import { address } from "../server.js";
import { t } from "../words.js";
import { redraw } from "./graph.js";

/** @typedef {{ filename: string, subfolder: string, type: string }} File */

/** How long ComfyUI may take to load the first video, in tries and in milliseconds between. */
const TRIES = 100;
const PAUSE = 200;

const STYLE = `
.kling26-switch {
  position: absolute; z-index: 1; top: 4px; right: 4px; display: flex; gap: 6px;
  align-items: center; pointer-events: auto;
  padding: 2px 6px; border-radius: 6px; font: 12px/1.4 Inter, Arial, sans-serif;
  color: #fff; background: rgb(0 0 0 / 70%);
}
.kling26-switch button {
  font: inherit; color: inherit; cursor: pointer; padding: 0 7px; border-radius: 4px;
  background: none; border: 1px solid rgb(255 255 255 / 50%);
}
.kling26-switch button:focus-visible { outline: 2px solid #3b82f6; outline-offset: 1px; }
`;

/**
 * Let a node show all the videos that it has made, one at a time.
 *
 * @param {any} node
 */
export function showAllVideos(node) {
  node.previewMediaType = "video"; // ComfyUI would else guess by the inputs.
  const executed = node.onExecuted;
  node.onExecuted = function (/** @type {any} */ output) {
    executed?.call(this, output);
    if (output?.images?.length) whenShown(node, output.images, TRIES);
  };
}

/**
 * @param {any} node
 * @param {File[]} files
 * @param {number} tries
 */
function whenShown(node, files, tries) {
  const place = node.videoContainer;
  const video = place?.querySelector("video");
  redraw(); // The node becomes as high as the video needs.
  if (video?.src.includes(encodeURIComponent(files[0]?.filename ?? ""))) {
    place.querySelector(".kling26-switch")?.remove();
    if (files.length > 1) addSwitch(place, video, files);
  } else if (tries > 0) setTimeout(whenShown, PAUSE, node, files, tries - 1);
}

/**
 * @param {HTMLElement} place
 * @param {HTMLVideoElement} video
 * @param {File[]} files
 */
function addSwitch(place, video, files) {
  addStyle("kling26-switch-style", STYLE);
  let shown = 0;
  const where = make("span", { role: "status" });
  const go = (/** @type {number} */ step) => {
    shown = (shown + step + files.length) % files.length;
    setText(where, `${shown + 1} / ${files.length}`);
    if (step) video.src = address(`/view?${new URLSearchParams({ ...files[shown] })}`);
  };
  const button = (/** @type {string} */ label, /** @type {string} */ sign, /** @type {number} */ step) =>
    make("button", { type: "button", "aria-label": label, onclick: () => go(step) }, sign);
  go(0);
  place.style.position = "relative";
  place.append(
    make(
      "div",
      { class: "kling26-switch" },
      button(t("node.previous"), "‹", -1),
      where,
      button(t("node.next"), "›", 1),
    ),
  );
}
