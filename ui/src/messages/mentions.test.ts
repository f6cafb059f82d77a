import { describe, expect, test } from 'vitest';
import type { SenderView } from '../host/contract';
import { plain } from '../host/typed';
import { chosen, offers, trigger } from './mentions';

const person = (id: string, name: string, more: Partial<SenderView> = {}): SenderView => ({ id, name, initials: '', own: false, ambiguous: false, ...more });
const members = [
  person('@ich:eschenland.example', 'Dr. med. Amina Falkenried', { own: true }),
  person('@ls:eschenland.example', 'Dr. med. Leyla Sonnkaya'),
  person('@l:klinik-erlenbach.example', 'Müller, Ägidius'),
  person('@a:eschenland.example', 'Anna Weidenlohe', { ambiguous: true }),
  person('@a:klinik-erlenbach.example', 'Anna Weidenlohe', { ambiguous: true }),
];
const found = (query: string, all: string | null = null) => offers(members, query, all).map(({ name }) => name);

describe('people are offered', () => {
  test('behind "@" at the beginning of a word', () => {
    expect(trigger(plain('@'), 1)).toEqual({ start: 0, query: '' });
    expect(trigger(plain('Frag @ley'), 9)).toEqual({ start: 5, query: 'ley' });
    expect(trigger(plain('Zeile\n(@a'), 9)).toEqual({ start: 7, query: 'a' });
    expect(trigger(plain('@Leyla Sonn'), 11)).toEqual({ start: 0, query: 'Leyla Sonn' });
    expect(trigger(plain('@ley danach'), 4)).toEqual({ start: 0, query: 'ley' });
  });

  test('behind a title too, whose point ends no sentence', () => {
    for (const query of ['Dr.', 'Dr. ', 'Dr. med.', 'prof. dr. ', 'PD Dr.']) expect(trigger(plain(`Frag @${query}`), 6 + query.length), query).toEqual({ start: 5, query });
    for (const text of ['@Sonnkaya.', '@Dr.  ', '@Leydr.', '@.']) expect(trigger(plain(text), text.length), text).toBeUndefined();
  });

  test('but not in an address, behind a space, on the next line, or in a name that was chosen', () => {
    for (const text of ['post@haus.example', '@ ', '@Leyla ', '@Leyla\n', 'a@@', '@?', '(siehe @)', '@Sonnkaya!', '']) expect(trigger(plain(text), text.length), text).toBeUndefined();
    const named = { text: '@Anna (@a:eschenland.example) b', named: [{ start: 0, length: 29, person: '@a:eschenland.example' }] };
    expect(trigger(named, 31)).toBeUndefined();
    expect(trigger(named, 5)).toBeUndefined();
  });

  test('by any word of their name or hospital, whatever its marks, and never oneself', () => {
    expect(found('')).not.toContain('@Dr. med. Amina Falkenried');
    expect(found('SONN')).toEqual(['@Dr. med. Leyla Sonnkaya']);
    expect(found('sonn ley')).toEqual(['@Dr. med. Leyla Sonnkaya']);
    for (const query of ['muller', 'mueller', 'müll', 'agi', 'ägi']) expect(found(query), query).toEqual(['@Müller, Ägidius']);
    expect(found('onnkaya')).toEqual([]);
    expect(found('erlenb')).toEqual(['@Müller, Ägidius', '@Anna Weidenlohe (@a:klinik-erlenbach.example)']);
    expect(found('anna erlen')).toEqual(['@Anna Weidenlohe (@a:klinik-erlenbach.example)']);
  });

  test('with their hospital, and their whole address where somebody has the same name', () => {
    expect(offers(members, 'sonn', null)[0]?.about).toBe('eschenland.example');
    expect(offers(members, 'anna', null).map(({ about }) => about)).toEqual(['@a:eschenland.example', '@a:klinik-erlenbach.example']);
  });

  test('by their address, where they call themselves by nothing else', () => {
    expect(offers([person('@x:eschenland.example', '@ ')], '', null).map(({ name }) => name)).toEqual(['@x:eschenland.example']);
  });

  test('and everybody at the end, where that is allowed and somebody is there', () => {
    expect(found('', 'Alle').at(-1)).toBe('@Alle');
    expect(found('al', 'Alle')).toEqual(['@Alle']);
    expect(found('room', 'Alle')).toEqual(['@Alle']);
    expect(found('al')).toEqual([]);
    expect(offers(members.slice(0, 1), '', 'Alle')).toEqual([]);
  });
});

test('a name takes the place of what was typed, with one space behind it', () => {
  const [offer] = offers(members, 'sonn', null);
  const name = '@Dr. med. Leyla Sonnkaya';
  const named = (start: number) => [{ start, length: name.length, person: '@ls:eschenland.example' }];
  expect(chosen(plain('Frag @so'), 8, { start: 5, query: 'so' }, offer!)).toEqual({ typed: { text: `Frag ${name} `, named: named(5) }, caret: 5 + name.length + 1 });
  expect(chosen(plain('@so danke'), 3, { start: 0, query: 'so' }, offer!)).toEqual({ typed: { text: `${name} danke`, named: named(0) }, caret: name.length + 1 });
  expect(chosen(plain('(@so)'), 4, { start: 1, query: 'so' }, offer!)).toEqual({ typed: { text: `(${name})`, named: named(1) }, caret: 1 + name.length });
});

test('names stay in the order in which they stand', () => {
  const first = chosen(plain('x @'), 3, { start: 2, query: '' }, offers(members, 'sonn', null)[0]!);
  const second = chosen({ ...first.typed, text: `@ ${first.typed.text}`, named: first.typed.named.map((one) => ({ ...one, start: one.start + 2 })) }, 1, { start: 0, query: '' }, offers(members, '', 'Alle').at(-1)!);
  expect(second.typed.named.map(({ person }) => person)).toEqual([null, '@ls:eschenland.example']);
  expect(second.typed.text.startsWith('@Alle x @Dr. med.')).toBe(true);
});
