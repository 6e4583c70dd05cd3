// The keys, in ComfyUI's settings.

import { addStyle, keepTyping, make } from "./dom.js";
import { money } from "./language.js";
import { fetchProviders, keysAreShared } from "./providers.js";
import { get, post, remove } from "./server.js";
import { bare } from "./typed.js";
import { loadWords, t, units } from "./words.js";

/**
 * @typedef {import("./providers.js").Provider} Provider
 * @typedef {import("./providers.js").Balance} Balance
 * @typedef {Provider & {
 *   accepted?: boolean | null,
 *   balance?: Balance | null,
 *   note?: string | null,
 * }} Kept a provider after its key was kept or forgotten
 */

const STYLE = `
.kling26-keys { display: flex; flex-direction: column; gap: 1rem; width: 100%; min-width: 0; }
.kling26-keys p { margin: 0; font-size: 0.9em; line-height: 1.4; overflow-wrap: anywhere; }
.kling26-keys form { display: grid; grid-template-columns: minmax(6rem, 1fr) auto auto; gap: 0.3rem 0.5rem; }
.kling26-keys header { grid-column: 1 / -1; display: flex; gap: 0.2rem 0.75rem; align-items: baseline; flex-wrap: wrap; }
.kling26-keys header span { font-size: 0.9em; }
.kling26-keys header a { margin-left: auto; font-size: 0.9em; color: inherit; text-decoration: underline; }
.kling26-keys form > p { grid-column: 1 / -1; }
.kling26-keys .kling26-error { padding-left: 0.5rem; border-left: 3px solid #e0564f; }
.kling26-keys input, .kling26-keys button {
  font: inherit; padding: 0.3rem 0.6rem; border-radius: 0.4rem; min-width: 0; box-sizing: border-box;
  border: 1px solid var(--border-color, #666); color: var(--input-text, inherit);
  background: var(--comfy-input-bg, transparent);
}
.kling26-keys button { cursor: pointer; }
.kling26-keys :disabled { opacity: 0.5; cursor: default; }
.kling26-keys input:focus-visible, .kling26-keys button:focus-visible, .kling26-keys a:focus-visible {
  outline: 2px solid #3b82f6; outline-offset: 1px;
}
`;

/** @returns {HTMLElement} the page of the keys; it fills itself */
export function keysPage() {
  addStyle("kling26-keys-style", STYLE);
  const page = make("div", { class: "kling26-keys", "aria-busy": "true" });
  fill(page);
  return page;
}

/** @param {HTMLElement} page */
async function fill(page) {
  await loadWords();
  try {
    const providers = await fetchProviders();
    page.replaceChildren(
      make("p", {}, t("keys.about")),
      ...(keysAreShared() ? [make("p", {}, t("keys.shared"))] : []),
      ...providers.map((each) => providerForm(each)),
    );
  } catch (/** @type {any} */ error) {
    page.replaceChildren(make("p", { class: "kling26-error", role: "alert" }, error.message));
  }
  page.removeAttribute("aria-busy");
}

/**
 * The row of a provider: its key's state, a box for another one, its buttons.
 *
 * @param {Provider} provider
 * @param {string} [text] what is said of it
 * @returns {HTMLFormElement}
 */
function providerForm(provider, text = "") {
  const { source } = provider.key;
  // A key in the environment goes first: typing another one here would change nothing.
  const fixed = source === "environment";
  const key = make("input", {
    type: "password",
    name: `kling26-${provider.name}`,
    placeholder: t("keys.placeholder"),
    autocomplete: "off",
    spellcheck: "false",
    "aria-label": provider.title,
    disabled: fixed,
  });
  const save = make("button", { type: "submit", disabled: fixed }, t("keys.save"));
  const forget = make(
    "button",
    { type: "button", disabled: source !== "keys.toml" },
    t("keys.forget"),
  );
  const told = make("p", { role: "status" }, text);
  const form = make("form", { "data-provider": provider.name }, heading(provider), key, save, forget, told);
  if (provider.key.problem) complain(form, provider.key.problem);
  keepTyping(form);

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const body = { key: bare(key.value) };
    // The key goes to this route and nowhere else: not into ComfyUI's own settings.
    key.value = "";
    if (!body.key || isTooLong(body)) {
      complain(form, t(body.key ? "keys.too_long" : "keys.empty"));
      key.focus();
    } else send(form, t("keys.checking"), post(`/kling26/keys/${provider.name}`, body));
  });
  forget.addEventListener("click", () => send(form, "", remove(`/kling26/keys/${provider.name}`)));
  if (provider.key.set && provider.can.balance && !text) showBalance(provider, told);
  return form;
}

