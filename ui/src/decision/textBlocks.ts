/** Text blocks by "/": when they are offered, which fit, and what inserting one does. Pure. */
import type { InlineTrigger } from '../components/InlineList';
import type { TextBlockView } from '../host/contract';
import { fold } from '../i18n/format';

const longestName = 60;

/** Looks back from the caret; "5/7" and "cN3/cM0" are no trigger, nor is a slash followed by a space. */
export function trigger(text: string, caret: number): InlineTrigger | undefined {
  const found = /(?:^|\s)\/(\S*)$/u.exec(text.slice(0, caret));
  const query = found?.[1];
  // A second slash is a path or an abbreviation.
  if (query === undefined || query.includes('/')) return undefined;
  return { start: caret - query.length - 1, query };
}

/** Blocks whose name or text holds the query, those whose name begins with it first. */
export function matching(blocks: readonly TextBlockView[], query: string): TextBlockView[] {
  const wanted = fold(query);
  const begins = blocks.filter(({ name }) => fold(name).startsWith(wanted));
  const holds = blocks.filter((block) => !begins.includes(block) && (fold(block.name).includes(wanted) || fold(block.text).includes(wanted)));
  return [...begins, ...holds];
}

/** The text with the block in the place of what was typed, and where the caret stands then. */
export function inserted(text: string, caret: number, { start }: InlineTrigger, block: string): { text: string; caret: number } {
  return { text: text.slice(0, start) + block + text.slice(caret), caret: start + block.length };
}

/** What is left of a text without the trigger: that is what can be kept. */
export function without(text: string, caret: number, { start }: InlineTrigger): string {
  return (text.slice(0, start) + text.slice(caret)).trim();
}

/** The blocks with one more, named by its first words; the same text is not kept twice. */
export function keeping(blocks: readonly TextBlockView[], text: string): TextBlockView[] {
  if (blocks.some((one) => one.text === text)) return [...blocks];
  return [...blocks, { name: nameOf(text), text }];
}

function nameOf(text: string): string {
  const line = text.split('\n')[0] ?? '';
  if (line.length <= longestName) return line;
  const cut = line.slice(0, longestName);
  return `${cut.slice(0, cut.includes(' ') ? cut.lastIndexOf(' ') : longestName)} …`;
}
