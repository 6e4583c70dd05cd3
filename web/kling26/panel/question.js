// What is asked, in its place, before something is done that cannot be undone, or said of what
// cannot be done.

import { keepTyping, make } from "../dom.js";
import { bare } from "../typed.js";
import { t } from "../words.js";

/**
 * @param {import("./actions.js").Action} action
 * @param {(run: () => unknown) => void} answer does it
 * @param {() => void} close
 * @returns {HTMLFormElement} Enter sends it, and Escape closes it
 */
export function question({ ask, box, run }, answer, close) {
  const input = box && make("input", {
    type: "text",
    class: "kling26-box",
    "aria-label": box.label,
    placeholder: box.label,
    autocomplete: "off",
    spellcheck: "false",
  });
  const yes = ask?.yes ?? box?.yes;
  const form = make(
    "form",
    { class: "kling26-question", role: "group", "aria-label": ask?.text ?? box?.label },
    ask ? make("p", {}, ask.text) : null,
    input ?? null,
    yes ? make("button", { type: "submit", class: "kling26-button kling26-yes" }, yes) : null,
    make(
      "button",
      { type: "button", class: "kling26-button", onclick: close },
      t(box || !yes ? "panel.close" : "panel.ask.no"),
    ),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const typed = bare(input?.value ?? "");
    if (box && !typed) input?.focus();
    else answer(() => (box ? box.send(typed) : run?.()));
  });
  keepTyping(form, close);
  return form;
}
