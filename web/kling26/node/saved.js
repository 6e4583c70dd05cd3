// The widgets' values in saved workflows, which front ends keep by position.
//
// A value is put back by its name: positions change with the version of the node, and with that of
// a plug-in. What belongs to a plug-in that is not there is kept aside, and saved again.

/**
 * A widget as the node has it, with the value of a new one.
 *
 * @typedef {{ name: string, value: unknown }} Slot
 *
 * A value without a name is of a plug-in that was not there when its names could have been told.
 *
 * @typedef {[name: string | null, value: unknown]} Kept
 */

/** ComfyUI's own widget after the seed, which has another name in some front ends. */
export const CONTROL = "control_after_generate";
export const OWN = "provider.";

/** The order before there was a count: what it has in place of that is the sandbox's switch. */
const BEFORE_COUNT = [
  "prompt", "image_url", "sound", "duration", "aspect_ratio", "seed", CONTROL, "sandbox", "provider",
];

/**
 * Put the values of a saved node where this version of the node has them.
 *
 * @param {any} saved a node of a workflow's file, which is changed
 * @param {any} definition what ComfyUI's server tells of the node
 * @returns {Kept[]} what the node has no widget for
 */
export function mend(saved, definition) {
  if (!Array.isArray(saved.widgets_values)) return [];
  const told = named(saved, definition);
  const values = new Map(told);
  const there = slots(definition, values.get("provider"));
  const known = new Set(there.map((each) => each.name));
  // A file may end early; what it does not have is as on a new node.
  const last = there.findLastIndex((each) => values.has(each.name));
  const ours = there
    .slice(0, last + 1)
    .map((each) => (values.has(each.name) ? values.get(each.name) : each.value));
  const rest = told.filter(([name]) => name === null || !known.has(name));
  const kept = rest.filter(([name]) => name === null || name.startsWith(OWN));
  // Other packs put widgets on every node, after ours.
  const others = rest.filter((each) => !kept.includes(each)).map(([, value]) => value);
  saved.widgets_values = [...ours, ...others];
  return kept;
}

/**
 * @param {any} saved
 * @param {any} definition
 * @returns {Kept[]} the values of a saved node with their names
 */
function named(saved, definition) {
  const values = saved.widgets_values;
  const names = saved.properties?.kling26?.names ?? usual(values, definition);
  const provider = values[names.indexOf("provider")];
  const own = slots(definition, provider).filter((each) => each.name.startsWith(OWN));
  let unnamed = 0;
  const told = values.map((/** @type {unknown} */ value, /** @type {number} */ index) => [
    names[index] ?? own[unnamed++]?.name ?? null,
    value,
  ]);
  // Beyond the options of a provider that is there, values are of widgets that no longer are.
  const absent = !providersOf(definition).includes(provider);
  return told.filter((/** @type {Kept} */ [name]) => name !== null || absent);
}

/**
 * @param {unknown[]} values
 * @param {any} definition
 * @returns {string[]} the names in a file that does not tell them, but those of the own options
 */
function usual(values, definition) {
  if (typeof values[BEFORE_COUNT.indexOf("sandbox")] === "boolean") return BEFORE_COUNT;
  return slots(definition, null).map((each) => each.name);
}

/**
 * Tell the names of the values in a node that is about to be saved, and add what was kept aside.
 *
 * @param {any} saved the node of the file, which is changed
 * @param {any[]} widgets those of the node
 * @param {Kept[]} kept
 * @param {Record<string, Kept[]>} [others] the own values of providers that are not chosen
 */
export function keep(saved, widgets, kept, others = {}) {
  if (!Array.isArray(saved.widgets_values)) return;
  /** @type {Kept[]} */
  const told = [];
  widgets.forEach((widget, index) => {
    if (widget.serialize === false) return;
    const control = widgets[index - 1]?.name === "seed";
    told.push([control ? CONTROL : widget.name, saved.widgets_values[index]]);
  });
  told.push(...kept);
  saved.widgets_values = told.map(([, value]) => value);
  /** @type {{ names: (string | null)[], others?: Record<string, Kept[]> }} */
  const kling26 = { names: told.map(([name]) => name) };
  if (Object.keys(others).length > 0) kling26.others = others;
  saved.properties = { ...saved.properties, kling26 };
}

/**
 * The own values of providers that were not chosen when a node was saved.
 *
 * @param {any} saved a node of a workflow's file, which anybody may have written
 * @returns {Record<string, Kept[]>}
 */
export function othersIn(saved) {
  const told = Object.entries(saved.properties?.kling26?.others ?? {});
  /** @param {any} pair */
  const isKept = (pair) => Array.isArray(pair) && String(pair[0]).startsWith(OWN);
  return Object.fromEntries(
    told.filter(([, pairs]) => Array.isArray(pairs) && pairs.length > 0 && pairs.every(isKept)),
  );
}

/**
 * The widgets of a node with this provider, from what ComfyUI's server tells of the node.
 *
 * @param {any} definition
 * @param {unknown} provider the own options of an unknown one are not there
 * @returns {Slot[]}
 */
export function slots(definition, provider) {
  const { required = {}, optional = {} } = definition.input;
  return Object.entries({ ...required, ...optional }).flatMap(([name, spec]) => {
    if (name !== "provider") return slot(name, spec);
    const options = spec[1].options;
    const inputs = options.find((/** @type {any} */ each) => each.key === provider)?.inputs ?? {};
    const own = Object.entries({ ...inputs.required, ...inputs.optional });
    return [
      { name, value: options[0]?.key },
      ...own.flatMap(([own_, itsSpec]) => slot(OWN + own_, itsSpec)),
    ];
  });
}

/** Inputs without a widget. */
const SOCKETS = new Set(["IMAGE"]);

/**
 * @param {string} name
 * @param {any} spec
 * @returns {Slot[]} none for a socket, and two for a seed
 */
function slot(name, [type, facts = {}]) {
  if (SOCKETS.has(type)) return [];
  const first = Array.isArray(type) ? type[0] : facts.options?.[0];
  const here = { name, value: facts.default ?? first };
  return name === "seed" ? [here, { name: CONTROL, value: "fixed" }] : [here];
}

/**
 * @param {any} definition
 * @returns {string[]} the providers that there are
 */
export function providersOf(definition) {
  const { required = {}, optional = {} } = definition.input;
  const [, facts] = { ...required, ...optional }.provider ?? [null, { options: [] }];
  return facts.options.map((/** @type {any} */ each) => each.key);
}
