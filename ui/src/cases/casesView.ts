/** Groups, filters and near names of the case list. Searching itself is the program's work. */
import type { BoardNameView, CaseRowView } from '../host/contract';
import { fold, listName } from '../i18n/format';

export const filters = ['board', 'incomplete', 'draft', 'signed'] as const;
export type Filter = (typeof filters)[number];

export function passes(row: CaseRowView, filter: Filter): boolean {
  switch (filter) {
    case 'board':
      return row.slot !== null;
    case 'incomplete':
      return row.completeness.state === 'missing';
    case 'draft':
      return row.decision === 'draft';
    case 'signed':
      return row.decision === 'signed';
    default: {
      const unknown: never = filter;
      return unknown;
    }
  }
}

export type GroupKind = 'board' | 'open' | 'decided';
export interface Group {
  kind: GroupKind;
  rows: CaseRowView[];
}

/**
 * The next board in its order, then cases without a signed decision, then decided ones; empty groups are left out.
 * Offline, those that open without the platform come first.
 */
export function groups(rows: readonly CaseRowView[], board: BoardNameView | null, offline = false): Group[] {
  const onBoard = rows.filter((row) => board !== null && row.slot !== null).toSorted((a, b) => (a.slot?.number ?? 0) - (b.slot?.number ?? 0));
  const others = rows.filter((row) => board === null || row.slot === null).toSorted(byName);
  return [
    { kind: 'board' as const, rows: onBoard },
    { kind: 'open' as const, rows: others.filter((row) => row.decision !== 'signed') },
    { kind: 'decided' as const, rows: others.filter((row) => row.decision === 'signed') },
  ]
    .filter((group) => group.rows.length > 0)
    .map((group) => (offline ? { ...group, rows: group.rows.toSorted((a, b) => Number(a.kept === null) - Number(b.kept === null)) } : group));
}

/** Whether the case has changed since this person last read it on this computer. */
export function isNews({ changed, kept }: CaseRowView): boolean {
  return changed !== null && kept !== null && Date.parse(changed) > Date.parse(kept);
}

const collator = new Intl.Collator('de-u-co-phonebk');

function byName(a: CaseRowView, b: CaseRowView): number {
  return collator.compare(listName(a.identity), listName(b.identity));
}

/** Up to two names close to what was typed, for "Meinten Sie". */
export function nearNames(query: string, rows: readonly CaseRowView[]): CaseRowView[] {
  const wanted = fold(query.trim());
  if (wanted.length < 3) return [];
  const scored = rows
    .map((row) => {
      const words = [row.identity.family, row.identity.given].filter((word): word is string => word !== null).map(fold);
      const best = Math.min(...words.map((word) => Math.min(distance(wanted, word), distance(wanted, word.slice(0, wanted.length)) + 0.5)), Number.POSITIVE_INFINITY);
      return { row, best };
    })
    .filter(({ best }) => best <= 2.5)
    .toSorted((a, b) => a.best - b.best);
  return scored.slice(0, 2).map(({ row }) => row);
}

/** Edit distance after Levenshtein. */
export function distance(a: string, b: string): number {
  let before = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i += 1) {
    const line = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = (before[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      line.push(Math.min(change, (before[j] ?? 0) + 1, (line[j - 1] ?? 0) + 1));
    }
    before = line;
  }
  return before[b.length] ?? 0;
}
