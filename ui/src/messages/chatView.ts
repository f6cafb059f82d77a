/** The list of conversations: what is shown, and in which order. */
import { holds } from '../frame/paletteView';
import type { ChatView, ConversationRowView } from '../host/contract';
import { conversationTitle } from './caseOf';

export const filters = ['all', 'unread', 'cases'] as const;
export type Filter = (typeof filters)[number];

export function passes(row: ConversationRowView, filter: Filter): boolean {
  switch (filter) {
    case 'all':
      return true;
    case 'unread':
      return row.unread > 0 || row.membership.state === 'invited';
    case 'cases':
      return row.kind === 'case';
    default: {
      const unknown: never = filter;
      return unknown;
    }
  }
}

export function unreadConversations(rows: readonly ConversationRowView[]): number {
  return rows.filter((row) => passes(row, 'unread')).length;
}

/**
 * The rows of a filter whose names hold what was typed, for a case also the patient's. The open conversation stays in
 * "Ungelesen" while it is open: reading it must not take it away from under the reader.
 */
export function shownRows(view: ChatView, filter: Filter, open: string | null, query = ''): ConversationRowView[] {
  const rows = view.conversations.filter((row) => passes(row, filter) || (filter === 'unread' && row.id === open));
  return query.trim() === '' ? rows : rows.filter((row) => holds(query, `${conversationTitle(row)} ${row.name}`));
}

/**
 * A list never reorders under the pointer or the focus: what was there keeps its order, what is new comes first.
 * Invitations stay before all others, as the program orders them.
 */
export function heldOrder(before: readonly string[], rows: readonly ConversationRowView[]): ConversationRowView[] {
  const place = new Map(before.map((id, at) => [id, at]));
  const invited = (row: ConversationRowView) => (row.membership.state === 'invited' ? 0 : 1);
  return rows
    .map((row, at) => ({ row, at, held: place.get(row.id) ?? -1 }))
    .toSorted((a, b) => invited(a.row) - invited(b.row) || a.held - b.held || a.at - b.at)
    .map(({ row }) => row);
}

/** The conversation before or after the open one, past invitations; at the ends there is none. */
export function stepFrom(rows: readonly ConversationRowView[], open: string | null, by: 1 | -1): string | null {
  const known = rows.filter((row) => row.membership.state !== 'invited');
  const at = known.findIndex((row) => row.id === open);
  if (at < 0) return known[by === 1 ? 0 : known.length - 1]?.id ?? null;
  return known[at + by]?.id ?? null;
}
