/** Matching in the command palette: every typed word begins a word of the name, umlauts folded. */
import { fold, foldLong } from '../i18n/format';

/** The letters of the query are in the text, in their order, with others between them. */
const scattered = 4;

/** How well a text answers a query; null when it does not. Lower is better. */
export function rank(query: string, text: string): number | null {
  const short = rankFolded(fold(query.trim()), fold(text));
  const long = rankFolded(foldLong(query.trim()), foldLong(text));
  return short === null ? long : long === null ? short : Math.min(short, long);
}

function rankFolded(wanted: string, folded: string): number | null {
  if (wanted === '') return 0;
  if (folded === wanted) return 0;
  if (folded.startsWith(wanted)) return 1;
  const words = folded.split(/[\s,:·/-]+/u);
  if (wanted.split(/\s+/u).every((part) => words.some((word) => word.startsWith(part)))) return 2;
  if (folded.includes(wanted)) return 3;
  let at = 0;
  for (const letter of wanted) {
    at = folded.indexOf(letter, at);
    if (at < 0) return null;
    at += 1;
  }
  return wanted.length >= 3 ? scattered : null;
}

/** Whether each typed word, or all of them as they stand, is in a text: letters that lie scattered in it are no hit. */
export function holds(query: string, text: string): boolean {
  const found = rank(query, text);
  return found !== null && found < scattered;
}

/** The best first; equal ones stay in their order. */
export function ranked<T>(query: string, items: readonly T[], text: (item: T) => string): T[] {
  return items
    .map((item, at) => ({ item, at, found: rank(query, text(item)) }))
    .filter((one): one is { item: T; at: number; found: number } => one.found !== null)
    .toSorted((a, b) => a.found - b.found || a.at - b.at)
    .map(({ item }) => item);
}
