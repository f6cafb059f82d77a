import { describe, expect, test } from 'vitest';
import { inserted, keeping, matching, trigger, without } from './textBlocks';

const blocks = [
  { name: 'Radiochemotherapie', text: 'Definitive simultane Radiochemotherapie.' },
  { name: 'Nachsorge', text: 'Nachsorge nach Leitlinie, ambulant über die Praxis.' },
  { name: 'Übelkeit', text: 'Antiemetische Prophylaxe.' },
];

describe('the trigger', () => {
  test('is a slash at the beginning of a word', () => {
    expect(trigger('/', 1)).toEqual({ start: 0, query: '' });
    expect(trigger('Plan: /rad', 10)).toEqual({ start: 6, query: 'rad' });
    expect(trigger('Zeile\n/n', 8)).toEqual({ start: 6, query: 'n' });
  });

  test('is no slash within a word or a number, and none that was passed', () => {
    for (const text of ['60/66', 'cN3/cM0', 'Hals / Thorax', '/ ', '//', '/a/b']) expect(trigger(text, text.length)).toBeUndefined();
  });

  test('looks only at what stands before the caret', () => {
    expect(trigger('/rad danach', 4)).toEqual({ start: 0, query: 'rad' });
  });
});

test('blocks are found by name and text, umlauts folded, names that begin so first', () => {
  expect(matching(blocks, 'ubel').map(({ name }) => name)).toEqual(['Übelkeit']);
  expect(matching(blocks, 'prax').map(({ name }) => name)).toEqual(['Nachsorge']);
  expect(matching(blocks, 'ra').map(({ name }) => name)[0]).toBe('Radiochemotherapie');
  expect(matching(blocks, '')).toHaveLength(3);
});

test('a block takes the place of what was typed', () => {
  const text = 'Plan: /na danach';
  const at = trigger(text, 9)!;
  expect(inserted(text, 9, at, 'Nachsorge.')).toEqual({ text: 'Plan: Nachsorge. danach', caret: 16 });
  expect(without('Plan fest. /', 12, { start: 11, query: '' })).toBe('Plan fest.');
});

test('a kept text is named by its first words and kept once', () => {
  const long = 'Definitive simultane Radiochemotherapie mit anschließender Erhaltung über zwölf Monate';
  const [block] = keeping([], long);
  expect(block).toEqual({ name: 'Definitive simultane Radiochemotherapie mit anschließender …', text: long });
  expect(keeping([block!], long)).toHaveLength(1);
  expect(keeping([], 'Kurz\nzweite Zeile')[0]?.name).toBe('Kurz');
});
