import { describe, expect, test } from 'vitest';
import type { LineView } from '../host/contract';
import { brunnengold, day, everyForm, falkenried, message, sonnkaya, span, steinklee } from './examples';
import { arrived, continues, isMessage, lastEditable, lineOfEvent, messageText, newAfter, newSince, plainText } from './timeline';
import { arrivalWords } from './words';
import { callName } from './names';

const at = (time: string) => `2026-11-24T${time}:00+01:00`;
const first = message(sonnkaya, at('10:00'), 'eins');

describe('messages under one heading', () => {
  test('are of one sender and close together', () => {
    expect(continues(first, message(sonnkaya, at('10:04'), 'zwei'))).toBe(true);
    expect(continues(first, message(sonnkaya, at('10:05'), 'zwei'))).toBe(false);
    expect(continues(first, message(brunnengold, at('10:01'), 'zwei'))).toBe(false);
  });

  test('are parted by a day, by what is new, and by what changed', () => {
    const others: LineView[] = [day(24), { type: 'unread', id: 'u' }, { type: 'notice', id: 'n', changes: [], at: at('10:00') }];
    expect(others.map((before) => continues(before, first))).toEqual([false, false, false]);
    expect(continues(undefined, first)).toBe(false);
  });

  test('are not what a sender does, which is a sentence with the name in it', () => {
    expect(continues(first, message(sonnkaya, at('10:01'), { type: 'emote', blocks: [] }))).toBe(false);
  });
});

describe('what arrived', () => {
  const before: LineView[] = [first];
  const second = message(brunnengold, at('10:10'), 'zwei', { id: 'b2' });

  test('is nothing on the first load', () => {
    expect(arrived(null, [first, second])).toEqual([]);
  });

  test('is what came at the end, and not what was loaded above', () => {
    const earlier = message(brunnengold, at('09:00'), 'null', { id: 'b0' });
    expect(arrived(before, [earlier, first, second])).toEqual([second]);
    expect(arrived(before, [earlier, first])).toEqual([]);
  });

  test('is the first message of a conversation that was empty', () => {
    expect(arrived([day(24)], [day(24), first])).toEqual([first]);
  });

  test('is said with sender and text, more than three at once with their number', () => {
    expect(arrivalWords([second], callName)).toBe('Brunnengold: zwei');
    expect(arrivalWords([second, message(falkenried, at('10:11'), 'drei')], callName)).toBe('Brunnengold: zwei');
    expect(arrivalWords([second, second, second, second], callName)).toBe('4 neue Nachrichten');
  });

  test('that cannot be read is said to be so', () => {
    expect(arrivalWords([message(brunnengold, at('10:10'), { type: 'undecryptable', cause: 'key-missing' })], callName)).toBe('Brunnengold: Nachricht noch nicht lesbar');
  });
});

describe('what is new', () => {
  test('counts the messages of others after a line', () => {
    const unread = steinklee.lines.findIndex((line) => line.type === 'unread');
    expect(newAfter(steinklee.lines, unread)).toBe(3);
    const mine = message(falkenried, at('14:00'), 'meins');
    expect(newSince([...steinklee.lines, mine], 'AF-241007')).toBe(3);
  });

  test('is nothing when it is not known what was seen', () => {
    expect([newSince(steinklee.lines, null), newSince(steinklee.lines, 'gone')]).toEqual([0, 0]);
  });
});

test('↑ edits the last own message that can be changed, and not one that is not sent', () => {
  expect(lastEditable(steinklee.lines)?.id).toBe('AF-241007');
  expect(lastEditable(everyForm.lines)).toBeUndefined();
});

test('an answered message is found by its event', () => {
  const line = steinklee.lines[lineOfEvent(steinklee.lines, '$SL-241002')];
  expect(line && isMessage(line) && messageText(line)).toBe('Für das Board fehlt noch der MMR-Status. Davon hängt die Reihenfolge ab.');
  expect(lineOfEvent(steinklee.lines, '$nowhere')).toBe(-1);
});

test('blocks become words in their order', () => {
  expect(
    plainText([
      { type: 'paragraph', spans: [span('a '), span('b', { strong: true })] },
      { type: 'list', ordered: true, items: [[{ type: 'paragraph', spans: [span('c')] }], [{ type: 'paragraph', spans: [span('d')] }]] },
      { type: 'quote', blocks: [{ type: 'paragraph', spans: [span('e\nf')] }] },
      { type: 'code', text: 'g' },
    ]),
  ).toBe('a b\n1. c\n2. d\n> e\n> f\ng');
});
