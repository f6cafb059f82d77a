/** What stands beside an open conversation, and which of its files are known. */
import type { LineView } from '../host/contract';
import { createStore } from '../host/store';
import { claimedKind, mayBeShown } from '../host/fileKinds';
import { isMessage, type MessageLine } from './timeline';

export type DetailsPart = 'people' | 'files' | 'settings';

/** Whether it is open beside every conversation, while the program runs, and the part that is or was. */
export const details = createStore<{ open: boolean; part: DetailsPart }>({ open: false, part: 'people' });

/** A message with a file, and the message as one that is nothing but the file. */
export type FileLine = MessageLine & { body: Extract<MessageLine['body'], { type: 'file' }> };

/** Files of messages that were sent, newest first; those of structured messages as well. */
export function filesOf(lines: readonly LineView[]): FileLine[] {
  return lines.flatMap((line) => fileOf(line) ?? []).reverse();
}

function fileOf(line: LineView): FileLine | null {
  if (!isMessage(line) || line.event === null) return null;
  if (line.body.type === 'file') return { ...line, body: line.body };
  if (line.body.type !== 'form' || line.body.form.form !== 'document' || line.body.form.file === null) return null;
  return { ...line, body: { type: 'file', ...line.body.form.file, study: null, picture: null, caption: [] } };
}

/** Whether a file opens in the window; the others are only saved, where their message is. */
export function opensHere({ body }: FileLine): boolean {
  return body.study !== null || mayBeShown(claimedKind(body.name, body.mimetype));
}

/** The days between which messages are here; null where none is. */
export function reach(lines: readonly LineView[]): { from: string; to: string } | null {
  const [first, last] = [lines.find(isMessage), lines.findLast(isMessage)];
  return first && last ? { from: first.at, to: last.at } : null;
}
