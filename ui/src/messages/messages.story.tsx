/** "Nachrichten" in its states. */
import type { ConversationView, DirectoryEntryView, DirectoryView, Failure, Reply, Request } from '../host/contract';
import type { Desk } from '../host/desk';
import type { ChatFixture } from '../host/memoryChat';
import { plain } from '../host/typed';
import { start } from '../stories/people';
import { at, type Story } from '../stories/story';
import { caseBirkenlicht, caseSteinklee, chat, chatView, conversation, everyCard, everyForm, invitation, longChat, manyRows, naming, ownCard, rows, steinklee, unreadable } from './examples';

const never = () => new Promise<never>(() => undefined);

function story(id: string, open: string | null, fixture: Partial<ChatFixture> = {}, more: { keys?: readonly string[]; prepare?: (desk: Desk) => void; answer?: (request: Request) => Reply | Failure | Promise<Reply> | undefined; fixed?: string[] } = {}): Story {
  return {
    id: `10-messages${id}`,
    fixture: at({ screen: 'messages', conversation: open }, { chat: { ...chat, ...fixture }, ...(more.answer ? { answer: more.answer } : {}), ...(more.fixed ? { start: { ...start, settings: { ...start.settings, fixed: more.fixed } } } : {}) }),
    ...(more.keys ? { keys: more.keys } : {}),
    ...(more.prepare ? { prepare: more.prepare } : {}),
  };
}

/** A conversation in place of the one about Steinklee. */
function shown(id: string, change: Partial<ConversationView>, more: Parameters<typeof story>[3] = {}): Story {
  return story(id, '!steinklee', { conversations: [{ ...steinklee, ...change }] }, more);
}

/** Only this conversation. */
const alone = (view: ConversationView): Partial<ChatFixture> => ({ conversations: [view] });
const composer = 'click:[data-testid=composer]';
const recoveryStart = 'click:[data-testid=recovery-start]';
const own = 'click:[data-testid=message-AF-241007]';

const formMenu = ['click:[data-testid=forms]', 'see:[data-testid=menu-form-appointment]'];

const begins = 'click:[data-testid=conversation-new]';
const colleagues: Partial<ChatFixture> = { people: [...steinklee.members.filter((member) => !member.own), { id: '@l-sonnkaya:klinik-erlenbach.example', name: 'Dr. med. Leyla Sonnkaya', initials: 'LS', own: false, ambiguous: true }] };

const listed = (id: string, name: string, initials: string, organization: string, place: string, specialty: string, answers: string | null = null): DirectoryEntryView => ({
  id,
  name,
  initials,
  organization,
  place,
  specialties: [specialty],
  addresses: [{ id: `@${id}:erlenstadt.example`, name: answers, bot: false }],
});
const directory: DirectoryView = {
  services: {
    state: 'ready',
    value: [
      listed('tumorboard', 'Tumorboard, Universitätsklinikum Erlenstadt', 'UE', 'Universitätsklinikum Erlenstadt', 'Erlenstadt', 'Hämatologie und internistische Onkologie', 'Anmeldestelle'),
      listed('molekular', 'Molekulares Tumorboard, Universitätsklinikum Erlenstadt', 'UE', 'Universitätsklinikum Erlenstadt', 'Erlenstadt', 'Humangenetik', 'Sekretariat'),
      listed('eschenland', 'Interdisziplinäres Tumorboard Eschenland', 'KE', 'Klinikverbund Eschenland', 'Eschenfurt', 'Hämatologie und internistische Onkologie', 'Koordination'),
    ],
    more: false,
  },
  people: { state: 'ready', value: [listed('rotdornhain', 'Prof. Dr. med. Ilva Rotdornhain', 'IR', 'Universitätsklinikum Erlenstadt', 'Erlenstadt', 'Hämatologie und internistische Onkologie')], more: false },
  partial: false,
};
const withDirectory: Partial<ChatFixture> = { ...colleagues, directory };
const typed = (words: string) => [begins, ...Array.from(words)];
const carded: Partial<ChatFixture> = { ...withDirectory, card: ownCard };
const cards = [begins, 'click:[data-testid=contact-cards-press]', 'see:[data-testid=own-card]'];
const unanswered: DirectoryView = { services: { state: 'failed', failure: { code: 'platform-unreachable', detail: '' } }, people: { state: 'failed', failure: { code: 'platform-unreachable', detail: '' } }, partial: false };

