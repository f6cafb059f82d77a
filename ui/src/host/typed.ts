/** Texts that are being written, with those whom they name: what typing leaves of a name. Pure. */
import type { NamedView, TypedView } from './contract';

/** A text that names nobody. */
export function plain(text: string): TypedView {
  return { text, named: [] };
}

export function sameTyped(one: TypedView, other: TypedView): boolean {
  return (
    one.text === other.text &&
    one.named.length === other.named.length &&
    one.named.every(({ start, length, person }, at) => {
      const there = other.named[at];
      return there?.start === start && there.length === length && there.person === person;
    })
  );
}

/** Puts a text in the place of another one; names that lie beside it stay where their words are. */
export function replaced({ text, named }: TypedView, from: number, to: number, by: string): TypedView {
  const kept = named
    .filter(({ start, length }) => start + length <= from || start >= to)
    .map((one) => (one.start >= to ? { ...one, start: one.start + by.length - (to - from) } : one));
  return whole({ text: text.slice(0, from) + by + text.slice(to), named: kept });
}

/** What was typed, after the field says `text` and its caret stands where something has just changed. */
export function retyped(before: TypedView, text: string, caret: number): TypedView {
  if (before.named.length === 0) return plain(text);
  const shorter = Math.min(before.text.length, text.length);
  const tail = text.slice(caret);
  let behind = 0;
  // What stands behind the caret is as it was: of two equal names it says which one is gone.
  if (tail.length <= shorter && before.text.endsWith(tail)) behind = tail.length;
  else while (behind < shorter && before.text.at(-1 - behind) === text.at(-1 - behind)) behind += 1;
  let ahead = 0;
  while (ahead < shorter - behind && before.text[ahead] === text[ahead]) ahead += 1;
  return replaced(before, ahead, before.text.length - behind, text.slice(ahead, text.length - behind));
}

const letter = /[\p{L}\p{N}]/u;

/** A name that goes on in a word is another word, and names nobody. */
function whole({ text, named }: TypedView): TypedView {
  const alone = ({ start, length }: NamedView) => !letter.test(text[start - 1] ?? '') && !letter.test(text[start + length] ?? '');
  return { text, named: named.filter(alone) };
}
