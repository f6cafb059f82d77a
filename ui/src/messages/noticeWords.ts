/** What a notice outside the window says: that something arrived, never what, and never about whom. */
import type { ArrivalView } from '../host/contract';
import { m } from '../paraglide/messages';

export function noticeWords(arrival: ArrivalView): { title: string; body: string | null } {
  return { title: title(arrival), body: arrival.count > 1 && !arrival.call ? m.notice_count({ count: arrival.count }) : null };
}

function title({ call, invitation, kind, mention, sender }: ArrivalView): string {
  if (call) {
    if (kind === 'case') return m.notice_call_case();
    if (sender === null) return m.notice_call();
    return kind === 'person' ? m.notice_call_direct({ name: sender.name }) : m.notice_call_begun({ name: sender.name });
  }
  if (invitation) return m.notice_invitation();
  if (kind === 'case') return mention ? m.notice_case_mention() : m.notice_case();
  if (mention) return m.notice_mention();
  return sender === null ? m.notice_message() : m.notice_message_of({ name: sender.name });
}
