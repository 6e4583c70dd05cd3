// A task in the list. It is made once and then changed where it is, so that nobody who types in it
// or looks at its video is disturbed.

import { make, setAttribute, setHidden, setText } from "../dom.js";
import { length, moment } from "../language.js";
import { titleOf } from "../providers.js";
import { actions as remedies } from "../remedies.js";
import { address, serverTime } from "../server.js";
import { t } from "../words.js";
import { actionsOf } from "./actions.js";
import { videoAddress } from "./graph.js";
import { factsText, fraction, isUnknown, stateText } from "./model.js";
import { question } from "./question.js";
import { progress } from "./store.js";
import { symbol } from "./symbols.js";

/** @typedef {import("./model.js").Task} Task */

export class Row {
  /** @param {Task} task */
  constructor(task) {
    this.task = task;
    /** @type {number | null} How long it takes as a rule, in seconds. */
    this.usual = null;
    this.picture = make("img", {
      class: "kling26-picture",
      loading: "lazy",
      decoding: "async",
      onclick: () => this.task.standing === "stored" && this.play(),
      onerror: () => (this.picture.src = symbol(this.task.state)),
    });
    this.prompt = make("p", { class: "kling26-prompt" });
    this.state = make("span", { class: "kling26-state" });
    this.tag = make("span", { class: "kling26-tag" });
    this.facts = make("p", { class: "kling26-facts" });
    this.fill = make("span");
    this.bar = make("div", { class: "kling26-bar", role: "progressbar" }, this.fill);
    this.told = make("p", { class: "kling26-told" });
    this.buttons = make("div", { class: "kling26-buttons" });
    this.below = make("div", { class: "kling26-below", "aria-live": "polite" });
    /** @type {HTMLVideoElement | null} */
    this.video = null;
    this.element = make(
      "li",
      { class: "kling26-task", "data-task": task.task },
      this.picture,
      make(
        "div",
        { class: "kling26-about" },
        this.prompt,
        make("p", { class: "kling26-line" }, this.state, this.tag),
        this.facts,
      ),
      this.bar,
      this.told,
      this.buttons,
      this.below,
    );
    this.drawn = "";
    // Out of sight nothing has to move.
    this.skipped = false;
    this.element.addEventListener("contentvisibilityautostatechange", (/** @type {any} */ event) => {
      if (event.target !== this.element) return;
      this.skipped = event.skipped;
      if (!this.skipped) this.tick();
    });
    this.update(task);
  }

  /** @param {Task} task */
  update(task) {
    const { state, standing, error, remedy, cost, cost_usd: usd } = task;
    const shape = JSON.stringify([state, standing, error, remedy, cost, usd, titleOf(task.provider)]);
    this.task = task;
    if (shape === this.drawn) return;
    this.drawn = shape;
    setText(this.prompt, task.prompt);
    setAttribute(this.prompt, "title", task.prompt);
    setText(this.state, stateText(task));
    setText(this.tag, task.sandbox ? t("panel.rehearsal") : "");
    setAttribute(this.element, "data-state", task.state);
    const stored = task.standing === "stored";
    const path = `/kling26/tasks/${encodeURIComponent(task.task)}/thumbnail`;
    setAttribute(this.picture, "src", stored ? address(path) : symbol(task.state));
    setAttribute(this.picture, "alt", stored ? t("panel.picture") : stateText(task));
    setText(this.told, toldText(task));
    this.tick();
    this.drawButtons();
  }

  /** What changes with time. */
  tick() {
    const task = this.task, now = serverTime();
    setText(this.facts, factsText(task, now, titleOf(task.provider)));
    setAttribute(this.facts, "title", moment(task.created));
    const moving = task.standing === "at_provider";
    setHidden(this.bar, !moving);
    if (!moving) return;
    const elapsed = Math.max(0, now - (task.submitted ?? task.created));
    const share = progress.get(task.task)?.fraction ?? fraction(elapsed, this.usual);
    const text = this.usual !== null && this.usual > elapsed
      ? t("panel.elapsed.of", { elapsed: length(elapsed), expected: length(this.usual) })
      : t("panel.elapsed.alone", { elapsed: length(elapsed) });
    setText(this.state, `${stateText(task)} · ${text}`);
    setAttribute(this.bar, "aria-label", stateText(task));
    setAttribute(this.bar, "aria-valuetext", text);
    setAttribute(this.bar, "aria-valuemin", share === null ? null : 0);
    setAttribute(this.bar, "aria-valuemax", share === null ? null : 100);
    setAttribute(this.bar, "aria-valuenow", share === null ? null : Math.round(share * 100));
    this.bar.classList.toggle("kling26-going", share === null);
    this.fill.style.width = share === null ? "" : `${Math.round(share * 1000) / 10}%`;
  }