/** @param {{ key: string }} body */
function isTooLong(body) {
  // The server reads no more: neither of a text, in characters, nor of all of it, in bytes.
  return body.key.length > 2000 || new TextEncoder().encode(JSON.stringify(body)).length > 4096;
}

/** @param {Provider} provider */
function heading({ title, key, key_variable: variable, key_page: page }) {
  const state = key.source === "environment" ? "environment" : key.set ? "set" : "missing";
  return make(
    "header",
    {},
    make("b", {}, title),
    make("span", { class: key.set ? "kling26-set" : null }, t(`keys.${state}`, { variable })),
    page && make("a", { href: page, target: "_blank", rel: "noreferrer" }, t("keys.get")),
  );
}

/**
 * @param {HTMLFormElement} form
 * @param {string} meanwhile
 * @param {Promise<Kept>} reply
 */
async function send(form, meanwhile, reply) {
  form.querySelector(".kling26-error")?.remove();
  const told = form.querySelector("[role=status]");
  if (told) told.textContent = meanwhile;
  const buttons = form.querySelectorAll("button");
  buttons.forEach((button) => (button.disabled = true));
  try {
    const provider = await reply;
    const changed = providerForm(provider, keptText(provider));
    const focused = form.contains(document.activeElement) || document.activeElement === document.body;
    form.replaceWith(changed);
    if (focused) changed.querySelector("input")?.focus();
    fetchProviders().catch(() => {}); // Another key, another price of "auto".
  } catch (/** @type {any} */ error) {
    if (told) told.textContent = "";
    buttons.forEach((button) => (button.disabled = false));
    complain(form, error.message);
    form.querySelector("input")?.focus();
  }
}

/**
 * What is said of a key that has just been kept: whether the provider takes it, and what is left.
 *
 * @param {Kept} kept
 */
function keptText({ accepted, balance, note }) {
  const parts = [note, accepted && t("keys.accepted"), balance && balanceLine(balance)];
  return parts.filter(Boolean).join(" ");
}

/** @param {Balance} balance */
function balanceLine(balance) {
  return t("keys.balance", { balance: balanceText(balance) });
}

/**
 * @param {Provider} provider
 * @param {HTMLElement} told
 */
async function showBalance(provider, told) {
  try {
    const balance = await get(`/kling26/providers/${provider.name}/balance`);
    // Unless something else has been said meanwhile.
    if (!told.textContent) told.textContent = balanceLine(balance);
  } catch {
    // Not every provider tells; a key that is refused says so where it is set, and at the run.
  }
}

/**
 * @param {Balance} balance
 * @returns {string} "$12.30", or "2,460 credits ($12.30)"
 */
export function balanceText({ amount, unit, usd }) {
  if (unit.toUpperCase() === "USD") return money(amount, 2);
  const text = units(amount, unit);
  return usd === null ? text : `${text} (${money(usd, 2)})`;
}

/**
 * @param {HTMLFormElement} form
 * @param {string} problem
 */
function complain(form, problem) {
  form.querySelector(".kling26-error")?.remove();
  const id = `kling26-problem-${form.dataset.provider}`;
  form.append(make("p", { class: "kling26-error", role: "alert", id }, problem));
  form.querySelector("input")?.setAttribute("aria-describedby", id);
}
