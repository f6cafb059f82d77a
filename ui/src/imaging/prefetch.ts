/**
 * In which order frames are wanted. Near the frame on screen first; in the direction of the last
 * scrolling twice as far as behind it, since a reader who moves on seldom turns at once.
 */

export type Direction = -1 | 0 | 1;

function cost(frame: number, near: number, direction: Direction): number {
  const distance = frame - near;
  if (distance === 0) return 0;
  const ahead = direction === 0 || Math.sign(distance) === direction;
  // The fraction breaks ties in favour of the later frame, so that the order is one and the same everywhere.
  return Math.abs(distance) * (ahead ? 1 : 2) - (distance > 0 ? 0.5 : 0);
}

/** All frames from `first` to `last`, the most urgent first. */
export function urgency(first: number, last: number, near: number, direction: Direction): number[] {
  const frames = Array.from({ length: Math.max(0, last - first + 1) }, (_, offset) => first + offset);
  return frames.sort((a, b) => cost(a, near, direction) - cost(b, near, direction));
}

/** The most urgent of the pending frames. */
export function mostUrgent(pending: Iterable<number>, near: number, direction: Direction): number | undefined {
  let best: number | undefined;
  let bestCost = Infinity;
  for (const frame of pending) {
    const frameCost = cost(frame, near, direction);
    if (frameCost < bestCost) {
      best = frame;
      bestCost = frameCost;
    }
  }
  return best;
}

/** The run of missing frames around `frame`: one message to ask for all of them. */
export function missingRun(frame: number, count: number, has: (frame: number) => boolean): [number, number] | undefined {
  if (frame < 0 || frame >= count || has(frame)) return undefined;
  let first = frame;
  let last = frame;
  while (first > 0 && !has(first - 1)) first -= 1;
  while (last < count - 1 && !has(last + 1)) last += 1;
  return [first, last];
}

/** The run of missing frames that is nearest to `near`; the later one of two. */
export function nearestMissing(near: number, count: number, has: (frame: number) => boolean): [number, number] | undefined {
  for (let distance = 0; distance < count; distance += 1) {
    const run = missingRun(near + distance, count, has) ?? missingRun(near - distance, count, has);
    if (run !== undefined) return run;
  }
  return undefined;
}

export type Wanted = { series: number; first: number; last: number; near: number };

type SeriesWants = { pending: Set<number>; near: number; direction: Direction };

/**
 * What was asked for and has not arrived, by series. A wish replaces the former one of its series, and
 * the series asked for last comes first.
 */
export class Outstanding {
  readonly #series = new Map<number, SeriesWants>();

  want({ series, first, last, near }: Wanted): void {
    const before = this.#series.get(series);
    const direction = Math.sign(near - (before?.near ?? near)) as Direction;
    const wants: SeriesWants = { pending: new Set<number>(), near, direction };
    for (let frame = first; frame <= last; frame += 1) wants.pending.add(frame);
    // Setting it anew moves the series to the end of the map's order, which `next` reads backwards.
    this.#series.delete(series);
    this.#series.set(series, wants);
  }

  drop(series: number): void {
    this.#series.delete(series);
  }

  done(series: number, frame: number): void {
    const wants = this.#series.get(series);
    wants?.pending.delete(frame);
    if (wants?.pending.size === 0) this.#series.delete(series);
  }

  wants(series: number, frame: number): boolean {
    return this.#series.get(series)?.pending.has(frame) ?? false;
  }

  /** The next frame to ask for, leaving out those in `inFlight` (keys by `frameKey`). */
  next(inFlight: ReadonlySet<string>): { series: number; frame: number } | undefined {
    for (const [series, wants] of [...this.#series].reverse()) {
      const free = [...wants.pending].filter((frame) => !inFlight.has(frameKey(series, frame)));
      const frame = mostUrgent(free, wants.near, wants.direction);
      if (frame !== undefined) return { series, frame };
    }
    return undefined;
  }

  /** Everything outstanding, one wish a series, the oldest first: what a new connection is told. */
  asWants(): Wanted[] {
    return [...this.#series].map(([series, { pending, near }]) => ({
      series,
      first: Math.min(...pending),
      last: Math.max(...pending),
      near,
    }));
  }
}

export function frameKey(series: number, frame: number): string {
  return `${String(series)}/${String(frame)}`;
}
