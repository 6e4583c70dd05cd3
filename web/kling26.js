// What we add to ComfyUI's page. ComfyUI loads every module in this folder by itself, so that only
// this one does anything when it is loaded.

import { app } from "./kling26/comfyui.js";
import { keysPage } from "./kling26/keys.js";
import { beforeRegisterNodeDef, nodeCreated, startNodes } from "./kling26/node/node.js";
import { fetchProviders } from "./kling26/providers.js";
import { loadWords } from "./kling26/words.js";

// Two copies may be installed; the page belongs to the one that was loaded first.
const OURS = Symbol.for("kling26");
const first = !(OURS in globalThis);

if (first) {
  Object.defineProperty(globalThis, OURS, { value: import.meta.url });
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
      await loadWords();
      startNodes();
      fetchProviders().catch(() => {}); // The node and the panel say so when they are used.
    },
    beforeRegisterNodeDef,
    nodeCreated,
  });
}
