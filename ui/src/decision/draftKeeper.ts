/** Holds a draft while it is written: runs the steps of `autosave.ts` with real time and the real program. */

import type { DecisionView, DraftView, Failure } from '../host/contract';
import { autosave, beginAutosave, isSafe, type Autosave, type AutosaveInput } from './autosave';
import { NO_HISTORY, redo, remember, undo, type Edit, type History, type Undoable } from './edits';
import { standingMark } from './marks';

export type KeeperParts = {
  save: (draft: DraftView) => Promise<DecisionView>;
  failureOf: (error: unknown) => Failure;
  /** The program has answered with a new view. */
  answered: (view: DecisionView) => void;
  now: () => number;
  /** Runs once after so many milliseconds; the returned function prevents it. */
  after: (milliseconds: number, then: () => void) => () => void;
};

export class DraftKeeper {
  readonly #parts: KeeperParts;
  readonly #listeners = new Set<() => void>();
  readonly #waiting = new Set<() => void>();
  #state: Autosave;
  #history: History = NO_HISTORY;
  #stopTimer: (() => void) | undefined;
  #closing = false;
  /** What is marked for signing is not written, also not by taking something back. */
  #frozen: boolean;

  constructor(parts: KeeperParts, view: DecisionView) {
    this.#parts = parts;
    this.#frozen = standingMark(view) !== undefined;
    this.#state = beginAutosave(view);
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  };

  readonly state = (): Autosave => this.#state;

  edit(change: Edit): void {
    if (this.#frozen) return;
    this.#step({ type: 'edit', draft: change(this.#state.mine), now: this.#parts.now() });
  }

  /** A structural change, which can be taken back. */
  apply(undoable: Undoable | undefined): void {
    if (undoable === undefined || this.#frozen) return;
    this.#history = remember(this.#history, undoable);
    this.edit(undoable.edit);
  }

  undo(): boolean {
    const step = undo(this.#history);
    if (step === undefined || this.#frozen) return false;
    this.#history = step.history;
    this.edit(step.edit);
    return true;
  }

  redo(): boolean {
    const step = redo(this.#history);
    if (step === undefined || this.#frozen) return false;
    this.#history = step.history;
    this.edit(step.edit);
    return true;
  }

  changed(view: DecisionView): void {
    this.#frozen = standingMark(view) !== undefined;
    this.#step({ type: 'changed', view, now: this.#parts.now() });
  }

  choose(field: string, keepMine: boolean): void {
    this.#step({ type: 'choose', field, keepMine, now: this.#parts.now() });
  }

  /** Resolves once everything on screen is safe; rejects when it cannot be made safe. */
  async flush(): Promise<void> {
    for (;;) {
      this.#step({ type: 'flush' });
      if (isSafe(this.#state)) return;
      if (this.#state.inFlight === undefined) throw this.#state.failure ?? new Error('the draft is not saved');
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
      if (this.#state.failure !== undefined) throw this.#state.failure;
    }
  }

  /** The form is left: what is not safe yet is sent at once, and again until it is. */
  close(): void {
    this.#closing = true;
    this.#listeners.clear();
    this.#step({ type: 'flush' });
  }

  #step(input: AutosaveInput): void {
    const { state, save } = autosave(this.#state, input);
    const changed = state !== this.#state;
    this.#state = state;
    if (save !== undefined) this.#save(save);
    this.#setTimer();
    if (!changed) return;
    for (const listener of this.#listeners) listener();
  }

  #save(draft: DraftView): void {
    this.#parts.save(draft).then(
      (view) => {
        this.#step({ type: 'reply', view, now: this.#parts.now() });
        this.#parts.answered(view);
        if (this.#closing) this.#step({ type: 'flush' });
        this.#wake();
      },
      (error: unknown) => {
        this.#step({ type: 'failed', failure: this.#parts.failureOf(error), now: this.#parts.now() });
        this.#wake();
      },
    );
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  #setTimer(): void {
    this.#stopTimer?.();
    const { dueAt } = this.#state;
    this.#stopTimer =
      dueAt === undefined
        ? undefined
        : this.#parts.after(Math.max(0, dueAt - this.#parts.now()), () => {
            this.#step({ type: 'time', now: this.#parts.now() });
          });
  }
}
