import { describe, expect, test } from 'vitest';
import { agenda, cases, others, search } from '../stories/lists';
import { distance, groups, isNews, nearNames, passes } from './casesView';
import { completenessWords, diagnosisWords, organWord, rowState, stageWords, tumourLine } from './caseWords';

const all = [...agenda, ...others];

describe('the case list', () => {
  test('begins with the next board in the order of its agenda', () => {
    const [first] = groups(agenda.toReversed(), cases.board);
    expect(first?.rows.map((row) => row.patient)).toEqual(['pat-auenwald', 'pat-birkenlicht', 'pat-steinklee', 'pat-aehrenfeld', 'pat-mohnblatt']);
  });

  test('puts decided cases last and leaves out empty groups', () => {
    expect(groups(all, cases.board).map((group) => group.kind)).toEqual(['board', 'open', 'decided']);
    expect(groups(others, cases.board).map((group) => group.kind)).toEqual(['open', 'decided']);
  });

  test('without a board treats every case alike', () => {
    expect(groups(agenda, null).map((group) => group.kind)).toEqual(['open']);
  });

  test('begins offline with what opens without the platform, and says nothing of it otherwise', () => {
    const kept = agenda.map((row, n) => (n === 3 ? { ...row, kept: '2026-11-23T17:30:00Z' } : row));
    const first = (offline: boolean) => groups(kept, cases.board, offline)[0]?.rows.map((row) => row.slot?.number);
    expect(first(true)).toEqual([4, 1, 2, 3, 5]);
    expect(first(false)).toEqual([1, 2, 3, 4, 5]);
  });

  test('marks what has changed since it was last read here, whatever zone the times are told in', () => {
    const [row] = agenda;
    if (row === undefined) throw new Error('there are cases');
    const changed = '2026-11-24T13:12:00+01:00';
    expect(isNews({ ...row, changed, kept: '2026-11-24T12:11:59Z' })).toBe(true);
    expect(isNews({ ...row, changed, kept: '2026-11-24T12:12:01Z' })).toBe(false);
    expect(isNews({ ...row, changed, kept: null })).toBe(false);
    expect(isNews({ ...row, changed: null, kept: '2026-11-24T12:12:01Z' })).toBe(false);
  });

  test('sorts Ä as AE', () => {
    const [, open] = [null, groups(agenda, null)[0]];
    expect(open?.rows.map((row) => row.identity.family)).toEqual(['Ährenfeld', 'Auenwald', 'Birkenlicht', 'Mohnblatt', 'Steinklee']);
  });

  test('counts what a filter would show', () => {
    expect((['board', 'incomplete', 'draft', 'signed'] as const).map((filter) => all.filter((row) => passes(row, filter)).length)).toEqual([5, 2, 1, 2]);
  });
});

describe('a search without a hit', () => {
  test('names the person who was probably meant', () => {
    expect(nearNames('birkenlixht', all).map((row) => row.patient)).toEqual(['pat-birkenlicht']);
  });

  test('names both of two confusable persons', () => {
    expect(nearNames('auelwald', all).map((row) => row.patient)).toEqual(['pat-auenwald', 'pat-auerwald']);
  });

  test('stays silent when nothing is near', () => {
    expect(nearNames('xyzxyz', all)).toEqual([]);
  });

  test('measures kitten and sitting three edits apart', () => {
    expect(distance('kitten', 'sitting')).toBe(3);
  });
});

test('the fixture finds Ährenfeld as Ahrenfeld and as Aehrenfeld', () => {
  for (const query of ['Ahrenfeld', 'Aehrenfeld', 'ährenf']) expect(search(query).rows.state).toBe('ready');
});

describe('words about a case', () => {
  test('the tumour line has organ, side, TNM and stage', () => {
    expect(agenda.map(tumourLine)).toEqual([
      'Lunge re. · cT2b cN3 cM0 · IIIB',
      'Mamma li. · ypT1b ypN0(sn) cM0',
      'Rektum · cT3c cN2a cM0 · IIIB',
      'Prostata · cT2a cN0 cM0 · I',
      'Melanom li. · pT3b pN1a(sn) cM0 · IIIC',
    ]);
  });

  test('an organ without a key is known by its ICD code, an unknown one has no word', () => {
    expect([organWord(null, 'C34.1'), organWord(null, 'J44.8'), organWord('spleen', null)]).toEqual(['Lunge', '', '']);
  });

  test('several missing things are counted and all named in the title', () => {
    expect(completenessWords({ state: 'missing', rules: ['R-HISTO', 'R-TNM'] })).toMatchObject({ tone: 'warn', text: 'Histologie fehlt + 1', title: 'Histologie fehlt · TNM fehlt oder passt nicht' });
  });

  test('what could not be read is never called missing', () => {
    const row = { diagnosis: null, icd10: null, organ: null, side: null, tnm: null, completeness: { state: 'complete' }, decision: 'none' } as const;
    const unread = { ...row, unread: ['diagnoses', 'stages', 'decisions'] } satisfies Parameters<typeof rowState>[0];
    expect([diagnosisWords(unread), stageWords(unread), rowState(unread)?.text]).toEqual(['Diagnose nicht abrufbar', 'Stadium nicht abrufbar', 'Stand nicht abrufbar']);
    expect(tumourLine(unread)).toBe('Diagnose nicht abrufbar · Stadium nicht abrufbar');
    const none = { ...row, unread: [] };
    expect([diagnosisWords(none), stageWords(none), rowState(none)?.text]).toEqual(['keine Diagnose dokumentiert', 'noch offen', 'vollständig']);
  });

  test('a case that was not evaluated shows no state', () => {
    expect(rowState({ completeness: { state: 'unknown' }, decision: 'none', unread: [] })).toBeNull();
  });

  test('a signed decision says more than completeness', () => {
    expect(rowState({ completeness: { state: 'complete' }, decision: 'signed', unread: [] })?.text).toBe('gezeichnet');
  });
});
