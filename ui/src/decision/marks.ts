/** "Vorgemerkt": what a decision that waits for its signature says of itself. */

import type { DecisionView, DraftView, Failure, SigningMarkView } from '../host/contract';
import { fieldWord } from './words';

export type StandingMark = Exclude<SigningMarkView, { state: 'withdrawn' }>;

/** The mark while it holds: the decision is frozen then. */
export function standingMark({ mark }: Pick<DecisionView, 'mark'>): StandingMark | undefined {
  return mark === null || mark.state === 'withdrawn' ? undefined : mark;
}

/** A platform that is gone or fails comes back by itself; marking helps against nothing else. */
export function comesBack(failure: Failure): boolean {
  return failure.code === 'platform-unreachable' || failure.code === 'platform-failed';
}

/** What differs, each word once. */
export function markFields(fields: readonly string[], draft: Pick<DraftView, 'measures' | 'openPoints'>): string {
  return [...new Set(fields.map((field) => fieldWord(field, draft)))].join(', ');
}
