import { describe, expect, it } from 'vitest';
import { chooseOutcome, moveMeasure, togglePresent } from './edits';
import { exampleDraft } from './examples';

describe('edits of a draft', () => {
  it('move a row, and not beyond the ends', () => {
    const draft = exampleDraft();
    const moved = moveMeasure(draft, 'm2', -1);
    expect(moved?.edit(draft).measures.map(({ id }) => id)).toEqual(['m2', 'm1', 'm3']);
    expect(moved?.back(moved.edit(draft)).measures.map(({ id }) => id)).toEqual(['m1', 'm2', 'm3']);
    expect(moveMeasure(draft, 'm1', -1)).toBeUndefined();
    expect(moveMeasure(draft, 'm3', 1)).toBeUndefined();
  });

  it('give a majority votes to count and take them from a consensus', () => {
    const majority = chooseOutcome('majority', 6)(exampleDraft());
    expect(majority.vote).toEqual({ agree: 6, disagree: 0, abstain: 0 });
    const consensus = chooseOutcome('consensus', 6)({ ...majority, dissent: [{ role: 'x', text: 'y' }] });
    expect(consensus).toMatchObject({ vote: null, dissent: [] });
  });

  it('mark who was present', () => {
    const without = togglePresent('dr-sonnkaya')(exampleDraft());
    expect(without.present).not.toContain('dr-sonnkaya');
    expect(togglePresent('dr-sonnkaya')(without).present).toContain('dr-sonnkaya');
  });
});
