/** When what failed for want of the platform is asked for again: ever less often, until something comes. */

const FIRST_MILLISECONDS = 5_000;
const MOST_MILLISECONDS = 60_000;

/** Failures that pass by themselves; every other one stays until a person asks again. */
const PASSING: ReadonlySet<string> = new Set(['platform-unreachable', 'platform-failed']);

export function passes(code: string | undefined): boolean {
  return code !== undefined && PASSING.has(code);
}

export class Retries {
  readonly #after: (milliseconds: number, then: () => void) => () => void;
  readonly #again: () => void;
  #pause = FIRST_MILLISECONDS;
  #stop: (() => void) | undefined;

  constructor(after: (milliseconds: number, then: () => void) => () => void, again: () => void) {
    this.#after = after;
    this.#again = again;
  }

  /** Something failed. One wait is enough for all. */
  failed(code: string): void {
    if (!passes(code) || this.#stop !== undefined) return;
    this.#stop = this.#after(this.#pause, () => {
      this.#stop = undefined;
      this.#again();
    });
    this.#pause = Math.min(this.#pause * 2, MOST_MILLISECONDS);
  }

  /** The platform gives again. */
  came(): void {
    this.#pause = FIRST_MILLISECONDS;
  }

  close(): void {
    this.#stop?.();
    this.#stop = undefined;
  }
}
