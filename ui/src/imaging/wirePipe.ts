/**
 * What a worker does to fetch frames, in two ways that behave the same: by socket and by the
 * program's own URI scheme. The connections themselves are arguments, so that tests own them.
 */

import type { Wanted } from './prefetch';

/** What arrives. */
export type WireSink = {
  frame: (message: ArrayBuffer) => void;
  /** `code` is a `FailureCode`. */
  failed: (failure: FrameFailure) => void;
  /** The way is gone; what is outstanding stays with the caller. */
  lost: () => void;
};

export type FrameFailure = { series: number; frame: number; code: string };

export type WirePipe = {
  want: (wanted: Wanted) => void;
  drop: (series: number) => void;
  /** The page has taken that many messages: as many more may come. */
  consumed: (messages: number) => void;
  close: () => void;
};

/** Starts a timer and returns what stops it. */
export type After = (milliseconds: number, then: () => void) => () => void;

export const PROBE_MILLISECONDS = 500;
/** Messages on their way before the page has taken one. */
export const INITIAL_CREDIT = 16;