export const stories: Story[] = [
  story('', '!steinklee'),
  story('-list', null),
  story('-moving', null, {}, { keys: ['j', 'j', 'j'] }),
  story('-unread', null, {}, { keys: ['u'] }),
  story('-unread-none', null, { view: chatView({ conversations: rows.map((row) => ({ ...row, unread: 0, mentions: 0 })) }) }, { keys: ['u'] }),
  story('-search', null, {}, { keys: ['/', 'f', 'a', 'l', 'l'] }),
  story('-search-open', '!steinklee', {}, { keys: ['/', 'f', 'a', 'see:[data-testid=conversations-search]:focus'] }),
  story('-search-none', null, {}, { keys: ['u', '/', 'a', 'h', 'l', 'e', 'f'] }),
  story('-invitation', '!einladung', {
    view: chatView({ conversations: [invitation, ...rows] }),
    conversations: [conversation({ id: '!einladung', name: invitation.name, initials: invitation.initials, membership: invitation.membership, encryption: { state: 'unknown' }, maySend: false, members: [], memberCount: 5 })],
  }),
  story('-many', null, { view: chatView({ conversations: manyRows }) }, { keys: ['j', 'End'] }),
  story('-none', null, { view: chatView({ conversations: [] }) }),
  story('-connecting', null, { view: chatView({ state: { state: 'connecting' }, conversations: [] }) }),
  story('-connecting-anew', '!steinklee', { beginsAnew: true }, { keys: ['see:[data-testid=chat-begins]:not(:empty)'] }),
  story('-told', '!steinklee', {}, { keys: ['Control+Shift+L', 'Control+Shift+L', 'see:[data-testid=toast]'] }),
  story('-absent', null, { view: chatView({ state: { state: 'absent' }, conversations: [] }) }),
  story('-offline', '!steinklee', { view: chatView({ state: { state: 'offline', since: '2026-11-24T12:42:00+01:00' } }) }, { keys: [composer, 'D', 'a', 'n', 'k', 'e', 'Enter'] }),
  story('-stopped', null, { view: chatView({ state: { state: 'stopped', failure: { code: 'chat-sign-in-unknown', detail: 'm.login.sso' } }, conversations: [] }) }),
  story('-full', '!steinklee', { view: chatView({ state: { state: 'stopped', failure: { code: 'disk-full', detail: '' } } }) }),
  story('-damaged', '!steinklee', { view: chatView({ state: { state: 'stopped', failure: { code: 'chat-store-damaged', detail: '' } } }) }),
  story('-newer', '!steinklee', { view: chatView({ state: { state: 'stopped', failure: { code: 'store-newer', detail: '' } } }) }),
  story('-failed', null, {}, { answer: (request) => (request.type === 'open-chat' ? { code: 'store-unreadable', detail: '' } : undefined) }),
  shown('-loading', {}, { answer: (request) => (request.type === 'open-conversation' ? never() : undefined) }),
  shown('-not-found', {}, { answer: (request) => (request.type === 'open-conversation' ? { code: 'not-found', detail: '' } : undefined) }),
  shown('-empty', { lines: [], typing: [] }),
  shown('-unconfirmed', { encryption: { state: 'encrypted', devices: 7, unconfirmed: [{ owner: steinklee.members[3]!, name: 'Tablet' }] } }),
  shown('-plain', { encryption: { state: 'plain' } }),
  shown('-encryption-unknown', { encryption: { state: 'unknown' }, draft: plain('Die MRT zeigt') }),
  shown('-left', { membership: { state: 'left' }, maySend: false }),
  shown('-left-forgetting', { membership: { state: 'left' }, maySend: false }, { keys: ['click:[data-testid=conversation-menu]', 'click:[data-testid=menu-forget]'] }),
  shown('-read-only', { maySend: false }),
  shown('-details-people', {}, { keys: ['click:[data-testid=conversation-people]', 'see:[data-testid=details]'] }),
  shown('-details-settings', {}, { keys: ['click:[data-testid=details-button]', 'click:[data-testid=segment-settings]'] }),
  shown('-commands', {}, { keys: [composer, '/', 'see:[data-testid=slash-list]', 'ArrowDown'] }),
  story('-forms', '!formen', alone(everyForm)),
  story('-naming', '!nennen', alone(naming)),
  story('-naming-offered', '!nennen', alone(naming), { keys: [composer, '@', 'see:[data-testid=name-list]', 'ArrowDown'] }),
  story('-naming-same', '!nennen', alone(naming), { keys: [composer, '@', 'l', 'e', 'r', 'see:[data-testid=name-list]'] }),
  story('-naming-chosen', '!nennen', alone(naming), { keys: [composer, '@', 's', 'o', 'n', 'see:[data-testid=name-list]', 'Enter', 'see:[data-testid=composer-named]'] }),
  story('-structured', '!karten', alone(everyCard)),
  story('-structured-early', '!karten', alone({ ...everyCard, lines: everyCard.lines.slice(0, 9) })),
  story('-structured-answered', '!karten', alone({ ...everyCard, lines: everyCard.lines.slice(0, 6) }), { keys: ['click:[data-testid=answer-accepted-vorschlag]'] }),
  shown('-structured-menu', {}, { keys: formMenu }),
  shown('-structured-appointment', {}, { keys: [...formMenu, 'click:[data-testid=menu-form-appointment]', 'see:[data-testid=form-day]'] }),
  shown('-structured-appointment-wrong', {}, { keys: [...formMenu, 'click:[data-testid=menu-form-appointment]', 'see:[data-testid=form-day]', 'x', 'click:[data-testid=form-send]'] }),
  shown('-structured-question', {}, { keys: [...formMenu, 'click:[data-testid=menu-form-question]', 'see:[data-testid=form-question]'] }),
  shown('-structured-invitation', {}, { keys: [...formMenu, 'click:[data-testid=menu-form-invitation]', 'see:[data-testid=form-send]'] }),
  story('-structured-recommendation', '!steinklee', { decisions: [{ id: 'dec-1', created: '2026-07-07', title: 'Interdisziplinäres Tumorboard Eschenland' }] }, { keys: [...formMenu, 'click:[data-testid=menu-form-recommendation]', 'see:[data-testid=share-dec-1]'] }),
  story('-structured-document', '!auenwald', {}, { keys: [...formMenu, 'click:[data-testid=menu-form-document]', 'see:[data-testid=send-document-doc-1r]'] }),
  shown('-structured-recommendation-none', {}, { keys: [...formMenu, 'click:[data-testid=menu-form-recommendation]', 'see:[data-testid=form-dialog]'] }),
  story('-unreadable', '!unlesbar', { ...alone(unreadable), view: chatView({ recovery: 'key-needed' }) }),
  story('-long', '!lang', longChat()),
  story('-day', '!lang', longChat(), { keys: ['click:[data-testid=to-day]', 'see:[data-testid=day-2026-11-12]'] }),
  story('-day-searching', '!lang', longChat(), { keys: ['click:[data-testid=to-day]', 'click:[data-testid=day-2026-11-12]'], answer: (request) => (request.type === 'open-day' ? never() : undefined) }),
  story('-day-nothing', '!lang', longChat(), { keys: ['click:[data-testid=to-day]', 'click:[data-testid=day-2026-11-24]'], answer: (request) => (request.type === 'open-day' ? { code: 'not-found', detail: '' } : undefined) }),
  shown('-unread-before', { unreadBefore: true, earlier: 'more', lines: steinklee.lines.slice(-3) }),
  shown('-past-unread', { past: { day: null, later: 'none' } }),
  shown('-past', { past: { day: '2026-11-23', later: 'loading' } }),
  story('-talking', '!lang', longChat({ talk: { conversation: '!lang', by: steinklee.members[2]!, every: 500, times: 12 } })),
  shown('-earlier-failed', { earlier: 'failed', lines: steinklee.lines.slice(-3) }),
  shown('-menu', {}, { keys: [own, 'click:[data-testid=more-AF-241007]'] }),
  shown('-reacting', {}, { keys: ['click:[data-testid=message-MB-241326]', 'e'] }),
  shown('-replying', {}, { keys: ['click:[data-testid=message-MB-241326]', 'r'] }),
  shown('-editing', {}, { keys: [composer, 'ArrowUp'] }),
  shown('-menu-conversation', {}, { keys: ['click:[data-testid=conversation-menu]'] }),
  shown('-renaming', {}, { keys: ['click:[data-testid=conversation-menu]', 'click:[data-testid=menu-rename]'] }),
  shown('-leaving', {}, { keys: ['click:[data-testid=conversation-menu]', 'click:[data-testid=menu-leave]'] }),
  story('-inviting', '!steinklee', colleagues, { keys: ['click:[data-testid=conversation-menu]', 'click:[data-testid=menu-invite]', 'see:[data-testid=new-conversation]', 'r', 'see:[role=option]', 'Enter'] }),
  story('-versions', '!formen', alone(everyForm), { keys: ['click:[data-testid^=edited-]', 'see:[data-testid=versions] li'] }),
  shown('-deleting', {}, { keys: [own, 'click:[data-testid=more-AF-241007]', 'click:[data-testid=menu-message-delete]'] }),
  shown('-sent', {}, { keys: [composer, 'M', 'M', 'R', '?', 'Enter', 'see:[data-testid=message-new-2]'] }),
  shown('-not-sent', {}, { keys: [composer, 'M', 'M', 'R', '?', 'Enter'], answer: (request) => (request.type === 'send-message' ? { code: 'message-too-long', detail: '' } : undefined) }),
  shown('-case-denied', { cases: [{ number: 'K-2026-0388', access: { access: 'denied' } }] }),
  shown('-case-elsewhere', { cases: [{ number: null, access: { access: 'elsewhere' } }] }),
  shown('-case-several', { cases: [caseSteinklee, caseBirkenlicht] }),
  shown('-case-several-ask', { cases: [caseSteinklee, { number: null, access: { access: 'denied' } }], mayLink: false }),
  story('-recovery', null, { view: chatView({ recovery: 'set-up' }) }, { keys: [recoveryStart] }),
  story('-recovery-key', null, { view: chatView({ recovery: 'set-up' }) }, { keys: [recoveryStart, 'click:[data-testid=recovery-make]', 'see:[data-testid=recovery-key]', 'click:[data-testid=recovery-done]'] }),
  story('-recovery-saved', null, { view: chatView({ recovery: 'set-up' }) }, { keys: [recoveryStart, 'click:[data-testid=recovery-make]', 'see:[data-testid=recovery-key]', 'click:[data-testid=recovery-save]'] }),
  story('-recovery-kept', null, { view: chatView({ recovery: 'set-up' }) }, { keys: [recoveryStart], fixed: ['recovery-key'] }),
  story('-recovery-kept-made', null, { view: chatView({ recovery: 'set-up' }), recoveryKeyKept: true }, { keys: [recoveryStart, 'click:[data-testid=recovery-make]', 'see:[data-testid=recovery-kept-here]'], fixed: ['recovery-key'] }),
  story('-recovery-not-kept', null, { view: chatView({ recovery: 'set-up' }) }, { keys: [recoveryStart, 'click:[data-testid=recovery-make]', 'see:[data-testid=recovery-key]'], fixed: ['recovery-key'] }),
  story('-recovery-needed', null, { view: chatView({ recovery: 'key-needed' }) }),
  story('-recovery-wrong', null, { view: chatView({ recovery: 'key-needed' }) }, { keys: [recoveryStart, 'E', 's', 'T', 'B', 'Enter'] }),
  story('-new', '!steinklee', colleagues, { keys: [begins, 'see:[data-testid=new-conversation]'] }),
  story('-new-found', '!steinklee', colleagues, { keys: [begins, 'r', 'see:[role=option]', 'ArrowDown'] }),
  story('-new-group', '!steinklee', colleagues, { keys: [begins, 'click:[data-testid=segment-group]', 'click:[data-testid=new-conversation-search]', 'r', 'see:[role=option]', 'Enter', 'ArrowDown', 'Enter'] }),
  story('-new-nobody', '!steinklee', colleagues, { keys: [begins, 'x', 'y', 'z'] }),
  story('-new-failed', '!steinklee', colleagues, { keys: [begins, 'r'], answer: (request) => (request.type === 'find-people' ? { code: 'platform-unreachable', detail: '' } : undefined) }),
  story('-new-refused', '!steinklee', colleagues, { keys: [begins, 'r', 'see:[role=option]', 'Enter'], answer: (request) => (request.type === 'begin-conversation' ? { code: 'not-allowed', detail: 'M_FORBIDDEN' } : undefined) }),
  story('-cards', '!steinklee', carded, { keys: cards }),
  story('-cards-read', '!steinklee', carded, { keys: [...cards, 'click:[data-testid=card-text]', ...Array.from('@ilva:erlenstadt.example'), 'Enter', 'see:[data-testid=card-found]:focus'] }),
  story('-cards-wrong', '!steinklee', carded, { keys: [...cards, 'click:[data-testid=card-text]', 'I', 'l', 'v', 'a', 'Enter'] }),
  story('-cards-failed', '!steinklee', carded, { keys: cards.slice(0, 2), answer: (request) => (request.type === 'open-own-card' ? { code: 'session-ended', detail: '' } : undefined) }),
  story('-directory', '!steinklee', withDirectory, { keys: [begins, 'see:[data-testid=new-conversation]'] }),
  story('-directory-found', '!steinklee', withDirectory, { keys: [...typed('erlenstadt'), 'see:[data-testid=found-group-service]', 'ArrowDown'] }),
  story('-directory-asking', '!steinklee', withDirectory, { keys: [...typed('r'), 'see:[data-testid=directory-asking]'], answer: (request) => (request.type === 'search-directory' ? never() : undefined) }),
  story('-directory-nobody', '!steinklee', withDirectory, { keys: typed('xyz') }),
  story('-directory-failed', '!steinklee', { ...colleagues, directory: unanswered }, { keys: typed('@ilva:erlenstadt.example') }),
  story('-directory-denied', '!steinklee', { ...colleagues, directory: { services: { state: 'denied' }, people: { state: 'denied' }, partial: false } }, { keys: typed('tum') }),
  story('-directory-partial', '!steinklee', { ...colleagues, directory: { ...directory, partial: true } }, { keys: [...typed('tumorboard'), 'see:[role=option]'] }),
  { id: '10-messages-offline-platform', fixture: at({ screen: 'messages', conversation: '!steinklee' }, { start: { ...start, connection: { state: 'offline', since: '2026-11-24T12:42:00+01:00' } } }) },
];
