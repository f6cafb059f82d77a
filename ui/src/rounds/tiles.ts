/** Where everybody's tile is: the shape of the gallery, and an order that speaking changes rarely. */
import type { RoundPersonView } from '../host/contract';

/** Tiles on one page of the gallery. */
export const pageSize = 9;
/** Between two changes of the order by speaking. */
const steadyMillis = 10_000;

/** Columns and rows for so many tiles: one full, two side by side, then 2×2, 3×2, 3×3. */
export function gridOf(count: number): { columns: number; rows: number } {
  if (count <= 1) return { columns: 1, rows: 1 };
  if (count === 2) return { columns: 2, rows: 1 };
  if (count <= 4) return { columns: 2, rows: 2 };
  if (count <= 6) return { columns: 3, rows: 2 };
  return { columns: 3, rows: 3 };
}

export interface TileOrder {
  /** Ids of people, the front first. */
  ids: readonly string[];
  /** When somebody last spoke, in milliseconds. */
  spoke: Readonly<Record<string, number>>;
  /** When speaking last changed the order. */
  changed: number;
}

export const noOrder: TileOrder = { ids: [], spoke: {}, changed: -Infinity };

/**
 * The order of tiles. Who is here comes last, the others stay as they came. The first `front` places are what is seen
 * without turning a page: who speaks behind them changes places with who has been silent in front the longest, at most
 * once in ten seconds, and never while `held` (a pointer or the focus is on the tiles).
 */
export function orderTiles(before: TileOrder, people: readonly RoundPersonView[], now: number, { front, held }: { front: number; held: boolean }): TileOrder {
  const byId = new Map(people.map((one) => [one.id, one]));
  const here = people.find((one) => one.here)?.id;
  const kept = before.ids.filter((id) => byId.has(id));
  const known = new Set(kept);
  const fresh = people.filter((one) => !known.has(one.id) && !one.here).map((one) => one.id);
  const herePlace = here === undefined ? -1 : kept.indexOf(here);
  // New people come before this person only while that is the last one.
  const ids = herePlace < 0 ? [...kept, ...fresh, ...(here === undefined ? [] : [here])] : herePlace === kept.length - 1 ? [...kept.slice(0, -1), ...fresh, ...kept.slice(-1)] : [...kept, ...fresh];
  const spoke = Object.fromEntries(people.flatMap((one) => {
    const at = one.speaking ? now : before.spoke[one.id];
    return at === undefined ? [] : [[one.id, at] as const];
  }));
  let changed = before.changed;
  if (!held && ids.length > front && now - changed >= steadyMillis) {
    const behind = ids.slice(front).filter((id) => byId.get(id)?.speaking === true && id !== here);
    for (const id of behind) {
      const silent = ids
        .slice(0, front)
        .filter((one) => byId.get(one)?.speaking !== true)
        .toSorted((a, b) => (spoke[a] ?? -Infinity) - (spoke[b] ?? -Infinity) || ids.indexOf(b) - ids.indexOf(a))[0];
      if (silent === undefined) break;
      const [from, to] = [ids.indexOf(id), ids.indexOf(silent)];
      ids[from] = silent;
      ids[to] = id;
      changed = now;
    }
  }
  const same = ids.length === before.ids.length && ids.every((id, at) => id === before.ids[at]);
  return { ids: same ? before.ids : ids, spoke, changed };
}

/** Who shows a screen that can be seen here. */
export function sharers(people: readonly RoundPersonView[]): RoundPersonView[] {
  return people.filter((one) => one.screen !== null && one.key === 'encrypted');
}

/** Who asks for the word, in the order of their hands. */
export function handQueue(people: readonly RoundPersonView[]): RoundPersonView[] {
  return people.filter((one) => one.hand !== null).toSorted((a, b) => (a.hand ?? 0) - (b.hand ?? 0));
}
