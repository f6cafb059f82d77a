/** Which case a conversation belongs to, and how it is called for it. */
import type { ChatView, ConversationCaseView, ConversationRowView, IdentityView } from '../host/contract';
import { listName } from '../i18n/format';
import { m } from '../paraglide/messages';

type WithCases = Pick<ConversationRowView, 'name' | 'cases'>;

interface KnownCase {
  patient: string;
  identity: IdentityView;
}

/** The case that a conversation belongs to, if it names one only and this person may open it. */
export function caseOf(conversation: WithCases): KnownCase | null {
  const [only, ...others] = conversation.cases;
  return only?.access.access === 'open' && others.length === 0 ? only.access : null;
}

/** "Fall Auenwald, Gernot" by the reader's own record; else the name that the conversation has. */
export function conversationTitle(conversation: WithCases): string {
  const known = caseOf(conversation);
  return known ? m.chat_case_title({ name: listName(known.identity) }) : conversation.name;
}

/** What a case is called that may not be open to this person. */
export function caseWords(one: ConversationCaseView): string {
  switch (one.access.access) {
    case 'open':
      return m.chat_case_title({ name: listName(one.access.identity) });
    case 'unknown':
      return m.chat_case_unknown();
    case 'denied':
      return one.number === null ? m.chat_case_denied() : m.chat_case_denied_number({ number: one.number });
    case 'elsewhere':
      return one.number === null ? m.chat_case_elsewhere() : m.chat_case_elsewhere_number({ number: one.number });
    case 'newer':
      return m.chat_case_newer();
    default: {
      const unknown: never = one.access;
      return unknown;
    }
  }
}

/** The conversations of a case, the newest first. */
export function conversationsOf(view: ChatView, patient: string): readonly ConversationRowView[] {
  return view.conversations.filter((row) => row.membership.state === 'joined' && caseOf(row)?.patient === patient);
}

/** Whether a conversation may still turn out to belong to a case. */
export function isLookingForCases(view: ChatView): boolean {
  return view.conversations.some((row) => row.cases.some((one) => one.access.access === 'unknown'));
}
