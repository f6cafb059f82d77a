/** What a conversation's lines mean to a reader: which belong together, which are new, what is said aloud. */
import { claimedKind } from '../host/fileKinds';
import type { BlockView, ConversationView, LineView, MessageView, SpanView } from '../host/contract';

export type MessageLine = Extract<LineView, { type: 'message' }>;

/** Messages of one sender within this time stand under one heading. */
const together = 5 * 60_000;

/** Whether a line goes on under the heading of the one before it. */
export function continues(before: LineView | undefined, line: LineView): boolean {
  if (before?.type !== 'message' || line.type !== 'message') return false;
  if (before.sender.id !== line.sender.id || before.sender.name !== line.sender.name) return false;
  // What the sender does is a sentence with the name in it.
  if (line.body.type === 'emote' || before.body.type === 'emote') return false;
  const apart = Date.parse(line.at) - Date.parse(before.at);
  return apart >= 0 && apart < together;
}

export function isMessage(line: LineView): line is MessageLine {
  return line.type === 'message';
}

/** A picture that is no larger than this comes without being asked for. */
const picturesUnasked = 8_000_000;
/** A picture in its frame, and a card, without and with a picture at its side. */
const frameHeight = 268;
const cardHeight = 66;
const sidedHeight = 138;
/** A structured message with what can be done with it. */
const formHeight = 132;

/** Whether a message's file is a picture that is fetched as soon as its line is in sight. */
export function comesByItself(line: MessageLine): boolean {
  const { body } = line;
  return body.type === 'file' && line.event !== null && body.size !== null && body.size <= picturesUnasked && claimedKind(body.name, body.mimetype) === 'image';
}

/** Whether a message's file is a picture of which there is a small one to be shown first. */
export function hasThumbnail(line: MessageLine): boolean {
  const { body } = line;
  return body.type === 'file' && line.event !== null && body.picture?.thumbnail === true && claimedKind(body.name, body.mimetype) === 'image' && body.study === null;
}

/** Whether a message's file is a study of which some images are shown. */
export function showsImages(line: MessageLine): boolean {
  const { body } = line;
  return body.type === 'file' && line.event !== null && body.study !== null && body.picture?.thumbnail === true;
}

/** Whether a line can have the focus. */
export function isStop(line: LineView): boolean {
  return line.type === 'message' || line.type === 'notice';
}

/** What a "neue" line counts: messages of others after it. */
export function newAfter(lines: readonly LineView[], at: number): number {
  return lines.slice(at + 1).filter((line) => isMessage(line) && !line.sender.own).length;
}

/** Messages of others that came after the line that was last when the end was in sight. */
export function newSince(lines: readonly LineView[], seen: string | null): number {
  const at = seen === null ? -1 : lines.findIndex((line) => line.id === seen);
  return at < 0 ? 0 : newAfter(lines, at);
}

/** Messages that came at the end since `before`; what was loaded above it is not new. */
export function arrived(before: readonly LineView[] | null, after: readonly LineView[]): MessageLine[] {
  if (before === null) return [];
  const known = new Set(before.map((line) => line.id));
  const last = after.findLastIndex((line) => isMessage(line) && known.has(line.id));
  // A conversation that was empty has no line to come after.
  if (last < 0 && before.some(isMessage)) return [];
  return after.slice(last + 1).filter((line): line is MessageLine => isMessage(line) && !known.has(line.id));
}

function spansText(spans: readonly SpanView[]): string {
  return spans.map((span) => span.text).join('');
}

/** The words of blocks without their form: for copying, for reading aloud, and for one line. */
export function plainText(blocks: readonly BlockView[]): string {
  return blocks
    .map((block) => {
      switch (block.type) {
        case 'paragraph':
          return spansText(block.spans);
        case 'quote':
          return plainText(block.blocks)
            .split('\n')
            .map((line) => `> ${line}`)
            .join('\n');
        case 'code':
          return block.text;
        case 'list':
          return block.items.map((item, at) => `${block.ordered ? `${at + 1}.` : '–'} ${plainText(item)}`).join('\n');
        default: {
          const unknown: never = block;
          return unknown;
        }
      }
    })
    .join('\n');
}

/** The text of a message that can be copied; null where there is none. */
export function messageText(message: MessageView): string | null {
  switch (message.body.type) {
    case 'text':
    case 'emote':
      return plainText(message.body.blocks);
    case 'file':
      return [message.body.name, plainText(message.body.caption)].filter((text) => text !== '').join('\n');
    case 'form':
      return message.body.text;
    case 'unsupported':
      return message.body.fallback;
    case 'redacted':
    case 'undecryptable':
    case 'repeated':
      return null;
    default: {
      const unknown: never = message.body;
      return unknown;
    }
  }
}

/** The own message that ↑ in an empty composer changes. */
export function lastEditable(lines: readonly LineView[]): MessageLine | undefined {
  return lines.findLast((line): line is MessageLine => isMessage(line) && line.sender.own && line.mayEdit && line.body.type === 'text' && line.body.source !== null);
}

/** The first line of a day (ISO date) or after it. */
export function firstSince(lines: readonly LineView[], day: string): LineView | null {
  return lines.find((line) => line.type === 'day' && line.date >= day) ?? null;
}

/** Where the message that another one answers stands; -1 when it is not loaded. */
export function lineOfEvent(lines: readonly LineView[], event: string): number {
  return lines.findIndex((line) => isMessage(line) && line.event === event);
}

/** The last message of a conversation: what has been read when the end is in sight. */
export function lastMessage(view: ConversationView): MessageLine | undefined {
  return view.lines.findLast(isMessage);
}

function fileHeight(line: MessageLine): number {
  if (showsImages(line)) return sidedHeight;
  return comesByItself(line) || hasThumbnail(line) ? frameHeight : cardHeight;
}

/** How high a line will probably be, until it is drawn. */
export function guessHeight(line: LineView | undefined, before: LineView | undefined): number {
  if (line === undefined) return 48;
  if (line.type !== 'message') return 34;
  const below = (line.reactions.length > 0 ? 34 : 0) + (line.namesMe ? 20 : 0) + (line.pending === null ? 0 : 26);
  const rowsOf = (text: string) => text.split('\n').reduce((sum, row) => sum + Math.max(1, Math.ceil(row.length / 85)), 0);
  if (line.body.type === 'file') return (continues(before, line) ? 6 : 38) + fileHeight(line) + (line.body.caption.length > 0 ? rowsOf(plainText(line.body.caption)) * 21 : 0) + below;
  if (line.body.type === 'form' && line.body.form.form !== 'answer' && line.body.form.form !== 'newer') return (continues(before, line) ? 6 : 38) + formHeight + below;
  return (continues(before, line) ? 6 : 38) + rowsOf(messageText(line) ?? '') * 21 + below + (line.replyTo ? 28 : 0);
}
