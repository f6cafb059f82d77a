import { expect, test } from 'vitest';
import type { TypedView } from './contract';
import { plain, replaced, retyped, sameTyped } from './typed';

const anna = '@anna:a.example';
const ben = '@ben:b.example';

/** A text in which each word in brackets names somebody. */
function typed(text: string, ...people: (string | null)[]): TypedView {
  const named: TypedView['named'] = [];
  let plainText = '';
  for (const part of text.split(/(\[[^\]]+\])/u)) {
    const name = /^\[(.+)\]$/u.exec(part)?.[1];
    if (name !== undefined) named.push({ start: plainText.length, length: name.length, person: people[named.length] ?? null });
    plainText += name ?? part;
  }
  return { text: plainText, named };
}

test.each([
  ['typing before it', typed('[@Anna] da', anna), 'Frag @Anna da', 5, typed('Frag [@Anna] da', anna)],
  ['typing behind it', typed('Frag [@Anna]', anna), 'Frag @Anna, bitte', 17, typed('Frag [@Anna], bitte', anna)],
  ['a letter within it', typed('[@Anna]', anna), '@Anxna', 4, plain('@Anxna')],
  ['a letter taken from it', typed('Frag [@Anna] da', anna), 'Frag @Ann da', 9, plain('Frag @Ann da')],
  ['a letter that makes it another name', typed('[@Anna]', anna), '@Annalena', 9, plain('@Annalena')],
  ['a letter before its sign', typed('[@Anna]', anna), 'x@Anna', 1, plain('x@Anna')],
  ['all of it taken', typed('Frag [@Anna] da', anna), 'Frag da', 5, plain('Frag da')],
  ['the first of two equal names taken', typed('[@Anna] [@Anna]', anna, ben), '@Anna', 0, typed('[@Anna]', ben)],
  ['the second of two equal names taken', typed('[@Anna] [@Anna]', anna, ben), '@Anna', 5, typed('[@Anna]', anna)],
  ['a word that was pasted over all', typed('[@Anna]', anna), 'Danke', 5, plain('Danke')],
  ['a sign of two code units before it', typed('[@Änä]', anna), '👍 @Änä', 3, typed('👍 [@Änä]', anna)],
  ['a caret that says nothing', typed('[@Anna] da', anna), '@Anna dort', 2, typed('[@Anna] dort', anna)],
])('%s', (_what, before, text, caret, after) => {
  expect(retyped(before, text, caret)).toEqual(after);
});

test('what is put in stands beside the names and never in one', () => {
  expect(replaced(typed('a [@Anna] b', anna), 0, 1, 'lang')).toEqual(typed('lang [@Anna] b', anna));
  expect(replaced(typed('a [@Anna] b', anna), 4, 5, 'x').named).toEqual([]);
});

test('texts are the same where they name the same people', () => {
  expect(sameTyped(typed('[@Anna]', anna), typed('[@Anna]', anna))).toBe(true);
  expect(sameTyped(typed('[@Anna]', anna), typed('[@Anna]', ben))).toBe(false);
  expect(sameTyped(typed('[@Alle]', null), plain('@Alle'))).toBe(false);
});
