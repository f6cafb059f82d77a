/** What the views of chat say in words. */
import type { ConversationRowView, DeviceView, EncryptionView, LastLineView, NoticeView, PendingView, SenderView, UndecryptableCause } from '../host/contract';
import { m } from '../paraglide/messages';
import { callName, initialName } from './names';
import type { MessageLine } from './timeline';
import { messageText, plainText } from './timeline';

/** What stands for everything in one line. */
export const oneLine = (text: string): string => text.replaceAll(/\s+/gu, ' ').trim();

const deviceName = (device: DeviceView): string => m.chat_device({ owner: initialName(device.owner), name: device.name });

export function encryptionWords(encryption: EncryptionView): { words: string; tone: 'ok' | 'warn' | 'plain'; all: string | undefined } {
  switch (encryption.state) {
    case 'unknown':
      return { words: m.chat_encryption_unknown(), tone: 'plain', all: undefined };
    case 'plain':
      return { words: m.chat_encryption_plain(), tone: 'warn', all: undefined };
    case 'encrypted': {
      const [first, ...others] = encryption.unconfirmed;
      if (!first) return { words: encryption.devices === 0 ? m.chat_encrypted() : m.chat_encrypted_confirmed({ count: encryption.devices }), tone: 'ok', all: undefined };
      const words = m.chat_encrypted_unconfirmed({ count: encryption.unconfirmed.length, device: deviceName(first) });
      return {
        words: others.length === 0 ? words : m.chat_encrypted_unconfirmed_more({ words, count: others.length }),
        tone: 'plain',
        all: others.length === 0 ? undefined : encryption.unconfirmed.map(deviceName).join('\n'),
      };
    }
    default: {
      const unknown: never = encryption;
      return unknown;
    }
  }
}

export interface CauseWords {
  what: string;
  next: string;
}

/** Why a message cannot be read, and what happens next. */
export function causeWords(cause: UndecryptableCause, sender: string): CauseWords {
  switch (cause) {
    case 'recovery-key-needed':
      return { what: m.chat_cause_recovery_what(), next: m.chat_cause_recovery_next() };
    case 'before-this-device':
      return { what: m.chat_cause_device_what(), next: m.chat_cause_device_next() };
    case 'before-joining':
      return { what: m.chat_cause_joining_what(), next: m.chat_cause_joining_next({ name: sender }) };
    case 'key-missing':
      return { what: m.chat_cause_missing_what(), next: m.chat_cause_missing_next() };
    case 'withheld':
      return { what: m.chat_cause_withheld_what({ name: sender }), next: m.chat_cause_withheld_next() };
    case 'sender-not-trusted':
      return { what: m.chat_cause_untrusted_what({ name: sender }), next: m.chat_cause_untrusted_next() };
    case 'sender-forged':
      return { what: m.chat_cause_forged_what({ name: sender }), next: m.chat_cause_forged_next() };
    default: {
      const unknown: never = cause;
      return unknown;
    }
  }
}

/** What has become of something that was done to a message. */
export function actWords({ act, sending }: PendingView): string {
  const failed = sending.state === 'failed';
  switch (act) {
    case 'change':
      return failed ? m.chat_act_change_failed() : m.chat_act_change_waiting();
    case 'deletion':
      return failed ? m.chat_act_deletion_failed() : m.chat_act_deletion_waiting();
    case 'reaction':
      return failed ? m.chat_act_reaction_failed() : m.chat_act_reaction_waiting();
    default: {
      const unknown: never = act;
      return unknown;
    }
  }
}

function lastLineText(last: LastLineView): string {
  switch (last.kind) {
    case 'text':
      return oneLine(last.text ?? '');
    case 'file':
      return m.chat_last_file({ name: last.text ?? '' });
    case 'redacted':
      return m.chat_last_redacted();
    case 'undecryptable':
      return m.chat_last_undecryptable();
    default: {
      const unknown: never = last.kind;
      return unknown;
    }
  }
}

/** "Brunnengold: MMR-Status ist da"; the other one of two needs no name. */
export function lastLineWords(row: ConversationRowView): string {
  if (!row.last) return '';
  const text = lastLineText(row.last);
  if (row.last.sender.own) return m.chat_last({ name: m.chat_you(), text });
  return row.kind === 'person' ? text : m.chat_last({ name: callName(row.last.sender), text });
}

/** Several people in one sentence. */
export function listed(names: readonly string[]): string {
  const [first, second, ...others] = names;
  if (first === undefined) return '';
  if (second === undefined) return first;
  return others.length === 0 ? m.chat_two({ first, second }) : m.chat_more({ first, second, count: others.length });
}

