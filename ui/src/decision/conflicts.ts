/** Choices between two texts: none is sent before every field has one. */

import type { ConflictChoice, ConflictView } from '../host/contract';

export type Choices = Readonly<Record<string, 'mine' | 'theirs'>>;

export function isComplete(conflicts: readonly ConflictView[], choices: Choices): boolean {
  return conflicts.every(({ field }) => choices[field] !== undefined);
}

/** One a conflict; a choice about a field that is no conflict any more is left out. */
export function chosen(conflicts: readonly ConflictView[], choices: Choices): ConflictChoice[] {
  return conflicts.flatMap(({ field }) => {
    const side = choices[field];
    return side === undefined ? [] : [{ field, keepMine: side === 'mine' }];
  });
}
