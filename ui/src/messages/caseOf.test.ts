import { expect, test } from 'vitest';
import { caseOf, caseWords, conversationsOf, conversationTitle } from './caseOf';
import { caseAuenwald, caseBirkenlicht, chatView, rows } from './examples';

test('a conversation is called by the patient of the reader’s own record', () => {
  expect(conversationTitle({ name: 'Fall 1', cases: [caseAuenwald] })).toBe('Fall Auenwald, Gernot');
  expect(conversationTitle({ name: 'Lungenteam', cases: [] })).toBe('Lungenteam');
});

test('two cases in one conversation are no case, and it keeps its own name', () => {
  const contested = { name: 'Fall 1', cases: [caseAuenwald, caseBirkenlicht] };
  expect([caseOf(contested), conversationTitle(contested)]).toEqual([null, 'Fall 1']);
});

test('a case that may not be opened names nobody', () => {
  const denied = { name: 'Fall 2', cases: [{ number: 'K-2026-0388', access: { access: 'denied' as const } }] };
  expect([caseOf(denied), conversationTitle(denied)]).toEqual([null, 'Fall 2']);
  expect(denied.cases.map(caseWords)).toEqual(['Dieses Gespräch gehört zu Fall K-2026-0388, den Sie nicht öffnen dürfen.']);
});

test('the conversations of a case are those that one is in and that name it alone', () => {
  const [steinklee, auenwald] = rows;
  if (!steinklee || !auenwald) throw new Error('the examples begin with two cases');
  const invited = { ...auenwald, id: '!gebeten', membership: { state: 'invited' as const, by: null } };
  const contested = { ...auenwald, id: '!zwei', cases: [caseAuenwald, caseBirkenlicht] };
  const view = chatView({ conversations: [invited, contested, steinklee, auenwald] });
  expect(conversationsOf(view, 'pat-auenwald').map((row) => row.id)).toEqual(['!auenwald']);
});
