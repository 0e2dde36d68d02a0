/** Makes a failing list shorter: leaves out halves, quarters, … single items, as long as what is left still fails. */

/**
 * @param fails plays the list; whatever it fails of is fine
 * @param untilMs of `performance.now()`: then the shortest one so far has to do
 */
export async function shorten<T>(items: T[], fails: (items: T[]) => Promise<boolean>, untilMs: number): Promise<T[]> {
  let shortest = items;
  for (let size = Math.ceil(items.length / 2); size >= 1; ) {
    let removed = false;
    // From the end: what follows the failure goes first.
    for (let from = shortest.length - size; from > -size; from -= size) {
      if (performance.now() > untilMs) return shortest;
      const rest = [...shortest.slice(0, Math.max(0, from)), ...shortest.slice(from + size)];
      if (!(await fails(rest))) continue;
      shortest = rest;
      removed = true;
    }
    if (size === 1 && !removed) break;
    size = removed ? Math.min(size, shortest.length) : Math.floor(size / 2);
  }
  return shortest;
}
