import { describe, expect, test } from 'vitest';
import type { EncryptionView } from '../host/contract';
import { chatView, falkenried, invitation, rows, steinklee, weidenlohe } from './examples';
import { heldOrder, shownRows, stepFrom, unreadConversations } from './chatView';
import { callName, callNames, initialName } from './names';
import { encryptionWords, lastLineWords, noticeWords } from './words';

const ids = (list: readonly { id: string }[]) => list.map(({ id }) => id);
const all = [invitation, ...rows];

describe('the list of conversations', () => {
  test('shows all, the unread with the invitations, or those about cases', () => {
    const view = chatView({ conversations: all });
    expect(shownRows(view, 'all', null)).toEqual(all);
    expect(ids(shownRows(view, 'unread', null))).toEqual(['!einladung', '!steinklee', '!auenwald', '!board']);
    expect(ids(shownRows(view, 'cases', null))).toEqual(['!steinklee', '!auenwald', '!alt']);
    expect(unreadConversations(all)).toBe(4);
  });

  test('keeps the open conversation among the unread while it is read', () => {
    const read = rows.map((row) => ({ ...row, unread: 0 }));
    expect(ids(shownRows(chatView({ conversations: read }), 'unread', '!board'))).toEqual(['!board']);
  });

  test('is searched by any words of a name, for a case also by those of the patient, within the filter', () => {
    const view = chatView({ conversations: all });
    const found = (query: string, filter: 'all' | 'cases' = 'all') => ids(shownRows(view, filter, null, query));
    expect(found('  ')).toEqual(ids(all));
    expect(found('milan stein')).toEqual(['!steinklee']);
    expect(found('TEAM')).toEqual(['!lungenteam']);
    expect([found('weidenlohe'), found('weidenlohe', 'cases')]).toEqual([['!weidenlohe'], []]);
    expect(found('wdlhe')).toEqual([]);
  });

  test('does not reorder what is under the pointer; what is new comes first, after the invitations', () => {
    const [a, b, c] = rows as [(typeof rows)[0], (typeof rows)[0], (typeof rows)[0]];
    const fresh = { ...a, id: '!neu' };
    expect(ids(heldOrder([a.id, b.id], [invitation, c, b, a]))).toEqual([invitation.id, c.id, a.id, b.id]);
    expect(ids(heldOrder([invitation.id, a.id, b.id], [invitation, fresh, b, a]))).toEqual([invitation.id, '!neu', a.id, b.id]);
  });

  test('steps past invitations and ends at its ends', () => {
    expect([stepFrom(all, null, 1), stepFrom(all, '!steinklee', 1), stepFrom(all, '!steinklee', -1), stepFrom(all, '!alt', 1), stepFrom([], null, 1)]).toEqual(['!steinklee', '!auenwald', null, null, null]);
  });
});

describe('a last line', () => {
  const row = (id: string) => rows.find((one) => one.id === id)!;
  test('names who wrote it, except the other one of two', () => {
    expect(['!steinklee', '!ahlefels', '!weidenlohe', '!lungenteam', '!zweitmeinung'].map((id) => lastLineWords(row(id)))).toEqual([
      'Sonnkaya: Schlüsselbilder sind gesetzt.',
      'Sie: V20 unter 35 %, passt das?',
      'Zweite Zeichnung ist erledigt.',
      'Sturmwald: Datei OP-Plan Mittwoch.pdf',
      'Wintermoor: Nachricht noch nicht lesbar',
    ]);
  });
});

describe('a name', () => {
  const named = (name: string, more = {}) => ({ ...weidenlohe, name, ...more });
  test('with a title is said by the surname, any other in full', () => {
    expect(['Dr. med. Leyla Sonnkaya', 'Univ.-Prof. Dr. med. Henrik von der Sturmwald', 'Mirela Taubengrün', 'Notaufnahme Innere', 'Dr. Sonnkaya, Leyla', 'Dr. Sonnkaya'].map((name) => callName(named(name)))).toEqual([
      'Sonnkaya',
      'von der Sturmwald',
      'Mirela Taubengrün',
      'Notaufnahme Innere',
      'Sonnkaya, Leyla',
      'Sonnkaya',
    ]);
  });

  test('that two share is said in full, and with the id when that is the same too', () => {
    const other = named('Dr. med. Klara Weidenlohe', { id: '@klara:eschenland.example' });
    expect(callNames([weidenlohe, other])(weidenlohe)).toBe('Jonas Weidenlohe');
    expect(callNames([weidenlohe])(weidenlohe)).toBe('Weidenlohe');
    expect(callName({ ...weidenlohe, ambiguous: true })).toBe('Jonas Weidenlohe (@dr-weidenlohe:eschenland.example)');
  });

  test('beside a device has an initial', () => {
    expect(initialName(named('Dr. med. Katarzyna Silbertal'))).toBe('K. Silbertal');
  });
});

describe('what protects a conversation', () => {
  const device = (name: string) => ({ owner: { ...weidenlohe, name: 'Dr. med. Katarzyna Silbertal' }, name });
  test('is said in words', () => {
    expect(
      (
        [
          { state: 'encrypted', devices: 7, unconfirmed: [] },
          { state: 'encrypted', devices: 7, unconfirmed: [device('Tablet')] },
          { state: 'encrypted', devices: 7, unconfirmed: [device('Tablet'), device('Telefon'), device('alt')] },
          { state: 'plain' },
          { state: 'unknown' },
        ] satisfies EncryptionView[]
      ).map((encryption) => encryptionWords(encryption).words),
    ).toEqual([
      'verschlüsselt, alle 7 Geräte bestätigt',
      'verschlüsselt, 1 Gerät unbestätigt: K. Silbertal, Tablet',
      'verschlüsselt, 3 Geräte unbestätigt: K. Silbertal, Tablet und 2 weitere',
      'nicht verschlüsselt',
      'Verschlüsselung wird geprüft',
    ]);
  });
});

test('the same change by several people is one sentence', () => {
  const notice = steinklee.lines[0];
  if (notice?.type !== 'notice') throw new Error('the example begins with a notice');
  expect(noticeWords(notice.changes, callName)).toEqual([
    'Lerchenhain hat das Gespräch begonnen.',
    'Lerchenhain hat die Verschlüsselung eingeschaltet.',
    'Lerchenhain hat das Gespräch seinem Fall zugeordnet.',
    'Dazugekommen: Sonnkaya, Brunnengold und 2 weitere.',
  ]);
  expect(noticeWords([{ kind: 'left', sender: falkenried, target: null }], callName)).toEqual(['Sie haben das Gespräch verlassen.']);
});
