/** Chat of the host in memory: conversations that remember, and a colleague who answers. */
import type { OpenDoor } from './fileDoor';
import { type FilesFixture, memoryFiles } from './memoryFiles';
import { memoryTrust, type TrustFixture } from './memoryTrust';
import type { BlockView, ChatView, ConversationRowView, ConversationView, DirectoryView, Event, OwnCardView, PermissionsView, Failure, FormStep, FormView, LineView, MessageView, Reply, Request, SenderView, ShareableDecisionView, TypedView } from './contract';
import { plain } from './typed';

export interface ChatFixture {
  view: ChatView;
  conversations: ConversationView[];
  /** The signed-in person as a sender. */
  self: SenderView;
  /** Lines before the first one of a conversation, oldest first. */
  earlier?: Record<string, LineView[]>;
  /** What is answered to a message, and by whom; nothing is answered elsewhere. */
  answers?: Record<string, { by: SenderView; texts: readonly string[] }>;
  recoveryKey?: string;
  /** This computer keeps it. */
  recoveryKeyKept?: boolean;
  /** Who can be found. */
  people?: readonly SenderView[];
  /** What a directory has; without it there is none. */
  directory?: DirectoryView;
  /** The own contact card. */
  card?: OwnCardView;
  /** Who may write first. */
  permissions?: PermissionsView;
  /** Milliseconds from a message to its answer. */
  answerAfter?: number;
  /** Messages that come by themselves into a conversation, one after so many milliseconds. */
  talk?: { conversation: string; by: SenderView; every: number; times: number };
  /** Own devices, and what the other side of a comparison does. */
  trust?: TrustFixture;
  /** How files go and come. */
  files?: FilesFixture;
  /** Chat begins anew after it was there, and does not come back. */
  beginsAnew?: boolean;
  /** Decisions that can be shared. */
  decisions?: readonly ShareableDecisionView[];
}

type ChatRequest = Extract<
  Request,
  {
    type:
      | 'open-chat'
      | 'connect-chat'
      | 'open-conversation'
      | 'close-conversation'
      | 'load-earlier'
      | 'open-day'
      | 'open-unread'
      | 'load-later'
      | 'send-message'
      | 'edit-message'
      | 'redact-message'
      | 'toggle-reaction'
      | 'retry-message'
      | 'cancel-message'
      | 'mark-read'
      | 'set-attention'
      | 'set-quiet'
      | 'set-typing'
      | 'keep-message-draft'
      | 'join-conversation'
      | 'leave-conversation'
      | 'invite-to-conversation'
      | 'remove-from-conversation'
      | 'rename-conversation'
      | 'set-favorite'
      | 'open-versions'
      | 'find-people'
      | 'search-directory'
      | 'open-permissions'
      | 'open-own-card'
      | 'read-card'
      | 'accept-contact'
      | 'change-permissions'
      | 'begin-conversation'
      | 'link-case'
      | 'set-up-recovery'
      | 'recover'
      | 'form'
      | 'trust'
      | 'begin-attachment'
      | 'take-up-attachment'
      | 'resume-attachment'
      | 'cancel-attachment'
      | 'open-attachment'
      | 'open-thumbnail'
      | 'look-at-files'
      | 'close-received-study';
  }
>;

const page = 40;
const done: Reply = { type: 'done' };

export function paragraphs(text: string): BlockView[] {
  return text.split('\n\n').map((part) => ({ type: 'paragraph', spans: [{ text: part, strong: false, emphasis: false, strike: false, code: false, link: null, mention: null, everybody: false }] }));
}

