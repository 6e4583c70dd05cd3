// Where to go on the page: the panel, our settings, a provider's site.

import { app } from "./comfyui.js";

export const TAB = "kling26";

/**
 * What the panel shall show: a task, or the budget's form at one of its limits.
 *
 * @typedef {{ task?: string, budget?: string }} Wish
 */

/** @type {Wish | null} */
let wish = null;
/** @type {((wish: Wish) => void) | null} */
let granter = null;

/**
 * Open the panel, at a task or at the budget.
 *
 * @param {Wish} [wanted]
 */
export async function openPanel(wanted = {}) {
  closeErrorDialog();
  const tabs = app.extensionManager.sidebarTab;
  if (tabs?.activeSidebarTabId !== TAB) {
    await app.extensionManager.command.execute(`Workspace.ToggleSidebarTab.${TAB}`);
  }
  if (granter) granter(wanted);
  else wish = wanted;
}

/**
 * The panel is there: it gets what was wished for, now and from now on.
 *
 * @param {((wish: Wish) => void) | null} grant null: it is gone
 */
export function grantWishes(grant) {
  granter = grant;
  if (grant && wish) grant(wish);
  wish = null;
}

/**
 * Open ComfyUI's settings at our keys.
 *
 * @param {string | null} [provider] in whose box the next key goes
 */
export async function openKeys(provider) {
  closeErrorDialog();
  await app.extensionManager.command.execute("Comfy.ShowSettingsDialog");
  const entry = await appeared(() =>
    [...document.querySelectorAll("[role=dialog] *")].findLast(
      (each) => each.childElementCount === 0 && each.textContent?.trim() === "Kling 2.6",
    ),
  );
  if (entry instanceof HTMLElement) entry.click();
  const row = provider ? `[data-provider="${CSS.escape(provider)}"]` : "[data-provider]";
  const box = await appeared(() => document.querySelector(`.kling26-keys ${row} input`) ?? undefined);
  if (box instanceof HTMLElement) keepFocus(box);
}

/**
 * Put the focus somewhere, also if ComfyUI puts it elsewhere while its dialog opens.
 *
 * @param {HTMLElement} element
 */
async function keepFocus(element) {
  let acted = false;
  const act = () => (acted = true);
  for (const kind of ["keydown", "pointerdown"]) addEventListener(kind, act, { capture: true, once: true });
  element.scrollIntoView({ block: "nearest" });
  for (let tries = 0; tries < 12 && !acted; tries++) {
    element.focus();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Older front ends open a dialog for each failed run, beneath which nothing can be pressed. */
function closeErrorDialog() {
  /** @type {HTMLElement | null} */
  const close = document.querySelector(
    "[role=dialog][aria-labelledby=global-execution-error] .p-dialog-close-button",
  );
  close?.click();
}

/**
 * @param {string} url
 */
export function openPage(url) {
  // Only what a browser shows: an address comes from a plug-in or from a provider.
  if (/^https?:\/\//i.test(url)) window.open(url, "_blank", "noopener,noreferrer");
}

/**
 * @template T
 * @param {() => T | undefined} find
 * @returns {Promise<T | undefined>} what is found within two seconds
 */
async function appeared(find) {
  for (let tries = 0; tries < 40; tries++) {
    const found = find();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return undefined;
}
