/** Who shows images in the round, whether one follows them, and how what is on one's own screen gets to the others. */
import type { NotSeen, PresentingView, RoundView } from '../host/contract';
import { createStore, useStore } from '../host/store';
import { goesOn } from './roundsView';

/** Who shows, in a round that goes on. */
export function presentingOf(round: RoundView | null): PresentingView | null {
  return goesOn(round) ? round.presenting : null;
}

/** The patient whose images one reads alone for the moment, whoever shows them. */
const readAlone = createStore<string | null>(null);

export function setAside(patient: string | null): void {
  readAlone.set(patient);
}

export function useAside(patient: string): boolean {
  return useStore(readAlone) === patient;
}

/** Where nobody shows any more, or another patient's images are shown, everybody follows again. */
export function forgetAside(presenting: PresentingView | null): void {
  const alone = readAlone.get();
  if (alone === null) return;
  if (presenting === null || (presenting.case.state === 'open' && presenting.case.patient !== alone)) readAlone.set(null);
}

export interface WatchingCount {
  seen: number;
  loading: number;
  not: number;
}

/** How many see what is shown; who looks at something else on purpose is left out. */
export function watchingCount({ watching }: PresentingView): WatchingCount {
  const of = (fits: (why: NotSeen | null) => boolean) => watching.filter(({ seen }) => fits(seen.why)).length;
  return { seen: of((why) => why === null), loading: of((why) => why === 'loading'), not: of((why) => why !== null && why !== 'loading' && why !== 'aside') };
}

/** One at a time on its way; of those that come meanwhile the newest follows. */
export class NewestFirst<T> {
  readonly #send: (value: T) => Promise<unknown>;
  readonly #same: (a: T, b: T) => boolean;
  #last: T | undefined;
  #next: T | undefined;
  #busy = false;

  constructor(send: (value: T) => Promise<unknown>, same: (a: T, b: T) => boolean) {
    this.#send = send;
    this.#same = same;
  }

  put(value: T): void {
    const newest = this.#next ?? this.#last;
    if (newest !== undefined && this.#same(newest, value)) return;
    this.#next = value;
    if (!this.#busy) void this.#run();
  }

  async #run(): Promise<void> {
    this.#busy = true;
    while (this.#next !== undefined) {
      const value = this.#next;
      this.#last = value;
      this.#next = undefined;
      try {
        await this.#send(value);
      } catch {
        // The round is over, or is being left: whoever shows is told so by its view.
      }
    }
    this.#busy = false;
  }
}
