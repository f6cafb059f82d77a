/**
 * Which lines of a long list are drawn, and where the list stands so that the line being read stays in its place.
 * Pure: heights and positions come in as numbers of CSS pixels.
 */

/** What a line is good for when a list holds on to one of its lines. */
export type Hold =
  /** Stays the same line while others come and go around it. */
  | 'firm'
  /** A separator: it may move to another place in the list. */
  | 'loose';

export interface Row {
  id: string;
  hold: Hold;
}

/** Where the top of each line is, and at the end how high all are together. */
export function offsetsOf(rows: readonly Row[], heights: ReadonlyMap<string, number>, guess: (at: number) => number): Float64Array {
  const offsets = new Float64Array(rows.length + 1);
  let sum = 0;
  rows.forEach((row, at) => {
    offsets[at] = sum;
    sum += heights.get(row.id) ?? guess(at);
  });
  offsets[rows.length] = sum;
  return offsets;
}

const offset = (offsets: Float64Array, at: number): number => offsets[at] ?? 0;

/** The line at a position; the nearest one outside the list. */
export function rowAt(offsets: Float64Array, position: number): number {
  let low = 0;
  let high = Math.max(0, offsets.length - 2);
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (offset(offsets, middle) <= position) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The lines that a part of the list shows, from the first to before the second number. */
export function visible(offsets: Float64Array, top: number, height: number, around: number): [number, number] {
  if (offsets.length <= 1) return [0, 0];
  return [rowAt(offsets, top - around), rowAt(offsets, top + height + around) + 1];
}

export interface Segment {
  at: number;
  /** Empty space before the line. */
  gap: number;
}

/** The lines to draw, in order, with the space of those between them that are not; some are drawn wherever they are. */
export function segments([from, to]: readonly [number, number], pinned: readonly number[], offsets: Float64Array): { drawn: Segment[]; rest: number } {
  const wanted = [...new Set([...pinned.filter((at) => at >= 0 && at < offsets.length - 1), ...Array.from({ length: to - from }, (_, step) => from + step)])].toSorted((a, b) => a - b);
  let end = 0;
  const drawn = wanted.map((at) => {
    const segment = { at, gap: offset(offsets, at) - end };
    end = offset(offsets, at + 1);
    return segment;
  });
  return { drawn, rest: offset(offsets, offsets.length - 1) - end };
}

/** A line that is held in its place, by one of its edges. */
export interface Anchor {
  id: string;
  edge: 'top' | 'bottom';
  /** From the top of what is seen to that edge. */
  distance: number;
}

/**
 * The line to hold on to: the first firm one that begins in sight, else the one that fills it.
 *
 * The very first firm line of a list is held by its lower edge: what is loaded before it may take its heading.
 */
export function anchorAt(rows: readonly Row[], offsets: Float64Array, top: number, height: number): Anchor | null {
  if (rows.length === 0) return null;
  const first = rowAt(offsets, top);
  const firstFirm = rows.findIndex((row) => row.hold === 'firm');
  let found = -1;
  for (let at = first; at < rows.length && offset(offsets, at) < top + height; at += 1) {
    if (rows[at]?.hold === 'firm' && (offset(offsets, at) >= top || found < 0)) {
      found = at;
      if (offset(offsets, at) >= top) break;
    }
  }
  if (found < 0) found = first;
  const row = rows[found];
  if (!row) return null;
  const edge = found === firstFirm && offset(offsets, found) >= top ? 'bottom' : 'top';
  return { id: row.id, edge, distance: offset(offsets, edge === 'top' ? found : found + 1) - top };
}

/** Where the list must stand for a held line to be where it was; null when the line is gone. */
export function placed(anchor: Anchor, rows: readonly Row[], offsets: Float64Array): number | null {
  const at = rows.findIndex((row) => row.id === anchor.id);
  return at < 0 ? null : offset(offsets, anchor.edge === 'top' ? at : at + 1) - anchor.distance;
}

/** The same place held by another line, when the held one is about to go: its nearest neighbor that stays. */
export function handedOver(anchor: Anchor, before: readonly Row[], offsets: Float64Array, after: readonly Row[]): Anchor | null {
  const top = placed(anchor, before, offsets);
  const at = before.findIndex((row) => row.id === anchor.id);
  if (top === null || at < 0) return null;
  const staying = new Set(after.map((row) => row.id));
  for (let step = 0; step < before.length; step += 1) {
    for (const near of [at + step, at - step]) {
      const row = before[near];
      if (row && staying.has(row.id)) return { id: row.id, edge: 'top', distance: offset(offsets, near) - top };
    }
  }
  return null;
}

/** Whether the last line is in sight to its end. Screens round, so a few pixels are forgiven. */
export function isAtEnd(top: number, height: number, total: number): boolean {
  return total - top - height <= 4;
}
