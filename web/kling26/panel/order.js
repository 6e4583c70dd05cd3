// Which rows can stay where they are when the order changes.

/**
 * The most numbers that are in order already: a longest increasing subsequence.
 *
 * @param {(number | undefined)[]} places where each thing is now, in the order in which they shall
 *   be; `undefined`: nowhere yet
 * @returns {Set<number | undefined>} the places of those that can stay
 */
export function inPlace(places) {
  /** @type {number[]} For each length, where in `places` the least end of such a sequence is. */
  const ends = [];
  /** @type {Map<number, number | undefined>} */
  const before = new Map();
  for (const [index, place] of places.entries()) {
    if (place === undefined) continue;
    let low = 0, high = ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (/** @type {number} */ (places[/** @type {number} */ (ends[middle])]) < place) low = middle + 1;
      else high = middle;
    }
    before.set(index, ends[low - 1]);
    ends[low] = index;
  }
  const staying = new Set();
  for (let index = ends.at(-1); index !== undefined; index = before.get(index)) {
    staying.add(places[index]);
  }
  return staying;
}
