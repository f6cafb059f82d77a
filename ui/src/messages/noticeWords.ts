/** What a notice outside the window says: that something arrived, never what, and never about whom. */
import type { ArrivalView } from '../host/contract';
import { m } from '../paraglide/messages';

export function noticeWords(arrival: ArrivalView): { title: string; body: string | null } {
  return { title: title(arrival), body: arrival.count > 1 ? m.notice_count({ count: arrival.count }) : null };
}

function title({ invitation, kind, mention, sender }: ArrivalView): string {
  if (invitation) return m.notice_invitation();
  if (kind === 'case') return mention ? m.notice_case_mention() : m.notice_case();
  if (mention) return m.notice_mention();
  return sender === null ? m.notice_message() : m.notice_message_of({ name: sender.name });
}
