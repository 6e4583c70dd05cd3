// Lets node's test runner find ComfyUI's own modules: the stand-ins in this folder.

import { register } from "node:module";

register("./resolve.js", import.meta.url);
