// Every name of ComfyUI's page that we use at load time, in one place.

export { app } from "../../../scripts/app.js";
export { api } from "../../../scripts/api.js";
