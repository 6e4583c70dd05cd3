// Elements, without markup in strings: prompts and errors are text.

/** @typedef {string | number | boolean | null | undefined | ((event: any) => void)} Attribute */

/**
 * An element with attributes and children: `make("p", { class: "x", onclick: f }, "text")`.
 *
 * An attribute that is `null`, `undefined` or `false` is left out, and `true` is an empty one.
 * A child that is `null` or `false` is left out too.
 *
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} name
 * @param {Record<string, Attribute>} [attributes]
 * @param {...(Node | string | null | false)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) setAttribute(element, key, value);
  element.append(...children.filter((child) => child !== null && child !== false));
  return element;
}

/**
 * @param {HTMLElement} element
 * @param {string} name
 * @param {Attribute} value
 */
export function setAttribute(element, name, value) {
  if (typeof value === "function") element.addEventListener(name.replace(/^on/, ""), value);
  else if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else {
    const text = value === true ? "" : String(value);
    if (element.getAttribute(name) !== text) element.setAttribute(name, text);
  }
}

/**
 * Change a text only where it is another: the rest of the page, a selection and a screen reader
 * are left alone.
 *
 * @param {HTMLElement} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * The same for whether it is seen.
 *
 * @param {HTMLElement} element
 * @param {boolean} hidden
 */
export function setHidden(element, hidden) {
  if (element.hidden !== hidden) element.hidden = hidden;
}

/**
 * Keep what is typed inside from the shortcuts of ComfyUI's canvas.
 *
 * @param {HTMLElement} element
 * @param {() => void} [escape] what Escape does; without it, what ComfyUI does, as close a dialog
 */
export function keepTyping(element, escape) {
  for (const kind of ["keydown", "keyup", "keypress", "paste", "copy", "cut"]) {
    element.addEventListener(kind, (/** @type {any} */ event) => {
      if (event.key !== "Escape" || escape) event.stopPropagation();
      if (event.key === "Escape" && kind === "keydown") escape?.();
    });
  }
}

/**
 * A style sheet of ours, once in a page.
 *
 * @param {string} id
 * @param {string} text
 */
export function addStyle(id, text) {
  if (!document.getElementById(id)) document.head.append(make("style", { id }, text));
}
