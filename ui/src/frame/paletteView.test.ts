import { expect, test } from 'vitest';
import { rank, ranked } from './paletteView';

test('the exact name comes before a similar one', () => {
  expect(ranked('auerwald', ['Auenwald, Gernot', 'Auerwald, Gernot'], (name) => name)[0]).toBe('Auerwald, Gernot');
});

test('a beginning is better than a middle', () => {
  expect(rank('bild', 'Bilder öffnen')).toBeLessThan(rank('öff', 'Bilder öffnen') ?? 9);
});

test('words are found in any order', () => {
  expect(rank('gernot auen', 'Auenwald, Gernot')).toBe(2);
});

test('umlauts are found in both ways of writing them', () => {
  expect([rank('ahren', 'Ährenfeld'), rank('aehren', 'Ährenfeld'), rank('ähren', 'Ährenfeld')]).toEqual([1, 1, 1]);
});

test('two letters somewhere in a word are no hit', () => {
  expect(rank('hs', 'Heute, Fälle sehen')).toBeNull();
});
