// ComfyUI's `app`, as far as a test needs it.

export const settings = new Map([["Comfy.Locale", "en"]]);

export const app = {
  extensionManager: {
    setting: { get: (name) => settings.get(name), set: (name, value) => settings.set(name, value) },
    command: { commands: [], execute: async () => {} },
    getSidebarTabs: () => [],
    registerSidebarTab: () => {},
  },
  graph: { nodes: [] },
};