  drawButtons() {
    const focused = this.buttons.contains(document.activeElement);
    const actions = actionsOf(this.task, () => this.play());
    this.buttons.replaceChildren(...actions.map((each) => this.button(each)));
    // A question about what it was before makes no sense any more.
    if (!this.below.querySelector("[role=alert]")) this.below.replaceChildren();
    if (this.task.standing !== "stored") this.video?.remove();
    if (focused) this.focus();
  }

  focus() {
    this.buttons.querySelector("button")?.focus();
  }

  /** @param {import("./actions.js").Action} action */
  button(action) {
    const facts = { class: "kling26-button", "data-do": action.name };
    if (action.href) {
      return make("a", { ...facts, href: action.href, download: `${this.task.task}.mp4` }, action.label);
    }
    const opens = action.ask || action.box;
    const button = make(
      "button",
      {
        ...facts,
        type: "button",
        "aria-expanded": opens ? "false" : null,
        onclick: () => (opens ? this.ask(action, button) : this.run(action.run, button)),
      },
      action.label,
    );
    return button;
  }

  /**
   * @param {import("./actions.js").Action} action
   * @param {HTMLElement} button
   */
  ask(action, button) {
    const open = button.getAttribute("aria-expanded") === "true";
    for (const each of this.buttons.querySelectorAll("[aria-expanded]")) {
      each.setAttribute("aria-expanded", "false");
    }
    if (open) {
      this.below.replaceChildren();
      return;
    }
    button.setAttribute("aria-expanded", "true");
    const close = () => {
      this.below.replaceChildren();
      button.setAttribute("aria-expanded", "false");
      button.focus();
    };
    const form = question(action, (run) => this.run(run, form), close);
    form.addEventListener("submit", () => this.below.querySelector("[role=alert]")?.remove());
    this.below.replaceChildren(form);
    // Not the button that does it: a second Enter must not pay twice.
    const first = form.querySelector("input") ?? form.querySelector("[type=button]");
    if (first instanceof HTMLElement) first.focus();
    this.below.scrollIntoView({ block: "nearest" });
  }

  /**
   * Do something; what goes wrong is said here, with what helps.
   *
   * @param {(() => unknown) | undefined} run
   * @param {HTMLElement} where
   */
  async run(run, where) {
    if (this.element.getAttribute("aria-busy") === "true") return;
    this.element.setAttribute("aria-busy", "true");
    this.below.querySelector("[role=alert]")?.remove();
    try {
      await run?.();
      if (where.isConnected && where !== this.element && this.below.contains(where)) where.remove();
    } catch (/** @type {any} */ error) {
      const buttons = remedies(error.remedy, this.task).map((each) =>
        make("button", { type: "button", class: "kling26-button", onclick: each.run }, each.label),
      );
      this.below.append(make("p", { class: "kling26-error", role: "alert" }, error.message, ...buttons));
      this.below.scrollIntoView({ block: "nearest" });
    } finally {
      this.element.removeAttribute("aria-busy");
    }
  }

  /** Show the video in its place, or the picture again. */
  play() {
    const button = this.buttons.querySelector("[data-do=play]");
    if (this.video) {
      this.video.pause();
      this.video.remove();
      this.video = null;
    } else {
      this.video = make("video", {
        class: "kling26-video",
        src: videoAddress(this.task),
        controls: true,
        autoplay: true,
        loop: true,
        playsinline: true,
        "aria-label": this.task.prompt,
      });
      this.element.prepend(this.video);
      // Without a gesture, or with a sound that the browser holds back, the controls remain.
      this.video.play().catch(() => {});
    }
    if (button instanceof HTMLElement) {
      setText(button, t(this.video ? "panel.do.close" : "panel.do.play"));
    }
  }
}

/** @param {Task} task What happened, where that is more than its state. */
function toldText(task) {
  const provider = titleOf(task.provider);
  if (isUnknown(task)) {
    return t("panel.unknown.what", { provider, date: moment(task.created) });
  }
  return task.error ?? "";
}
