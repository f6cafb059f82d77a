/** What is written into a conversation: a message, an answer, or the change of an own message. */
import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from 'react';
import type { ConversationView, Failure, TypedView } from '../host/contract';
import { useDesk, useSettings } from '../host/desk';
import { asFailure } from '../host/host';
import type { ComposerMode } from '../host/messageDrafts';
import { plain } from '../host/typed';
import { lastEditable, type MessageLine, messageText } from './timeline';
import { oneLine } from './words';

/** Milliseconds after which the others are told again: the homeserver forgets it a little later. */
const typingAgain = 3000;

export interface Composing {
  typed: TypedView;
  mode: ComposerMode;
  /** Asked for and not answered: the text stays until it is safe. */
  pending: boolean;
  failure: Failure | null;
  /** The program has not taken the draft so far. */
  draftFailed: boolean;
  type: (typed: TypedView) => void;
  reply: (line: MessageLine, name: string) => void;
  edit: (line: MessageLine) => void;
  editLast: () => void;
  /** Leaves the answer or the change; what was written before comes back. */
  leave: () => void;
  send: () => void;
  /** The text field is left. */
  flush: () => void;
}

export function useComposer(view: ConversationView): Composing {
  const desk = useDesk();
  const { host, drafts, transfers } = desk;
  const { typingNotices } = useSettings();
  const conversation = view.id;
  const [mode, showMode] = useState(() => drafts.mode(conversation));
  const [typed, setTyped] = useState(() => {
    const kept = drafts.begin(conversation, view.draft);
    const begun = drafts.mode(conversation);
    return begun.kind === 'edit' ? begun.typed : kept;
  });
  const [pending, setPending] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const draftFailed = useSyncExternalStore(drafts.subscribe, () => drafts.failed(conversation));
  // When the others were last told that something is being written.
  const told = useRef(0);
  const tellTyping = useCallback(
    (typing: boolean) => {
      const now = performance.now();
      if (typing ? now - told.current < typingAgain && told.current > 0 : told.current === 0) return;
      told.current = typing ? now : 0;
      void host.call({ type: 'set-typing', conversation, typing }).catch(() => undefined);
    },
    [host, conversation],
  );
  const here = useRef(true);
  useEffect(() => {
    here.current = true;
    return () => {
      here.current = false;
      drafts.flush(conversation);
      tellTyping(false);
    };
  }, [drafts, conversation, tellTyping]);

  const setMode = (next: ComposerMode) => {
    drafts.setMode(conversation, next);
    showMode(next);
  };
  const type = (next: TypedView) => {
    setTyped(next);
    if (typingNotices) tellTyping(next.text.trim() !== '');
    if (mode.kind === 'edit') setMode({ ...mode, typed: next });
    else drafts.typed(conversation, next);
  };
  const leave = () => {
    if (mode.kind === 'edit') setTyped(mode.aside);
    setMode({ kind: 'new' });
    setFailure(null);
  };
  const edit = (line: MessageLine) => {
    if (pending || line.body.type !== 'text' || line.body.source === null) return;
    setMode({ kind: 'edit', message: line.id, typed: line.body.source, aside: mode.kind === 'edit' ? mode.aside : typed });
    setTyped(line.body.source);
    setFailure(null);
  };

  return {
    typed,
    mode,
    pending,
    failure,
    draftFailed,
    type,
    leave,
    edit,
    editLast() {
      const line = lastEditable(view.lines);
      if (line) edit(line);
    },
    reply(line, name) {
      if (line.event === null) return;
      if (mode.kind === 'edit') setTyped(mode.aside);
      setMode({ kind: 'reply', event: line.event, name, text: oneLine(messageText(line) ?? '').slice(0, 200) });
    },
    send() {
      if (pending) return;
      const files = mode.kind !== 'edit' && transfers.attached(conversation).length > 0;
      if (typed.text.trim() === '') {
        if (files) void transfers.send(conversation);
        return;
      }
      setPending(true);
      setFailure(null);
      tellTyping(false);
      const asked =
        mode.kind === 'edit'
          ? host.call({ type: 'edit-message', conversation, message: mode.message, ...typed })
          : host.call({ type: 'send-message', conversation, ...typed, replyTo: mode.kind === 'reply' ? mode.event : null });
      asked.then(
        () => {
          // Also when the conversation was left meanwhile: the text is safe, and no draft any more.
          if (mode.kind !== 'edit') drafts.sent(conversation, typed.text);
          drafts.setMode(conversation, { kind: 'new' });
          // The words come first; what is sent with them stands below.
          if (files) void transfers.send(conversation);
          if (!here.current) return;
          // What was just written is what one wants to see.
          if (view.past !== null) desk.openConversation(conversation);
          setPending(false);
          setTyped(mode.kind === 'edit' ? mode.aside : plain(''));
          showMode({ kind: 'new' });
        },
        (thrown: unknown) => {
          if (!here.current) return;
          setPending(false);
          setFailure(asFailure(thrown));
        },
      );
    },
    flush() {
      drafts.flush(conversation);
      tellTyping(false);
    },
  };
}
