// What we add to ComfyUI's page. ComfyUI loads every module in this folder by itself, so that only
// this one does anything when it is loaded.

import { api, app } from "./kling26/comfyui.js";
import { keysPage } from "./kling26/keys.js";
import { language } from "./kling26/language.js";
import { watchMessages, workflowOpened } from "./kling26/messages.js";
import { beforeRegisterNodeDef, nodeCreated, startNodes } from "./kling26/node/node.js";
import { listenToRuns } from "./kling26/node/runs.js";
import { addPanel, redrawPanel } from "./kling26/panel/panel.js";
import { listenToTasks, startTasks } from "./kling26/panel/store.js";
import { startWaiting } from "./kling26/panel/waiting.js";
import { fetchProviders } from "./kling26/providers.js";
import { post } from "./kling26/server.js";
import { loadWords } from "./kling26/words.js";

/** @type {() => void} */
let begin;
/** @type {Promise<void>} The page has its words, and the nodes can say them. */
const started = new Promise((resolve) => (begin = resolve));

// Two copies may be installed; the page belongs to the one that was loaded first.
const OURS = Symbol.for("kling26");

/** Runs that this page starts speak its language. */
function tellLanguage() {
  post("/kling26/client", { client: api.clientId, language: language() }).catch(() => {});
}

async function changeLanguage() {
  await loadWords();
  redrawPanel();
  tellLanguage();
}

async function setup() {
  await loadWords();
  addPanel();
  startNodes();
  begin();
  fetchProviders().catch(() => {}); // The node and the panel say so when they are used.
  tellLanguage();
  api.addEventListener("reconnected", tellLanguage);
  // The event comes before the setting has its new value.
  app.ui.settings.addEventListener("Comfy.Locale.change", () => setTimeout(changeLanguage));
  watchMessages();
  startWaiting();
  await startTasks();
}

if (!(OURS in globalThis)) {
  Object.defineProperty(globalThis, OURS, { value: import.meta.url });
  listenToRuns(started);
  listenToTasks();
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
    setup,
    beforeRegisterNodeDef,
    nodeCreated,
    afterConfigureGraph: workflowOpened,
  });
}
