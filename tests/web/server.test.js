import assert from "node:assert/strict";
import { test } from "node:test";

import { ServerError, address, get, post, sayNoAnswer } from "../../web/kling26/server.js";
import { answers, asked } from "./comfyui/api.js";

test("an error of the server has its sentence and what helps", async () => {
  const remedy = { do: "set_key", command: null };
  answers["GET /kling26/x"] = [400, { error: "No key.", remedy }];
  await assert.rejects(get("/kling26/x"), (error) => {
    assert.ok(error instanceof ServerError);
    assert.deepEqual([error.message, error.remedy, error.status], ["No key.", remedy, 400]);
    return true;
  });
});

test("what is no JSON, and no answer at all, become a sentence", async () => {
  sayNoAnswer("Nobody answered.");
  answers["GET /kling26/x"] = [500, "<html>"];
  await assert.rejects(get("/kling26/x"), { message: "Nobody answered.", status: 500 });
  await assert.rejects(get("/kling26/gone"), { message: "Nobody answered.", status: 0 });
});

test("a POST says that its body is JSON", async () => {
  answers["POST /kling26/x"] = [200, {}];
  await post("/kling26/x", { a: 1 });
  assert.equal(asked.at(-1).body, '{"a":1}');
  assert.equal(asked.at(-1).headers["Content-Type"], "application/json");
});

test("addresses keep the path that a proxy has put in front", () => {
  assert.equal(address("/kling26/tasks/a/video"), "/prefix/api/kling26/tasks/a/video");
});
