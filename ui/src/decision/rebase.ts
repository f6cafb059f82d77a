/**
 * Puts what a person has typed onto a draft that changed beneath it, field by field; measures and
 * open points are fields of their own, known by their id. Where both sides changed the same field,
 * the typed text stays and the clash is told: nothing is overwritten in silence.
 */

import type { DraftView } from '../host/contract';
import type { MeasureView } from '../host/contract';
import type { OpenPointView } from '../host/contract';

/** A field in which both sides wrote. `field` is named as in `ConflictView`. */
export type Clash = { field: string; mine: string; theirs: string; take: (draft: DraftView) => DraftView };

export type Rebased = { draft: DraftView; clashes: Clash[] };

type ListField = 'measures' | 'openPoints';
type PlainField = Exclude<keyof DraftView, ListField>;

/** Names of the fields on the wire, which are in kebab-case. */
const FIELD_NAME: Readonly<Record<PlainField, string>> = {
  category: 'category',
  occasion: 'occasion',
  goal: 'goal',
  outcome: 'outcome',
  question: 'question',
  findings: 'findings',
  text: 'text',
  vote: 'vote',
  dissent: 'dissent',
  guideline: 'guideline',
  guidelineText: 'guideline-text',
  representation: 'representation',
  present: 'present',
  quorumReason: 'quorum-reason',
  amendmentReason: 'amendment-reason',
};

export function sameDraft(a: DraftView, b: DraftView): boolean {
  return same(a, b);
}

export function rebase(base: DraftView, mine: DraftView, theirs: DraftView): Rebased {
  const clashes: Clash[] = [];
  let draft: DraftView = theirs;
  for (const field of Object.keys(FIELD_NAME) as PlainField[]) {
    if (same(mine[field], base[field])) continue;
    draft = { ...draft, [field]: mine[field] };
    if (!same(theirs[field], base[field]) && !same(theirs[field], mine[field])) {
      clashes.push({
        field: FIELD_NAME[field],
        mine: asText(mine[field]),
        theirs: asText(theirs[field]),
        take: (now) => ({ ...now, [field]: theirs[field] }),
      });
    }
  }
  const measures = rebaseList(base.measures, mine.measures, theirs.measures);
  const openPoints = rebaseList(base.openPoints, mine.openPoints, theirs.openPoints);
  for (const { id, mine: own, theirs: other } of measures.clashes) {
    clashes.push({
      field: `measure/${id}`,
      mine: own?.text ?? '',
      theirs: other?.text ?? '',
      take: (now) => ({ ...now, measures: put<MeasureView>(now.measures, id, other) }),
    });
  }
  for (const { id, mine: own, theirs: other } of openPoints.clashes) {
    clashes.push({
      field: `open-point/${id}`,
      mine: own?.text ?? '',
      theirs: other?.text ?? '',
      take: (now) => ({ ...now, openPoints: put<OpenPointView>(now.openPoints, id, other) }),
    });
  }
  return { draft: { ...draft, measures: measures.list, openPoints: openPoints.list }, clashes };
}

type WithId = { id: string };
type ListClash<Item> = { id: string; mine: Item | undefined; theirs: Item | undefined };

function rebaseList<Item extends WithId>(
  base: readonly Item[],
  mine: readonly Item[],
  theirs: readonly Item[],
): { list: Item[]; clashes: ListClash<Item>[] } {
  if (same(mine, base)) return { list: [...theirs], clashes: [] };
  if (same(theirs, base)) return { list: [...mine], clashes: [] };
  const find = (list: readonly Item[], id: string) => list.find((one) => one.id === id);
  const clashes: ListClash<Item>[] = [];
  // My order holds; what only the others have follows.
  const ids = [...new Set([...mine, ...theirs].map(({ id }) => id))];
  const list = ids.flatMap((id) => {
    const was = find(base, id);
    const own = find(mine, id);
    const other = find(theirs, id);
    if (same(own, was)) return other === undefined ? [] : [other];
    if (!same(other, was) && !same(other, own)) clashes.push({ id, mine: own, theirs: other });
    return own === undefined ? [] : [own];
  });
  return { list, clashes };
}

function put<Item extends WithId>(list: readonly Item[], id: string, item: Item | undefined): Item[] {
  if (item === undefined) return list.filter((one) => one.id !== id);
  return list.some((one) => one.id === id) ? list.map((one) => (one.id === id ? item : one)) : [...list, item];
}

function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((one, index) => same(one, b[index]));
  }
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const left = Object.entries(a);
  return (
    left.length === Object.keys(b).length &&
    left.every(([key, value]) => key in b && same(value, (b as Record<string, unknown>)[key]))
  );
}

function asText(value: DraftView[PlainField]): string {
  if (value === null) return '';
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map((one) => (typeof one === 'string' ? one : one.text)).join('\n');
  return `${String(value.agree)} : ${String(value.disagree)} : ${String(value.abstain)}`;
}
