import { describe, expect, it } from 'vitest';
import { exampleDraft } from './examples';
import { rebase, sameDraft } from './rebase';

const base = exampleDraft();

function withText(id: string, text: string) {
  return base.measures.map((measure) => (measure.id === id ? { ...measure, text } : measure));
}

describe('a draft that changed beneath the typing', () => {
  it('takes over fields that nobody touched here', () => {
    const { draft, clashes } = rebase(base, { ...base, text: 'mein Text' }, { ...base, goal: 'palliative' });
    expect(draft).toEqual({ ...base, text: 'mein Text', goal: 'palliative' });
    expect(clashes).toEqual([]);
  });

  it('merges different measures without a word', () => {
    const { draft, clashes } = rebase(
      base,
      { ...base, measures: withText('m1', 'meins') },
      { ...base, measures: withText('m2', 'ihres') },
    );
    expect(draft.measures.map(({ text }) => text)).toEqual(['meins', 'ihres', base.measures[2]?.text]);
    expect(clashes).toEqual([]);
  });

  it('keeps what is typed and tells of the clash in the same field', () => {
    const { draft, clashes } = rebase(base, { ...base, text: 'meins' }, { ...base, text: 'ihres' });
    expect(draft.text).toBe('meins');
    expect(clashes).toMatchObject([{ field: 'text', mine: 'meins', theirs: 'ihres' }]);
    expect(clashes[0]?.take(draft).text).toBe('ihres');
  });

  it('tells of the same measure by its id', () => {
    const { draft, clashes } = rebase(
      base,
      { ...base, measures: withText('m2', 'meins') },
      { ...base, measures: withText('m2', 'ihres') },
    );
    expect(clashes).toMatchObject([{ field: 'measure/m2', mine: 'meins', theirs: 'ihres' }]);
    expect(clashes[0]?.take(draft).measures[1]?.text).toBe('ihres');
  });

  it('keeps a row added here and one added there', () => {
    const row = (id: string) => ({ id, code: null, text: id, reason: '', responsible: null });
    const { draft, clashes } = rebase(
      base,
      { ...base, measures: [row('hier'), ...base.measures] },
      { ...base, measures: [...base.measures, row('dort')] },
    );
    expect(draft.measures.map(({ id }) => id)).toEqual(['hier', 'm1', 'm2', 'm3', 'dort']);
    expect(clashes).toEqual([]);
  });

  it('tells of a measure that was changed here and removed there', () => {
    const { draft, clashes } = rebase(
      base,
      { ...base, measures: withText('m1', 'meins') },
      { ...base, measures: base.measures.slice(1) },
    );
    expect(draft.measures.map(({ id }) => id)).toContain('m1');
    expect(clashes).toMatchObject([{ field: 'measure/m1', mine: 'meins', theirs: '' }]);
    expect(clashes[0]?.take(draft).measures.map(({ id }) => id)).toEqual(['m2', 'm3']);
  });

  it('lets both have written the same', () => {
    expect(rebase(base, { ...base, text: 'gleich' }, { ...base, text: 'gleich' }).clashes).toEqual([]);
  });

  it('is compared by content', () => {
    expect(sameDraft(base, exampleDraft())).toBe(true);
    expect(sameDraft(base, exampleDraft({ findings: [] }))).toBe(false);
    expect(sameDraft(base, exampleDraft({ vote: { agree: 1, disagree: 0, abstain: 0 } }))).toBe(false);
  });
});
