/** How fast something moves, from what was seen of it. Pure: the time is an argument, in milliseconds. */

/** What is older says nothing about now. */
const window = 8000;
/** Less than this is no measure. */
const least = 800;

export class Pace {
  #seen: { at: number; moved: number }[] = [];

  note(at: number, moved: number): void {
    const last = this.#seen.at(-1);
    if (last?.moved === moved) return;
    // An attempt began anew.
    if (last && moved < last.moved) this.#seen = [];
    this.#seen.push({ at, moved });
    while (this.#seen.length > 2 && (this.#seen[1]?.at ?? at) < at - window) this.#seen.shift();
  }

  /** Bytes a second; null while too little was seen. Standing still makes it slower. */
  rate(now: number): number | null {
    const first = this.#seen[0];
    const last = this.#seen.at(-1);
    if (!first || !last || last.at - first.at < least) return null;
    const rate = ((last.moved - first.moved) * 1000) / Math.max(last.at - first.at, now - first.at - 2000);
    return rate > 0 ? rate : null;
  }
}

/** Whole seconds until all is there; null while that is not known. */
export function restSeconds(moved: number, total: number | null, rate: number | null): number | null {
  return total === null || rate === null ? null : Math.max(1, Math.ceil((total - moved) / rate));
}
