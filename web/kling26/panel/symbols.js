// The picture of a task that has none yet: how it stands. The ground is dark in every theme.

/** What is drawn on 24 × 24 units. */
const WAITING = "M12 7v5l3 2M12 3a9 9 0 1 0 .01 0z";
/** @type {Record<string, [string, string]>} */
const SHAPES = {
  submitting: ["#7aa2f7", "M12 19V6M6 11l6-6 6 6"],
  submitted: ["#7aa2f7", WAITING],
  succeeded: ["#5fb878", "M12 5v13M6 13l6 6 6-6"],
  stored: ["#5fb878", "M9 6l9 6-9 6z"],
  unknown: ["#e0af68", "M9 9a3 3 0 1 1 4 3c-1 .5-1 1-1 2.5M12 18v.5"],
  cancelled: ["#8b8f99", "M6 6h12v12H6z"],
};
/** @type {[string, string]} */
const FAILED = ["#e06c65", "M6 6l12 12M18 6L6 18"];

/**
 * @param {string} state
 * @returns {string} an address for an image
 */
export function symbol(state) {
  const [colour, path] = SHAPES[state] ?? FAILED;
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-20 -6 64 36" fill="none" stroke="${colour}"` +
    ` stroke-width="2" stroke-linecap="round" stroke-linejoin="round"><path d="${path}"/></svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}
