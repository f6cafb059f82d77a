/**
 * When a draft is saved: at every pause in typing, one save at a time, and again as long as something
 * on screen is not yet safe. "Gesichert" is said only after the program has answered. Time comes in
 * as an argument.
 *
 * ```text
 *            edit                 pause over              reply, nothing new
 *   rest ───────────▶ waiting ───────────────▶ saving ───────────────────────▶ rest
 *                        ▲  edit: pause anew     │ edit: remembered, saved after the reply
 *                        └───────────────────────┘ failure: again after a while, the text stays
 * ```
 */

import type { DecisionView } from '../host/contract';
import type { DraftView } from '../host/contract';
import type { Failure } from '../host/contract';
import { rebase, sameDraft, type Clash } from './rebase';

export const PAUSE_MILLISECONDS = 400;
export const RETRY_MILLISECONDS = 3000;

export type Autosave = {
  /** What the program said last. */
  readonly base: DraftView;
  /** What is on screen. */
  readonly mine: DraftView;
  readonly inFlight: DraftView | undefined;
  /** When the next save is due. */
  readonly dueAt: number | undefined;
  /** ISO time of the last state that is safe on this device. */
  readonly savedAt: string | null;
  readonly failure: Failure | undefined;
  /** Fields in which somebody else wrote while this person was typing. */
  readonly clashes: readonly Clash[];
};

export type AutosaveInput =
  | { type: 'edit'; draft: DraftView; now: number }
  | { type: 'time'; now: number }
  /** Save at once: before signing, when leaving. */
  | { type: 'flush' }
  | { type: 'reply'; view: DecisionView; now: number }
  | { type: 'failed'; failure: Failure; now: number }
  | { type: 'changed'; view: DecisionView; now: number }
  | { type: 'choose'; field: string; keepMine: boolean; now: number };

export type AutosaveStep = { state: Autosave; save: DraftView | undefined };

export function beginAutosave({ draft, savedHere, saveFailure }: Begin): Autosave {
  return {
    base: draft,
    mine: draft,
    inFlight: undefined,
    dueAt: undefined,
    savedAt: savedHere,
    // The program holds a text that the disk did not take; it tries again by itself.
    failure: savedHere === null ? (saveFailure ?? undefined) : undefined,
    clashes: [],
  };
}

type Begin = Pick<DecisionView, 'draft' | 'savedHere' | 'saveFailure'>;

/** True when everything on screen is safe. */
export function isSafe({ base, mine, inFlight, failure }: Autosave): boolean {
  return inFlight === undefined && failure === undefined && sameDraft(base, mine);
}

export function autosave(state: Autosave, input: AutosaveInput): AutosaveStep {
  switch (input.type) {
    case 'edit':
      return quiet({ ...state, mine: input.draft, dueAt: input.now + PAUSE_MILLISECONDS });
    case 'time':
      if (state.dueAt === undefined || input.now < state.dueAt) return quiet(state);
      return save(state);
    case 'flush':
      return save(state);
    case 'reply': {
      const { inFlight } = state;
      const merged = rebase(inFlight ?? state.base, state.mine, input.view.draft);
      return again(
        {
          ...state,
          base: input.view.draft,
          mine: merged.draft,
          inFlight: undefined,
          savedAt: input.view.savedHere,
          failure: undefined,
          clashes: withClashes(state.clashes, merged.clashes),
        },
        input.now,
      );
    }
    case 'failed':
      return quiet({
        ...state,
        inFlight: undefined,
        failure: input.failure,
        dueAt: input.now + RETRY_MILLISECONDS,
      });
    case 'changed': {
      // Events and answers come by different ways: an event that was older when it left says nothing new.
      if (isOlder(input.view.savedHere, state.savedAt)) return quiet(state);
      const merged = rebase(state.base, state.mine, input.view.draft);
      return again(
        {
          ...state,
          base: input.view.draft,
          mine: merged.draft,
          savedAt: input.view.savedHere,
          failure: isNews(input.view.savedHere, state.savedAt) ? undefined : state.failure,
          clashes: withClashes(state.clashes, merged.clashes),
        },
        input.now,
      );
    }
    case 'choose': {
      const clash = state.clashes.find(({ field }) => field === input.field);
      if (clash === undefined) return quiet(state);
      const mine = input.keepMine ? state.mine : clash.take(state.mine);
      const clashes = state.clashes.filter((one) => one !== clash);
      return again({ ...state, mine, clashes }, input.now);
    }
  }
}

function isOlder(one: string | null, other: string | null): boolean {
  return one !== null && other !== null && Date.parse(one) < Date.parse(other);
}

/** A time that was not known: the disk has taken the text by now. */
function isNews(savedHere: string | null, savedAt: string | null): boolean {
  return savedHere !== null && savedHere !== savedAt;
}

function quiet(state: Autosave): AutosaveStep {
  return { state, save: undefined };
}

function save(state: Autosave): AutosaveStep {
  // One save at a time: the reply finds what is new and makes it due.
  if (state.inFlight !== undefined) return quiet(state);
  if (nothingToSave(state)) return quiet({ ...state, dueAt: undefined });
  return { state: { ...state, inFlight: state.mine, dueAt: undefined }, save: state.mine };
}

function again(state: Autosave, now: number): AutosaveStep {
  if (nothingToSave(state)) return quiet({ ...state, dueAt: undefined });
  return quiet({ ...state, dueAt: state.dueAt ?? now + PAUSE_MILLISECONDS });
}

/** The program may know the text and yet have it in memory only: then the same text is saved again. */
function nothingToSave({ base, mine, failure }: Autosave): boolean {
  return failure === undefined && sameDraft(base, mine);
}

function withClashes(before: readonly Clash[], fresh: readonly Clash[]): readonly Clash[] {
  return [...before.filter((one) => !fresh.some(({ field }) => field === one.field)), ...fresh];
}
