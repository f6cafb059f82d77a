/** Changes of a draft as a person makes them, and how each structural one is taken back. */

import type { DraftView } from '../host/contract';
import type { MeasureView } from '../host/contract';
import type { OpenPointView } from '../host/contract';

export type Edit = (draft: DraftView) => DraftView;

/** A structural change and its way back; typing inside a field is undone by the field itself. */
export type Undoable = { edit: Edit; back: Edit };

export function addMeasure(id: string, after: number): Undoable {
  const measure: MeasureView = { id, code: null, text: '', reason: '', responsible: null };
  return {
    edit: (draft) => ({ ...draft, measures: inserted(draft.measures, after + 1, measure) }),
    back: (draft) => ({ ...draft, measures: without(draft.measures, id) }),
  };
}

export function removeMeasure(draft: DraftView, id: string): Undoable | undefined {
  const index = draft.measures.findIndex((one) => one.id === id);
  const measure = draft.measures[index];
  if (measure === undefined) return undefined;
  return {
    edit: (now) => ({ ...now, measures: without(now.measures, id) }),
    back: (now) => ({ ...now, measures: inserted(now.measures, index, measure) }),
  };
}

export function moveMeasure(draft: DraftView, id: string, step: 1 | -1): Undoable | undefined {
  const index = draft.measures.findIndex((one) => one.id === id);
  const target = index + step;
  if (index < 0 || target < 0 || target >= draft.measures.length) return undefined;
  const move = (to: number): Edit => (now) => {
    const measure = now.measures.find((one) => one.id === id);
    return measure === undefined ? now : { ...now, measures: inserted(without(now.measures, id), to, measure) };
  };
  return { edit: move(target), back: move(index) };
}

export function changeMeasure(id: string, change: Partial<Omit<MeasureView, 'id'>>): Edit {
  return (draft) => ({
    ...draft,
    measures: draft.measures.map((one) => (one.id === id ? { ...one, ...change } : one)),
  });
}

export function addOpenPoint(id: string): Undoable {
  const point: OpenPointView = { id, text: '', owner: null };
  return {
    edit: (draft) => ({ ...draft, openPoints: [...draft.openPoints, point] }),
    back: (draft) => ({ ...draft, openPoints: without(draft.openPoints, id) }),
  };
}

export function removeOpenPoint(draft: DraftView, id: string): Undoable | undefined {
  const index = draft.openPoints.findIndex((one) => one.id === id);
  const point = draft.openPoints[index];
  if (point === undefined) return undefined;
  return {
    edit: (now) => ({ ...now, openPoints: without(now.openPoints, id) }),
    back: (now) => ({ ...now, openPoints: inserted(now.openPoints, index, point) }),
  };
}

export function changeOpenPoint(id: string, change: Partial<Omit<OpenPointView, 'id'>>): Edit {
  return (draft) => ({
    ...draft,
    openPoints: draft.openPoints.map((one) => (one.id === id ? { ...one, ...change } : one)),
  });
}

export function togglePresent(role: string): Edit {
  return (draft) => ({
    ...draft,
    present: draft.present.includes(role) ? draft.present.filter((one) => one !== role) : [...draft.present, role],
  });
}

/** A majority has votes to count; a consensus has neither votes nor dissent. */
export function chooseOutcome(outcome: string, present: number): Edit {
  return (draft) =>
    outcome === 'majority'
      ? { ...draft, outcome, vote: draft.vote ?? { agree: present, disagree: 0, abstain: 0 } }
      : { ...draft, outcome, vote: null, dissent: [] };
}

function inserted<Item>(list: readonly Item[], index: number, item: Item): Item[] {
  const at = Math.max(0, Math.min(index, list.length));
  return [...list.slice(0, at), item, ...list.slice(at)];
}

function without<Item extends { id: string }>(list: readonly Item[], id: string): Item[] {
  return list.filter((one) => one.id !== id);
}

export type History = { readonly past: readonly Undoable[]; readonly future: readonly Undoable[] };

export const NO_HISTORY: History = { past: [], future: [] };

const DEPTH = 100;

export function remember(history: History, undoable: Undoable): History {
  return { past: [...history.past, undoable].slice(-DEPTH), future: [] };
}

export function undo({ past, future }: History): { history: History; edit: Edit } | undefined {
  const last = past.at(-1);
  if (last === undefined) return undefined;
  return { history: { past: past.slice(0, -1), future: [last, ...future] }, edit: last.back };
}

export function redo({ past, future }: History): { history: History; edit: Edit } | undefined {
  const [next, ...rest] = future;
  if (next === undefined) return undefined;
  return { history: { past: [...past, next], future: rest }, edit: next.edit };
}
