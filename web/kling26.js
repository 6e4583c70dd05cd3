// The settings page, the price badge, and a seed that stays what it is.

import { app } from "../../scripts/app.js";
import { api } from "../../scripts/api.js";

const NODE = "Kling26Video";

const TEXTS = {
  en: {
    environment: (variable) => `set in the environment (${variable})`,
    "keys.toml": () => "set",
    missing: () => "not set",
    placeholder: "Paste a key",
    save: "Save",
    forget: "Forget",
    get: "Get a key",
    failed: "ComfyUI did not answer.",
    free: "free (sandbox)",
    about:
      "Keys are kept on the machine that runs ComfyUI, in a file that only its user can read; " +
      "never in workflows or in ComfyUI's settings.",
  },
  zh: {
    environment: (variable) => `已在环境变量中设置（${variable}）`,
    "keys.toml": () => "已设置",
    missing: () => "未设置",
    placeholder: "粘贴密钥",
    save: "保存",
    forget: "删除",
    get: "获取密钥",
    failed: "ComfyUI 没有响应。",
    free: "免费（沙盒）",
    about: "密钥保存在运行 ComfyUI 的机器上，只有其用户可读；绝不会写入工作流或 ComfyUI 的设置。",
  },
  ru: {
    environment: (variable) => `задан в окружении (${variable})`,
    "keys.toml": () => "задан",
    missing: () => "не задан",
    placeholder: "Вставьте ключ",
    save: "Сохранить",
    forget: "Удалить",
    get: "Получить ключ",
    failed: "ComfyUI не отвечает.",
    free: "бесплатно (песочница)",
    about:
      "Ключи хранятся на машине, где работает ComfyUI, в файле, доступном только её " +
      "пользователю; в рабочие процессы и настройки ComfyUI они не попадают.",
  },
};

function texts() {
  const language = app.ui?.settings?.getSettingValue?.("Comfy.Locale") ?? "en";
  return TEXTS[language] ?? TEXTS[language.split("-")[0]] ?? TEXTS.en;
}

/** An element with attributes and children: `make("p", { class: "x" }, "text")`. */
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== undefined && value !== null) element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

// -- providers -----------------------------------------------------------------------------

let providers = [];
// The list prices of "auto", which depend on the keys.
let autoPrices = [];

async function fetchProviders() {
  const reply = await api.fetchApi("/kling26/providers");
  if (!reply.ok) throw new Error(texts().failed);
  const known = await reply.json();
  providers = known.providers;
  autoPrices = known.auto.prices;
  for (const node of app.graph?.nodes ?? []) if (node.comfyClass === NODE) labelBoxes(node);
  app.graph?.setDirtyCanvas?.(true, true);
  return providers;
}

// -- settings ------------------------------------------------------------------------------

const STYLE = `
.kling26-keys { display: flex; flex-direction: column; gap: 0.75rem; width: 100%; min-width: 24rem; }
.kling26-keys p { margin: 0; opacity: 0.75; font-size: 0.85em; line-height: 1.4; }
.kling26-keys form { display: grid; grid-template-columns: 1fr auto auto; gap: 0.3rem 0.5rem; }
.kling26-keys header { grid-column: 1 / -1; display: flex; gap: 0.75rem; align-items: baseline; flex-wrap: wrap; }
.kling26-keys header span { opacity: 0.75; font-size: 0.85em; }
.kling26-keys header a { margin-left: auto; font-size: 0.85em; text-decoration: underline; }
.kling26-keys .kling26-set { color: #3fa35a; opacity: 1; }
.kling26-keys .kling26-error { grid-column: 1 / -1; color: #e0564f; opacity: 1; }
.kling26-keys input, .kling26-keys button {
  font: inherit; padding: 0.3rem 0.6rem; border-radius: 0.4rem; min-width: 0;
  border: 1px solid var(--border-color, #666); color: var(--input-text, inherit);
  background: var(--comfy-input-bg, transparent);
}
.kling26-keys .kling26-note { grid-column: 1 / -1; }
.kling26-keys button { cursor: pointer; }
.kling26-keys :disabled { opacity: 0.4; cursor: default; }
`;

function providerForm(provider) {
  const words = texts();
  const source = provider.key.source ?? "missing";
  const state = make(
    "span",
    { class: provider.key.set ? "kling26-set" : "" },
    words[source]?.(provider.key_variable) ?? source,
  );
  const page = provider.key_page
    ? [make("a", { href: provider.key_page, target: "_blank", rel: "noreferrer" }, words.get)]
    : [];
  const key = make("input", {
    type: "password",
    name: `kling26-${provider.name}`,
    placeholder: words.placeholder,
    autocomplete: "off",
    spellcheck: "false",
    "aria-label": `${provider.title} (${provider.key_variable})`,
  });
  const save = make("button", { type: "submit" }, words.save);
  const forget = make("button", { type: "button" }, words.forget);
  // A key in the environment goes first: typing another one here would change nothing.
  key.disabled = save.disabled = source === "environment";
  forget.disabled = source !== "keys.toml";
  const form = make(
    "form",
    { "data-provider": provider.name },
    make("header", {}, make("b", {}, provider.title), state, ...page),
    key,
    save,
    forget,
  );

  async function send(method, body) {
    // The key goes to this route and nowhere else: not into ComfyUI's own settings.
    key.value = "";
    let problem = null;
    try {
      const reply = await api.fetchApi(`/kling26/keys/${provider.name}`, {
        method,
        headers: { "Content-Type": "application/json" },
        body,
      });
      const content = await reply.json();
      if (reply.ok) {
        form.replaceWith(providerForm(content));
        fetchProviders().catch(() => {}); // Another key, another price of "auto".
      } else problem = content.error;
    } catch {
      problem = words.failed;
    }
    if (problem) showProblem(form, problem);
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (key.value) send("POST", JSON.stringify({ key: key.value }));
  });
  forget.addEventListener("click", () => send("DELETE"));
  // Shortcuts of the canvas must not fire while a key is typed.
  for (const kind of ["keydown", "keyup", "paste"]) {
    form.addEventListener(kind, (event) => event.stopPropagation());
  }
  if (provider.key.problem) showProblem(form, provider.key.problem);
  if (provider.note) form.append(make("p", { class: "kling26-note", role: "status" }, provider.note));
  return form;
}

