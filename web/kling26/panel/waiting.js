// "2 paid videos are waiting": what the last session has left, said once after a start.

import { make, setHidden, setText } from "../dom.js";
import { post } from "../server.js";
import { toast } from "../toast.js";
import { plural, t } from "../words.js";
import { waiting } from "./model.js";
import { changed, known, tasks, whenTasksChange } from "./store.js";

/** The starts of ComfyUI after which it was said, and after which they were fetched. */
const SAID = "kling26.waiting-said", FETCHED = "kling26.waiting-fetched";

/** @type {(() => void) | null} closes the message outside the panel */
let message = null;

/** @param {string} key @returns {boolean} whether it was done since this start, in any tab */
function isDone(key) {
  return localStorage.getItem(key) === String(known.started);
}

/** @param {string} key */
function markDone(key) {
  localStorage.setItem(key, String(known.started));
}

function waitingNow() {
  return isDone(FETCHED) ? [] : waiting(tasks.values(), known.started);
}

/** Fetch all of them; each is a task in the list, where its errors are said as well. */
async function fetchAll() {
  const names = waitingNow().map((task) => task.task);
  markDone(FETCHED);
  close();
  const done = await Promise.allSettled(
    names.map((name) => post(`/kling26/tasks/${encodeURIComponent(name)}/resume`).then(changed)),
  );
  const errors = new Set(done.flatMap((each) => each.status === "rejected" ? [each.reason.message] : []));
  for (const text of errors) toast({ text, kind: "error" });
}

/** Say it on the page after each start of ComfyUI, for as long as the panel is closed. */
export function startWaiting() {
  whenTasksChange(sayWaiting);
  document.addEventListener("visibilitychange", sayWaiting);
  sayWaiting();
}

function sayWaiting() {
  const found = waitingNow();
  if (found.length === 0) close();
  // A page in the background is not seen: the next one that is says it.
  if (found.length === 0 || isDone(SAID) || document.hidden) return;
  markDone(SAID);
  message = toast({
    text: plural("panel.waiting", found.length),
    key: SAID,
    stays: true,
    actions: [{ label: t("panel.fetch"), run: fetchAll }],
  });
}

function close() {
  message?.();
  message = null;
}

/** The same as a line in the panel. */
export class Waiting {
  constructor() {
    this.text = make("span", { role: "status" });
    this.line = make(
      "div",
      { class: "kling26-waiting", hidden: true },
      this.text,
      make("button", { type: "button", class: "kling26-button kling26-yes", onclick: () => this.fetch() }, t("panel.fetch")),
    );
  }

  update() {
    const found = waitingNow();
    setHidden(this.line, found.length === 0);
    if (found.length === 0) return;
    setText(this.text, plural("panel.waiting", found.length));
    markDone(SAID);
    close(); // It is said here now.
  }

  async fetch() {
    setHidden(this.line, true);
    await fetchAll();
  }
}
