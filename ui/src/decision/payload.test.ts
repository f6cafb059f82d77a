import { beforeEach, describe, expect, it } from 'vitest';
import de from '../../messages/de.json';
import en from '../../messages/en.json';
import { speak } from '../i18n/language';
import { chosen, isComplete } from './conflicts';
import { MEASURES } from './codes';
import { exampleDraft, examplePreview } from './examples';
import { checksumGroups, payloadGroups, payloadPath } from './payload';
import { fieldWord, missingWord, pathWord, payloadValueWord } from './words';

beforeEach(() => {
  speak('de');
});

describe('the preview', () => {
  it('shows every line of the payload once, the patient first', () => {
    const { lines } = examplePreview();
    const groups = payloadGroups(lines);
    expect(groups[0]?.name).toBe('patient');
    const shown = groups.flatMap((group) => group.lines.map(({ path }) => path));
    expect([...shown].sort()).toEqual(lines.map(({ path }) => path).sort());
  });

  it('shows a line that it has no word for', () => {
    const groups = payloadGroups([{ path: 'something.new', value: '1' }]);
    expect(groups).toEqual([{ name: 'other', lines: [{ path: 'something.new', value: '1' }] }]);
    expect(pathWord('something.new')).toBe('something.new');
  });

  it('has a word for every element of the payload', () => {
    for (const { path } of examplePreview().lines) expect(pathWord(path).split(' · ').at(-1), path).not.toBe(payloadPath(path).name);
  });

  it('numbers what there is more than one of', () => {
    expect(pathWord('activities.1.text')).toBe('2 · Maßnahme');
    expect(payloadPath('openPoints.0')).toEqual({ name: 'openPoints', position: 1 });
  });

  it('says codes, people and dates in words', () => {
    const names = new Map([['dr-ahlefels', 'Dr. Ahlefels']]);
    expect(payloadValueWord({ path: 'activities.0.code', value: 'ST' }, names)).toBe('Strahlentherapie');
    expect(payloadValueWord({ path: 'activities.0.responsible', value: 'dr-ahlefels' }, names)).toBe('Dr. Ahlefels');
    expect(payloadValueWord({ path: 'patient.birthDate', value: '1957-03-14' }, names)).toBe('14.03.1957');
    expect(payloadValueWord({ path: 'text', value: 'ST' }, names)).toBeUndefined();
  });

  it('groups the checksum by four', () => {
    expect(checksumGroups('99533bd8', 2)).toBe('9953 3bd8');
  });
});

describe('the words of a decision', () => {
  it('offer the sixteen measures of the register and no more', () => {
    const codes = ['CH', 'HO', 'IM', 'ZS', 'SZ', 'CI', 'CZ', 'CIZ', 'IZ', 'WW', 'AS', 'WS', 'OP', 'ST', 'KW', 'SO'];
    expect(MEASURES.map(({ id }) => id).sort()).toEqual(codes.sort());
  });

  it('name a measure by its place', () => {
    expect(fieldWord('measure/m2', exampleDraft())).toBe('Empfehlung 2');
    expect(fieldWord('open-point/o1', exampleDraft())).toBe('Offener Punkt 1');
  });

  it('are named whether they are of the draft or of what was signed', () => {
    const fields = [
      'category', 'occasion', 'goal', 'outcome', 'question', 'findings', 'text', 'measure-order', 'open-point-order', 'vote',
      'dissent/dr-ahlefels', 'guideline', 'guideline-text', 'representation', 'present', 'quorum-reason', 'amendment-reason',
      'id', 'revision', 'replaces', 'reason', 'patient', 'board', 'case', 'created', 'diagnosis', 'activities', 'participants',
      'quorum', 'dissent', 'openPoints',
    ];
    for (const field of fields) expect(fieldWord(field, exampleDraft()), field).toMatch(/^\p{Lu}|^ICD/u);
  });

  it('have a text for every rule that keeps from signing', () => {
    const keys = [
      'category', 'outcome', 'text', 'findings', 'measures', 'measure-code', 'measure-text', 'measure-none', 'present',
      'quorum-reason', 'vote', 'vote-majority', 'vote-count', 'dissent', 'dissent-text', 'guideline-text',
      'open-point-text', 'amendment-reason',
    ];
    for (const key of keys) expect(missingWord(key), key).not.toMatch(/^Angabe:/u);
  });

  it('never promise more than a plain electronic signature', () => {
    const words = Object.entries({ ...prefixed('de', de), ...prefixed('en', en) }).filter(([key]) =>
      /decision_/u.test(key),
    );
    expect(words.length).toBeGreaterThan(200);
    for (const [key, text] of words) {
      expect(text, key).not.toMatch(/qualifi|\bQES\b|eIDAS|rechtsgültig|unterschr|legally|handschrift/iu);
    }
  });
});

function prefixed(language: string, messages: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(Object.entries(messages).map(([key, text]) => [`${language} ${key}`, String(text)]));
}

describe('a choice between two texts', () => {
  const conflicts = ['text', 'goal'].map((field) => ({ field, mine: 'a', theirs: 'b', by: null }));

  it('is complete when every field has one', () => {
    expect(isComplete(conflicts, { text: 'mine' })).toBe(false);
    expect(isComplete(conflicts, { text: 'mine', goal: 'theirs' })).toBe(true);
  });

  it('is told one a conflict', () => {
    expect(chosen(conflicts, { text: 'mine', goal: 'theirs', gone: 'mine' })).toEqual([
      { field: 'text', keepMine: true },
      { field: 'goal', keepMine: false },
    ]);
  });
});