export function typingWords(typing: readonly SenderView[], call: (sender: SenderView) => string): string {
  const others = typing.filter((one) => !one.own);
  return others.length === 0 ? '' : m.chat_typing({ names: listed(others.map(call)), count: others.length });
}

function changeWords(change: NoticeView, call: (sender: SenderView) => string): string {
  const name = change.sender.own ? m.chat_you() : call(change.sender);
  const target = change.target ? (change.target.own ? m.chat_you_inline() : call(change.target)) : null;
  const own = String(change.sender.own);
  switch (change.kind) {
    case 'created':
      return m.chat_notice_created({ name, own });
    case 'invited':
      return target === null ? m.chat_notice_invited_somebody({ name, own }) : m.chat_notice_invited({ name, own, target });
    case 'joined':
      return m.chat_notice_joined({ name, own });
    case 'left':
      return m.chat_notice_left({ name, own });
    case 'removed':
      return target === null ? m.chat_notice_removed_somebody({ name, own }) : m.chat_notice_removed({ name, own, target });
    case 'renamed':
      return m.chat_notice_renamed({ name, own });
    case 'encrypted':
      return m.chat_notice_encrypted({ name, own });
    case 'case-named':
      return m.chat_notice_case({ name, own });
    case 'changed':
      return m.chat_notice_changed({ name, own });
    default: {
      const unknown: never = change.kind;
      return unknown;
    }
  }
}

/** Neighbors folded into a sentence each; the same change by several people is one. */
export function noticeWords(changes: readonly NoticeView[], call: (sender: SenderView) => string): string[] {
  const words: string[] = [];
  for (let at = 0; at < changes.length; ) {
    const change = changes[at];
    if (!change) break;
    let end = at + 1;
    while (changes[end]?.kind === change.kind && change.target === null && changes[end]?.target === null) end += 1;
    const people = changes.slice(at, end);
    if (people.length > 1 && (change.kind === 'joined' || change.kind === 'left')) {
      const names = listed(people.map((one) => (one.sender.own ? m.chat_you_inline() : call(one.sender))));
      words.push(change.kind === 'joined' ? m.chat_notice_joined_all({ names }) : m.chat_notice_left_all({ names }));
    } else {
      for (const one of people) words.push(changeWords(one, call));
    }
    at = end;
  }
  return words.filter((word, at) => words.indexOf(word) === at);
}

/** What is said aloud of a message, and what names its line. */
export function spoken(line: MessageLine, call: (sender: SenderView) => string): string {
  return line.namesMe ? `${m.chat_names_me_spoken()}. ${said(line, call)}` : said(line, call);
}

function said(line: MessageLine, call: (sender: SenderView) => string): string {
  const name = line.sender.own ? m.chat_you() : call(line.sender);
  switch (line.body.type) {
    case 'redacted':
      return m.chat_last({ name, text: line.pending?.act === 'deletion' ? actWords(line.pending) : m.chat_last_redacted() });
    case 'undecryptable':
      return m.chat_last({ name, text: m.chat_last_undecryptable() });
    case 'repeated':
      return m.chat_last({ name, text: m.chat_repeated() });
    case 'file':
      return [m.chat_last({ name, text: m.chat_last_file({ name: line.body.name }) }), oneLine(plainText(line.body.caption)).slice(0, 400)].filter((word) => word !== '').join('. ');
    case 'emote':
      return `${name} ${oneLine(messageText(line) ?? '')}`;
    case 'text':
    case 'form':
    case 'unsupported':
      return m.chat_last({ name, text: oneLine(messageText(line) ?? m.chat_unsupported()).slice(0, 400) });
    default: {
      const unknown: never = line.body;
      return unknown;
    }
  }
}

/** Several at once are counted and not read one by one. */
export function arrivalWords(lines: readonly MessageLine[], call: (sender: SenderView) => string): string {
  const others = lines.filter((line) => !line.sender.own);
  if (others.length > 3) return m.chat_arrived({ count: others.length });
  return others.map((line) => spoken(line, call)).join('. ');
}

const emojiNames: Record<string, () => string> = {
  '👍': m.emoji_thumb,
  '✅': m.emoji_check,
  '❤️': m.emoji_heart,
  '😊': m.emoji_smile,
  '👀': m.emoji_eyes,
  '🙏': m.emoji_thanks,
};

/** What can be reacted with, besides what is there already. */
export const reactionKeys = Object.keys(emojiNames);

/** A reaction's name for those who do not see it. */
export function reactionName(key: string): string {
  return emojiNames[key]?.() ?? key;
}
