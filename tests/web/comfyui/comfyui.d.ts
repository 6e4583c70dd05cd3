// The few names of ComfyUI's page that we use. Its own objects are untyped here on purpose: they
// differ from version to version, and what may be missing is asked for where it is used.

declare module "*/scripts/app.js" {
  export const app: any;
}

declare module "*/scripts/api.js" {
  export const api: any;
}

interface Window {
  LiteGraph?: any;
  LGraphBadge?: any;
}