/** A text with the names in it set apart, as the program shows what was typed. */
function typedBlocks({ text, named }: TypedView, members: readonly SenderView[]): BlockView[] {
  if (named.length === 0) return paragraphs(text);
  const form = { strong: false, emphasis: false, strike: false, code: false, link: null, mention: null, everybody: false };
  let from = 0;
  const spans = named.flatMap(({ start, length, person }) => {
    const before = text.slice(from, start);
    from = start + length;
    const mention = members.find((member) => member.id === person) ?? null;
    return [{ ...form, text: before }, { ...form, text: text.slice(start, from), mention, everybody: person === null }];
  });
  return [{ type: 'paragraph', spans: [...spans, { ...form, text: text.slice(from) }].filter((span) => span.text !== '') }];
}

export function memoryChat(fixture: ChatFixture | undefined, send: (event: Event) => void): { reply: (request: ChatRequest) => Reply; door: OpenDoor } {
  let view: ChatView | undefined = fixture?.view;
  let permissions: PermissionsView = fixture?.permissions ?? { everybody: 'invite', exceptions: [], insured: false };
  const rooms = new Map((fixture?.conversations ?? []).map((one) => [one.id, one]));
  const earlier = new Map(Object.entries(fixture?.earlier ?? {}));
  let open: string | null = null;
  let count = 0;
  let answered = 0;
  const begun = performance.now();
  /** The fixture's time goes on. */
  const clock = () => new Date(Date.parse(fixture?.view.asOf ?? '2026-11-24T12:36:00Z') + (performance.now() - begun)).toISOString();

  const room = (id: string): ConversationView => {
    const found = rooms.get(id);
    if (!found) throw failure('not-found');
    return found;
  };
  const change = (id: string, how: (before: ConversationView) => ConversationView) => {
    const next = { ...how(room(id)), asOf: clock() };
    rooms.set(id, next);
    // Events come after the answer, as they do from the program.
    if (open === id) queueMicrotask(() => send({ type: 'conversation-changed', value: next }));
  };
  const changeRow = (id: string, how: (before: ConversationRowView) => ConversationRowView | null, newest = false) => {
    if (!view) return;
    const changed = view.conversations.map((row) => (row.id === id ? how(row) : row)).filter((row) => row !== null);
    const rank = (row: ConversationRowView) => (row.membership.state === 'invited' ? 0 : newest && row.id === id ? 1 : 2);
    const conversations = changed.toSorted((a, b) => rank(a) - rank(b));
    const next: ChatView = { ...view, conversations, unread: conversations.reduce((sum, row) => sum + row.unread, 0), asOf: clock() };
    view = next;
    queueMicrotask(() => send({ type: 'chat-changed', value: next }));
  };
  const changeMessage = (id: string, message: string, how: (before: MessageView) => MessageView | null) => {
    change(id, (before) => ({
      ...before,
      lines: before.lines.map((line) => (line.type === 'message' && line.id === message ? asLine(how(line)) : line)).filter((line) => line !== null),
    }));
  };
  /** Whether something that was done to a message waits or failed. */
  const doneTo = (id: string, message: string) => rooms.get(id)?.lines.some((line) => line.type === 'message' && line.id === message && line.pending !== null) === true;
  const append = (id: string, message: MessageView, text: string) => {
    change(id, (before) => ({ ...before, lines: [...before.lines, { type: 'message', ...message }], typing: [] }));
    changeRow(id, (row) => ({ ...row, last: { sender: message.sender, kind: 'text', text, at: message.at }, draft: message.sender.own ? null : row.draft }), true);
  };
  const message = (by: SenderView, text: string): MessageView => {
    count += 1;
    return {
      id: `new-${count}`,
      event: by.own ? null : `$new-${count}`,
      sender: by,
      at: clock(),
      body: { type: 'text', blocks: paragraphs(text), source: by.own ? plain(text) : null },
      edited: false,
      replyTo: null,
      reactions: [],
      sending: by.own ? { state: 'waiting' } : { state: 'sent' },
      pending: null,
      mayEdit: by.own,
      mayRedact: by.own,
      inClear: false,
      namesMe: false,
      readBy: [],
    };
  };
  const reach = (id: string, own: string) => {
    changeMessage(id, own, (before) => ({ ...before, event: `$${own}`, sending: { state: 'sent' } }));
  };
  const answer = (id: string) => {
    const script = fixture?.answers?.[id];
    if (!fixture || !script) return;
    const after = fixture.answerAfter ?? 900;
    setTimeout(() => change(id, (before) => ({ ...before, typing: [script.by] })), after / 2);
    setTimeout(() => {
      const text = script.texts[answered % script.texts.length] ?? '';
      answered += 1;
      append(id, message(script.by, text), text);
    }, after);
  };
  const talk = (left: number) => {
    const by = fixture?.talk;
    if (!by || left === 0) return;
    setTimeout(() => {
      const text = `Nachricht ${by.times - left + 1}, die von selbst kommt.`;
      append(by.conversation, message(by.by, text), text);
      talk(left - 1);
    }, by.every);
  };
  if (fixture?.talk) talk(fixture.talk.times);

  const files = memoryFiles(fixture?.files ?? {}, {
    outgoing: (id, how) => change(id, (before) => ({ ...before, outgoing: how(before.outgoing) })),
    sent(id, body) {
      append(id, { ...message(fixture?.self ?? missing(), ''), body, event: `$file-${count}`, sending: { state: 'sent' }, mayEdit: false }, body.name);
    },
  });

  const trust = memoryTrust(fixture?.trust, {
    compare(comparison) {
      if (!view) return;
      const next: ChatView = { ...view, comparison: typeof comparison === 'function' ? comparison(view.comparison) : comparison, asOf: clock() };
      view = next;
      queueMicrotask(() => send({ type: 'chat-changed', value: next }));
    },
    accepted: (id, person) => change(id, (before) => ({ ...before, changed: before.changed.filter((one) => one.person.id !== person) })),
    person: (id) => fixture?.conversations.flatMap((one) => one.members).find((one) => one.id === id) ?? missing(),
  });

  const beginAnew = () => send({ type: 'chat-changed', value: { state: { state: 'connecting' }, recovery: 'unknown', comparison: null, conversations: [], unread: 0, quiet: false, lostFiles: 0, asOf: clock() } });

  const form = (id: string, step: FormStep): Reply => {
    const self = fixture?.self ?? missing();
    const put = (made: FormView, text: string, replyTo: MessageView['replyTo'] = null) => {
      const own = message(self, text);
      append(id, { ...own, body: { type: 'form', form: made, case: room(id).cases[0] ?? null, text }, replyTo, mayEdit: false, event: `$${own.id}`, sending: { state: 'sent' } }, text);
      return done;
    };
    switch (step.step) {
      case 'propose-appointment':
        return put({ form: 'appointment', start: step.start, end: step.end, answers: [] }, 'Terminvorschlag.');
      case 'ask-board':
        return put({ form: 'question', text: step.question }, `Frage ans Board: ${step.question}`);
      case 'invite-to-case':
        return put({ form: 'invitation' }, 'Einladung in den Fall dieses Gesprächs.');
      case 'list-decisions':
        return { type: 'shareable', value: { decisions: [...(fixture?.decisions ?? [])] } };
      case 'share-decision':
        return put({ form: 'recommendation', check: 'matches' }, 'Empfehlung: gezeichneter Beschluss.');
      case 'share-document':
        return put({ form: 'document', title: 'Dokument', file: { name: 'Dokument.pdf', mimetype: 'application/pdf', size: 48_213 } }, 'Dokument-2026-11-12.pdf');
      case 'answer': {
        const asked = room(id).lines.find((line) => line.type === 'message' && line.id === step.message);
        if (asked?.type !== 'message' || asked.body.type !== 'form' || asked.event === null) throw failure('not-found');
        changeMessage(id, step.message, (before) => {
          if (before.body.type !== 'form' || before.body.form.form !== 'appointment') return before;
          const others = before.body.form.answers.filter((one) => !one.by.own);
          return { ...before, body: { ...before.body, form: { ...before.body.form, answers: [...others, { by: self, answer: step.answer }] } } };
        });
        return put({ form: 'answer', answer: step.answer }, asked.body.text, { event: asked.event, sender: asked.sender, text: asked.body.text });
      }
      default: {
        const unknown: never = step;
        return unknown;
      }
    }
  };

  const reply = (request: ChatRequest): Reply => {
    switch (request.type) {
      case 'trust':
        return trust(request.trust);
      case 'form':
        return form(request.conversation, request.step);
      case 'begin-attachment':
        room(request.conversation);
        return files.begin(request);
      case 'take-up-attachment':
        return files.takeUp(request);
      case 'resume-attachment':
        return files.resume(request.attachment);
      case 'cancel-attachment':
        files.cancel(request.attachment);
        return done;
      case 'open-thumbnail':
        return files.openSmall(request.message);
      case 'open-attachment':
        return files.open(request.message);
      case 'look-at-files':
        return files.look();
      case 'close-received-study':
        return done;
      case 'open-chat':
        if (fixture?.beginsAnew === true) setTimeout(beginAnew, 50);
        return { type: 'chat', value: view ?? { state: { state: 'absent' }, recovery: 'unknown', comparison: null, conversations: [], unread: 0, quiet: false, lostFiles: 0, asOf: clock() } };
      case 'connect-chat':
        return { type: 'done' };
      case 'open-conversation':
        open = request.conversation;
        return { type: 'conversation', value: room(request.conversation) };
      case 'close-conversation':
        open = null;
        return done;
      case 'open-day': {
        const { conversation: id, day } = request;
        const all = [...(earlier.get(id) ?? []), ...room(id).lines];
        const from = all.findIndex((line) => line.type === 'day' && line.date >= day);
        if (from < 0) throw failure('not-found');
        return { type: 'conversation', value: { ...room(id), lines: all.slice(from), earlier: from === 0 ? 'none' : 'more', past: { day, later: 'none' } } };
      }
      case 'open-unread': {
        const { conversation: id } = request;
        const all = [...(earlier.get(id) ?? []), ...room(id).lines];
        const from = all.findIndex((line) => line.type === 'unread');
        if (from < 0) throw failure('not-found');
        return { type: 'conversation', value: { ...room(id), lines: all.slice(Math.max(0, from - 2)), earlier: from < 3 ? 'none' : 'more', unreadBefore: false, past: { day: null, later: 'none' } } };
      }
      case 'load-later':
        return done;
      case 'load-earlier': {
        const id = request.conversation;
        change(id, (before) => ({ ...before, earlier: 'loading' }));
        setTimeout(() => {
          const all = earlier.get(id) ?? [];
          const from = Math.max(0, all.length - page);
          earlier.set(id, all.slice(0, from));
          change(id, (before) => ({ ...before, lines: [...all.slice(from), ...before.lines], earlier: from === 0 ? 'none' : 'more' }));
        }, 120);
        return done;
      }
      case 'send-message': {
        const { conversation, text, named, replyTo } = request;
        const own: MessageView = { ...message(fixture?.self ?? missing(), text), body: { type: 'text', blocks: typedBlocks({ text, named }, room(conversation).members), source: { text, named } } };
        const original = room(conversation).lines.find((line) => line.type === 'message' && line.event === replyTo);
        const first = original?.type === 'message' && original.body.type === 'text' ? original.body.blocks[0] : undefined;
        append(
          conversation,
          {
            ...own,
            replyTo:
              replyTo === null ? null : { event: replyTo, sender: original?.type === 'message' ? original.sender : null, text: first?.type === 'paragraph' ? first.spans.map((span) => span.text).join('') : null },
          },
          text,
        );
        if (view?.state.state !== 'ready') return done;
        setTimeout(() => reach(conversation, own.id), 200);
        answer(conversation);
        return done;
      }
      case 'edit-message':
        changeMessage(request.conversation, request.message, (before) => ({ ...before, body: { type: 'text', blocks: typedBlocks(request, room(request.conversation).members), source: { text: request.text, named: request.named } }, edited: true }));
        return done;
      case 'redact-message':
        changeMessage(request.conversation, request.message, (before) => ({
          ...before,
          body: { type: 'redacted', by: fixture?.self ?? null, at: clock() },
          reactions: [],
          replyTo: null,
          mayEdit: false,
          mayRedact: false,
        }));
        return done;
      case 'toggle-reaction': {
        const self = fixture?.self ?? missing();
        changeMessage(request.conversation, request.message, (before) => {
          const there = before.reactions.find((one) => one.key === request.key);
          const others = there?.senders.filter((one) => !one.own) ?? [];
          const changed = { key: request.key, senders: there?.own === true ? others : [...others, self], own: there?.own !== true };
          const reactions = there ? before.reactions.map((one) => (one === there ? changed : one)) : [...before.reactions, changed];
          return { ...before, reactions: reactions.filter((one) => one.senders.length > 0) };
        });
        return done;
      }
      case 'retry-message':
        if (doneTo(request.conversation, request.message)) {
          changeMessage(request.conversation, request.message, (before) => ({ ...before, pending: null }));
          return done;
        }
        changeMessage(request.conversation, request.message, (before) => ({ ...before, sending: { state: 'waiting' } }));
        setTimeout(() => reach(request.conversation, request.message), 400);
        return done;
      case 'cancel-message':
        if (doneTo(request.conversation, request.message)) {
          changeMessage(request.conversation, request.message, (before) => ({ ...before, pending: null }));
          return done;
        }
        changeMessage(request.conversation, request.message, () => null);
        return done;
      case 'mark-read':
        changeRow(request.conversation, (row) => ({ ...row, unread: 0, mentions: 0 }));
        return done;
      case 'set-attention':
        changeRow(request.conversation, (row) => ({ ...row, attention: request.attention }));
        change(request.conversation, (before) => ({ ...before, attention: request.attention }));
        return done;
      case 'set-quiet': {
        if (!view) return done;
        const next: ChatView = { ...view, quiet: request.quiet, asOf: clock() };
        view = next;
        queueMicrotask(() => send({ type: 'chat-changed', value: next }));
        return done;
      }
      case 'set-typing':
        return done;
      case 'keep-message-draft':
        rooms.set(request.conversation, { ...room(request.conversation), draft: request.text === '' ? null : { text: request.text, named: request.named } });
        changeRow(request.conversation, (row) => ({ ...row, draft: request.text === '' ? null : request.text }));
        return done;
      case 'join-conversation':
        if (rooms.has(request.conversation)) change(request.conversation, (before) => ({ ...before, membership: { state: 'joined' }, maySend: true }));
        changeRow(request.conversation, (row) => ({ ...row, membership: { state: 'joined' } }));
        return done;
      case 'leave-conversation':
        changeRow(request.conversation, (row) => (row.membership.state === 'invited' ? null : { ...row, membership: { state: 'left' } }));
        return done;
      case 'find-people': {
        const wanted = request.words.toLocaleLowerCase('de');
        return { type: 'people', value: { people: (fixture?.people ?? []).filter((one) => one.name.toLocaleLowerCase('de').includes(wanted)), more: false } };
      }
      case 'search-directory':
        return { type: 'directory', value: fixture?.directory ? searched(fixture.directory, request.words) : { services: { state: 'absent' }, people: { state: 'absent' }, partial: false } };
      case 'open-own-card':
        return { type: 'own-card', value: fixture?.card ?? missing() };
      case 'read-card': {
        const address = /@[^\s:]+:[^\s:]+/u.exec(request.text)?.[0];
        if (address === undefined) throw failure('invalid-input');
        return { type: 'card', value: { name: /^FN:(.+)$/mu.exec(request.text)?.[1]?.trim() ?? address, address, own: address === fixture?.self.id } };
      }
      case 'accept-contact':
        return done;
      case 'open-permissions':
        return { type: 'permissions', value: permissions };
      case 'change-permissions':
        if (request.permissions.exceptions.some((one) => /\s/u.test(one))) throw failure('invalid-input');
        permissions = request.permissions;
        return { type: 'permissions', value: permissions };
      case 'begin-conversation': {
        const [first] = request.people;
        const known = request.name === null ? [...rooms.values()].find((one) => one.kind === 'person' && one.members.some((member) => member.id === first)) : undefined;
        return { type: 'begun', value: { conversation: known?.id ?? '!neu', refused: [] } };
      }
      case 'invite-to-conversation':
        return { type: 'begun', value: { conversation: request.conversation, refused: [] } };
      case 'remove-from-conversation':
        change(request.conversation, (before) => ({ ...before, members: before.members.filter((person) => person.id !== request.person), memberCount: before.memberCount - 1 }));
        return done;
      case 'rename-conversation':
        change(request.conversation, (before) => ({ ...before, name: request.name }));
        changeRow(request.conversation, (row) => ({ ...row, name: request.name }));
        return done;
      case 'set-favorite':
        change(request.conversation, (before) => ({ ...before, favorite: request.favorite }));
        changeRow(request.conversation, (row) => ({ ...row, favorite: request.favorite }));
        return done;
      case 'open-versions': {
        const line = room(request.conversation).lines.find((one) => one.type === 'message' && one.id === request.message);
        if (line?.type !== 'message' || line.body.type !== 'text') throw failure('not-found');
        const before = new Date(Date.parse(line.at) - 60_000).toISOString();
        return { type: 'versions', value: { versions: [{ at: before, blocks: paragraphs('Vorschlag folgt.') }, { at: line.at, blocks: line.body.blocks }] } };
      }
      case 'link-case': {
        const decided = room(request.conversation).cases.filter((one) => one.access.access === 'open' && one.access.patient === request.patient);
        change(request.conversation, (before) => ({ ...before, cases: decided }));
        changeRow(request.conversation, (row) => ({ ...row, cases: decided }));
        return done;
      }
      case 'set-up-recovery': {
        if (view) view = { ...view, recovery: 'ready', asOf: clock() };
        const next = view;
        if (next) queueMicrotask(() => send({ type: 'chat-changed', value: next }));
        return { type: 'recovery-key', value: { key: fixture?.recoveryKey ?? missing(), kept: fixture?.recoveryKeyKept ?? false } };
      }
      case 'recover': {
        if (request.key.replaceAll(/\s/gu, '') !== fixture?.recoveryKey?.replaceAll(/\s/gu, '')) throw failure('recovery-key-wrong');
        if (view) view = { ...view, recovery: 'ready', asOf: clock() };
        const next = view;
        if (next) queueMicrotask(() => send({ type: 'chat-changed', value: next }));
        return done;
      }
      default: {
        const unknown: never = request;
        return unknown;
      }
    }
  };
  return { reply, door: files.door };
}

/** Entries with every word somewhere in them. */
function searched(directory: DirectoryView, words: string): DirectoryView {
  const wanted = words.toLocaleLowerCase('de').split(/\s+/u);
  const narrowed = (part: DirectoryView['services']): DirectoryView['services'] => {
    if (part.state !== 'ready') return part;
    const value = part.value.filter((entry) => {
      const text = [entry.name, entry.organization, entry.place, ...entry.specialties].join(' ').toLocaleLowerCase('de');
      return wanted.every((word) => text.includes(word));
    });
    return value.length === 0 ? { state: 'empty' } : { ...part, value };
  };
  return { ...directory, services: narrowed(directory.services), people: narrowed(directory.people) };
}

function asLine(message: MessageView | null): LineView | null {
  return message === null ? null : { type: 'message', ...message };
}

function failure(code: Failure['code']): Failure {
  return { code, detail: 'fixture' };
}

function missing(): never {
  throw failure('not-found');
}
