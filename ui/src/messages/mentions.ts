/** Naming somebody by "@": when people are offered, who fits, and what choosing one does. Pure. */
import type { InlineTrigger } from '../components/InlineList';
import type { SenderView, TypedView } from '../host/contract';
import { replaced } from '../host/typed';
import { fold, foldLong } from '../i18n/format';

/** Who can be named: a person, or null for everybody. */
export interface Offer {
  person: SenderView | null;
  /** As it stands in the text, with "@". */
  name: string;
  /** The hospital by its address, or the whole address where a name is not enough. */
  about: string | null;
}

/** Titles before a name, which end in a point: the name follows. */
const titled = /(?:^|\s)(?:dr|prof|med|dent|vet|rer|nat|phil|habil|hc|priv|doz|univ|apl|dipl|psych)\.\s?$/iu;

/** More are found by typing on. */
const most = 30;

/** Looks back from the caret for "@" at the beginning of a word; a name that was chosen is none, nor is an address. */
export function trigger({ text, named }: TypedView, caret: number): InlineTrigger | undefined {
  const query = /(?:^|[\s(„"])@([^@\n]{0,60})$/u.exec(text.slice(0, caret))?.[1];
  // After a space the sentence goes on, and after a sign it is over: Enter belongs to the text there.
  if (query === undefined || /^\s/u.test(query) || (/[^\p{L}\p{M}\p{N}]$/u.test(query) && !titled.test(query))) return undefined;
  const start = caret - query.length - 1;
  return named.some((one) => one.start <= start && start < one.start + one.length) ? undefined : { start, query };
}

/** The members who fit what was typed, those whose name does before those whose hospital does; everybody at the end. */
export function offers(members: readonly SenderView[], query: string, everybody: string | null): Offer[] {
  const wanted = wordsOf(fold(query));
  const others = members.filter((member) => !member.own);
  const named = others.filter(({ name }) => fits(wanted, [name]));
  const housed = others.filter((member) => !named.includes(member) && fits(wanted, [member.name, houseOf(member.id)]));
  const people = [...named, ...housed].slice(0, most).map((person) => ({ person, name: nameOf(person), about: person.ambiguous ? person.id : houseOf(person.id) }));
  const all = everybody !== null && others.length > 0 && fits(wanted, [everybody, 'room']) ? [{ person: null, name: `@${everybody}`, about: null }] : [];
  return [...people, ...all];
}

/** The text with the name in the place of what was typed, and where the caret stands then. */
export function chosen(typed: TypedView, caret: number, { start }: InlineTrigger, { name, person }: Offer): { typed: TypedView; caret: number } {
  const next = typed.text[caret];
  const space = next === undefined || !/[\s.,;:!?)“"]/u.test(next) ? ' ' : '';
  const after = replaced(typed, start, caret, name + space);
  const named = [...after.named, { start, length: name.length, person: person?.id ?? null }].toSorted((a, b) => a.start - b.start);
  // Behind the space, wherever it comes from.
  const behind = space !== '' || next === ' ' ? 1 : 0;
  return { typed: { text: after.text, named }, caret: start + name.length + behind };
}

function nameOf({ id, name, ambiguous }: SenderView): string {
  // What calls itself "@" has its address for a name.
  const plain = name.replace(/^@+/u, '').trim() || id.slice(1);
  return ambiguous ? `@${plain} (${id})` : `@${plain}`;
}

/** The part of a Matrix user id that names the hospital. */
export function houseOf(id: string): string {
  return id.slice(id.indexOf(':') + 1);
}

export function wordsOf(folded: string): string[] {
  return folded.split(/[^\p{L}\p{N}]+/u).filter((word) => word !== '');
}

/** Each word of the query begins a word of the texts. */
export function fits(wanted: readonly string[], texts: readonly string[]): boolean {
  const words = texts.flatMap((text) => [...wordsOf(fold(text)), ...wordsOf(foldLong(text))]);
  return wanted.every((word) => words.some((one) => one.startsWith(word)));
}
