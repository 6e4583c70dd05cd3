// Our routes: the only place that asks ComfyUI's server for something.

import { api } from "./comfyui.js";
import { language } from "./language.js";

/**
 * What helps after an error, as data; `do` as in core/errors.py.
 *
 * @typedef {{
 *   do: string,
 *   option?: string | null,
 *   variable?: string | null,
 *   page?: string | null,
 *   command?: string | null,
 * }} Remedy
 */

export class ServerError extends Error {
  /**
   * @param {string} message a sentence for users
   * @param {Remedy | null} remedy
   * @param {number} status of HTTP; 0: no answer
   */
  constructor(message, remedy, status) {
    super(message);
    this.name = "ServerError";
    this.remedy = remedy;
    this.status = status;
  }
}

// Longer than the server waits for any provider.
const PATIENCE = 90_000;

/** @param {string} path beginning with "/kling26/" */
export function get(path) {
  return request("GET", path);
}

/**
 * @param {string} path
 * @param {unknown} [body]
 */
export function post(path, body = {}) {
  return request("POST", path, body);
}

/** @param {string} path */
export function remove(path) {
  return request("DELETE", path);
}

/**
 * The address of something that the browser loads by itself: an image, a video.
 *
 * @param {string} path
 * @returns {string}
 */
export function address(path) {
  return api.apiURL(path);
}

/**
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body]
 * @returns {Promise<any>} what was answered, from JSON; rejects with a `ServerError`
 */
async function request(method, path, body) {
  /** @type {Record<string, string>} */
  const headers = { "Accept-Language": language() };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let reply, content;
  try {
    reply = await api.fetchApi(path, {
      method,
      headers,
      cache: "no-store",
      signal: AbortSignal.timeout(PATIENCE),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    readClock(reply);
    content = await reply.json();
  } catch {
    throw new ServerError(noAnswer(), null, reply?.status ?? 0);
  }
  if (reply.ok) return content;
  throw new ServerError(content?.error || noAnswer(), content?.remedy ?? null, reply.status);
}

/** How far the server's clock is ahead of this one, in seconds. */
let ahead = 0;

/** @returns {number} seconds since 1970 on the server's clock, by which tasks are dated */
export function serverTime() {
  return Date.now() / 1000 + ahead;
}

/** @param {Response} reply */
function readClock(reply) {
  const told = Date.parse(reply.headers?.get("Date") ?? "") / 1000;
  const difference = told - Date.now() / 1000;
  // The header has whole seconds, and came a moment ago: on one machine there is no difference.
  if (Number.isFinite(difference)) ahead = Math.abs(difference) < 3 ? 0 : difference;
}

let sentence = "ComfyUI did not answer.";

function noAnswer() {
  return sentence;
}

/** @param {string} text what to say when ComfyUI does not answer, in the page's language */
export function sayNoAnswer(text) {
  sentence = text;
}