function showProblem(form, problem) {
  form.querySelector(".kling26-error")?.remove();
  form.append(make("p", { class: "kling26-error" }, problem));
}

function keysPage() {
  const page = make("div", { class: "kling26-keys" }, make("style", {}, STYLE));
  const forms = make("div", { class: "kling26-keys" });
  page.append(make("p", {}, texts().about), forms);
  fetchProviders()
    .then((all) => forms.replaceChildren(...all.map(providerForm)))
    .catch((error) => forms.replaceChildren(make("p", { class: "kling26-error" }, String(error.message))));
  return page;
}

// -- badge ---------------------------------------------------------------------------------

function values(node) {
  const found = Object.fromEntries((node.widgets ?? []).map((each) => [each.name, each.value]));
  const linked = (name) => node.inputs?.some((input) => input.name === name && input.link != null);
  found.with_image = linked("image") || linked("image_url") || Boolean(found.image_url?.trim?.());
  found.with_end_image = linked("end_image");
  // What arrives by a link is not known before the run.
  for (const input of node.inputs ?? []) {
    if (input.link != null && input.widget) delete found[input.widget.name];
  }
  return found;
}

/** The list price of what is chosen, as text; empty where none is known. */
function price(node) {
  const chosen = values(node);
  if (chosen.sandbox === true) return texts().free;
  const table =
    chosen.provider === "auto"
      ? autoPrices
      : (providers.find((each) => each.name === chosen.provider)?.prices ?? []);
  const row = table.find((each) =>
    Object.entries(each.when).every(([name, value]) => chosen[name] === value),
  );
  return row ? `$${row.usd.toFixed(3).replace(/0$/, "")}` : "";
}

function addBadge(node) {
  const Badge = window.LGraphBadge ?? window.LiteGraph?.LGraphBadge;
  if (!Badge || !Array.isArray(node.badges)) return;
  node.badges.push(
    () => new Badge({ text: price(node), fgColor: "#ffffff", bgColor: "#3b6e57" }),
  );
}

// -- labels --------------------------------------------------------------------------------

/** What a plug-in says of its options; the page knows the locales of this folder only. */
function labelOwn(node) {
  const chosen = node.widgets?.find((each) => each.name === "provider")?.value;
  const own = providers.find((each) => each.name === chosen)?.texts ?? {};
  for (const widget of node.widgets ?? []) {
    if (!own[widget.name]) continue;
    Object.assign(widget, own[widget.name]);
    const input = node.inputs?.find((each) => each.widget?.name === widget.name);
    if (input) input.label = widget.label;
  }
}

/** A box of text shows its label, in the user's language, where it is empty. */
function labelBoxes(node) {
  labelOwn(node);
  for (const widget of node.widgets ?? []) {
    const box = widget.element ?? widget.inputEl;
    if (box?.tagName === "TEXTAREA" && widget.label) box.placeholder = widget.label;
  }
}

function keepBoxesLabelled(node) {
  const choice = node.widgets?.find((each) => each.name === "provider");
  if (!choice) return;
  const chosen = choice.callback;
  choice.callback = function (...values) {
    const result = chosen?.apply(this, values);
    labelBoxes(node); // The chosen provider's widgets are new.
    return result;
  };
  const configured = node.onConfigure;
  node.onConfigure = function (...values) {
    const result = configured?.apply(this, values);
    labelBoxes(node);
    return result;
  };
  labelBoxes(node);
}

// ------------------------------------------------------------------------------------------

app.registerExtension({
  name: "kling26",
  settings: [
    {
      id: "Kling26.Keys",
      category: ["Kling 2.6", "Keys", "Keys"],
      name: "API keys",
      type: () => keysPage(),
      defaultValue: undefined,
    },
  ],
  async setup() {
    fetchProviders().catch(() => {});
  },
  nodeCreated(node) {
    if (node.comfyClass !== NODE) return;
    addBadge(node);
    keepBoxesLabelled(node);
    // Another seed is another payment. Front ends that know no other default start with
    // "randomize"; a saved workflow sets its own value after this.
    const control = node.widgets?.find((each) => each.name === "control_after_generate");
    if (control) control.value = "fixed";
  },
});
