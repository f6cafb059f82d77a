/** Where a message is written. It holds the text until the program has it safe. */
import { type RefObject, useEffect, useId, useLayoutEffect, useRef, useState } from 'react';
import { announce } from '../components/announce';
import { Button, IconButton } from '../components/Button';
import { classes } from '../components/classes';
import { FailureNotice } from '../components/FailureNotice';
import { Icon } from '../components/icons';
import { InlineList, useInlineList } from '../components/InlineList';
import { Kbd } from '../components/Kbd';
import { Menu, type MenuEntry } from '../components/Menu';
import { Tooltip } from '../components/Tooltip';
import type { ConversationView, NamedView, TypedView } from '../host/contract';
import { plain, replaced, retyped } from '../host/typed';
import { fold } from '../i18n/format';
import { defineCommand, useCommand } from '../keys/keys';
import { m } from '../paraglide/messages';
import { conversationTitle } from './caseOf';
import styles from './Composer.module.css';
import { AttachedFiles } from './AttachedFiles';
import { chosen, fits, offers, trigger, wordsOf } from './mentions';
import { callNames } from './names';
import type { Attaching } from './useAttaching';
import type { Composing } from './useComposer';
import { listed } from './words';

const sendCommand = defineCommand({ id: 'message-send', keys: ['enter'], label: () => m.chat_send(), group: 'messages', whileTyping: true });
const attachCommand = defineCommand({ id: 'message-attach', keys: ['mod+shift+o'], label: () => m.file_attach(), group: 'messages', whileTyping: true });
const lineCommand = defineCommand({ id: 'message-line', keys: ['shift+enter'], label: () => m.chat_new_line(), group: 'messages', whileTyping: true });
const leaveCommand = defineCommand({ id: 'message-leave', keys: ['escape'], label: () => m.command_step_back(), group: 'messages', whileTyping: true });
const editLastCommand = defineCommand({ id: 'message-edit-last', keys: ['arrowup'], label: () => m.chat_edit_last(), group: 'messages', whileTyping: true });

/** Why nothing can be written here; null when it can. */
function reasonOf(view: ConversationView): string | null {
  if (view.membership.state === 'left') return m.chat_closed_left();
  if (view.encryption.state === 'unknown') return m.chat_closed_encryption();
  return view.maySend ? null : m.chat_closed_read_only();
}

export function Composer({
  view,
  composing,
  area,
  attaching,
  sendStudy,
  forms,
  hints,
}: {
  view: ConversationView;
  composing: Composing;
  area: RefObject<HTMLTextAreaElement | null>;
  attaching: Attaching;
  /** Asks which study of the case goes; absent where there is no case beside. */
  sendStudy?: () => void;
  /** What can be sent besides words and files; empty where nothing can. */
  forms: MenuEntry[];
  /** Whether there is room to say which keys send. */
  hints: boolean;
}) {
  const { typed, mode, pending, failure } = composing;
  const { text } = typed;
  const ids = useId();
  const reason = reasonOf(view);
  const [focused, setFocused] = useState(false);
  const writing = { scope: 'composer', enabled: focused && reason === null };

  useCommand(sendCommand, composing.send, writing);
  // The text field does it itself; the key stands in the table of keys.
  useCommand(lineCommand, () => undefined, { scope: 'composer', enabled: false });
  useCommand(leaveCommand, composing.leave, { scope: 'composer', enabled: focused && mode.kind !== 'new' && !pending });
  useCommand(editLastCommand, composing.editLast, { ...writing, enabled: writing.enabled && text === '' && mode.kind === 'new' });

  const picker = useRef<HTMLInputElement>(null);
  const attachable = reason === null && mode.kind !== 'edit';
  const attach = () => picker.current?.click();
  useCommand(attachCommand, attach, { scope: 'composer', enabled: attachable });

  const naming = useNaming({ view, typed, area, closed: reason !== null || pending, type: composing.type });

  const commands: MenuEntry[] = attachable ? [{ id: 'attach', label: m.file_attach(), run: attach }, ...(sendStudy ? [{ id: 'attach-study', label: m.study_send_title(), run: sendStudy }] : []), ...forms] : [];
  const slash = useSlash({ typed, commands, closed: !focused || pending, type: composing.type });

  // As high as its text; the style sheet ends it at eight lines.
  useLayoutEffect(() => {
    const element = area.current;
    if (!element) return;
    element.style.height = 'auto';
    element.style.height = `${element.scrollHeight}px`;
  }, [area, text]);

  return (
    <div className={styles['whole']}>
      {failure && (
        <div className={styles['failure']}>
          <FailureNotice failure={failure} />
        </div>
      )}
      <div className={classes(styles['composer'], reason !== null && styles['closed'])} data-scope="composer">
        {mode.kind !== 'new' && (
          <div className={styles['mode']}>
            <Icon name={mode.kind === 'edit' ? 'pen' : 'reply'} size="s" />
            <span className={styles['modeWords']}>
              {mode.kind === 'edit' ? (
                <b>{m.chat_editing()}</b>
              ) : (
                <>
                  <b>{m.chat_replying({ name: mode.name })}</b> {mode.text}
                </>
              )}
            </span>
            <IconButton icon="close" size="small" label={mode.kind === 'edit' ? m.chat_leave_edit() : m.chat_leave_reply()} onPress={() => { composing.leave(); area.current?.focus(); }} data-testid="composer-leave" />
          </div>
        )}
        {attachable && <AttachedFiles conversation={view.id} refocus={() => area.current?.focus()} />}
        {naming.list.open && <InlineList list={naming.list} label={m.chat_name_list()} entries={naming.entries} hint={m.chat_name_keys()} above testId="name-list" />}
        {slash.list.open && <InlineList list={slash.list} label={m.chat_commands()} entries={slash.entries} hint={m.chat_name_keys()} above testId="slash-list" />}
        <textarea
          ref={area}
          className={styles['area']}
          rows={1}
          value={text}
          placeholder={reason !== null ? undefined : commands.length > 0 ? m.chat_placeholder_commands() : m.chat_placeholder()}
          aria-label={m.chat_write_to({ name: conversationTitle(view) })}
          aria-describedby={typed.named.length > 0 ? `${ids}-named ${ids}-hint` : `${ids}-hint`}
          {...naming.list.field}
          {...slash.list.field}
          readOnly={pending || reason !== null}
          aria-busy={pending}
          data-testid="composer"
          onChange={({ target }) => {
            composing.type(retyped(typed, target.value, target.selectionEnd));
            naming.follow();
          }}
          onKeyDown={(event) => {
            slash.list.key(event);
            if (!event.defaultPrevented) naming.list.key(event);
          }}
          onSelect={naming.follow}
          onFocus={() => setFocused(true)}
          onBlur={() => {
            setFocused(false);
            naming.leave();
            composing.flush();
          }}
        />
        <Named view={view} named={typed.named} id={`${ids}-named`} />
        <div className={styles['foot']} id={`${ids}-hint`}>
          {reason !== null ? (
            <span className={styles['reason']} data-testid="composer-reason">
              <Icon name="locked" size="s" />
              {reason}
            </span>
          ) : (
            <>
              {attachable && (
                <>
                  <input
                    ref={picker}
                    type="file"
                    multiple
                    hidden
                    tabIndex={-1}
                    aria-label={m.file_attach()}
                    data-testid="attach-input"
                    onChange={({ currentTarget: input }) => {
                      attaching.take({ files: [...(input.files ?? [])], folders: [] });
                      // The same file may be chosen again.
                      input.value = '';
                    }}
                  />
                  <Tooltip text={m.file_attach()} keys="mod+shift+o">
                    <IconButton icon="attach" size="small" label={m.file_attach()} onPress={attach} data-testid="attach" />
                  </Tooltip>
                  {sendStudy && (
                    <Tooltip text={m.study_send_title()}>
                      <IconButton icon="image" size="small" label={m.study_send_title()} onPress={sendStudy} data-testid="attach-study" />
                    </Tooltip>
                  )}
                </>
              )}
              {naming.possible && (
                <Tooltip text={m.chat_name_somebody()}>
                  <IconButton icon="mention" size="small" label={m.chat_name_somebody()} onPress={naming.begin} data-testid="name-somebody" />
                </Tooltip>
              )}
              {attachable && forms.length > 0 && (
                <Menu label={m.form_menu()} placement="top start" trigger={<IconButton icon="plus" size="small" label={m.form_menu()} data-testid="forms" />} entries={forms} />
              )}
              {composing.draftFailed && (
                <span className={styles['warn']} role="status">
                  <Icon name="warn" size="s" />
                  {m.chat_draft_not_kept()}
                </span>
              )}
              <span className={styles['grow']} />
              {hints && (
                <span className={styles['hint']}>
                  <Kbd keys="enter" /> {m.chat_hint_send()}
                  <span className={styles['more']}>
                    , <Kbd keys="shift+enter" /> {m.chat_hint_line()}
                  </span>
                </span>
              )}
              <Button look="primary" size="small" icon="send" isPending={pending} isDisabled={text.trim() === '' && (mode.kind === 'edit' || !attaching.any)} aria-label={mode.kind === 'edit' ? m.chat_keep_edit() : m.chat_send()} onPress={composing.send} data-testid="send" />
            </>
          )}
        </div>
      </div>
    </div>
  );
}

/** Whom the text names: in the text itself a name looks like any other word. */
function Named({ view, named, id }: { view: ConversationView; named: readonly NamedView[]; id: string }) {
  if (named.length === 0) return null;
  const call = callNames(view.members);
  const nameOf = (person: string | null) => {
    const member = view.members.find((one) => one.id === person);
    return person === null ? m.chat_everybody_inline() : member ? call(member) : person;
  };
  const names = [...new Set(named.map(({ person }) => nameOf(person)))];
  return (
    <p className={styles['named']} id={id} data-testid="composer-named">
      <Icon name="mention" size="xs" />
      {m.chat_named({ names: listed(names) })}
    </p>
  );
}

/** "/" at the beginning of a text: what can be sent besides words, found by any word of its name. */
function useSlash({ typed, commands, closed, type }: { typed: TypedView; commands: readonly MenuEntry[]; closed: boolean; type: (typed: TypedView) => void }) {
  const query = closed ? undefined : /^\/(\p{L}*)$/u.exec(typed.text)?.[1];
  const fitting = query === undefined ? [] : commands.filter(({ label }) => fits(wordsOf(fold(query)), [label]));
  const count = fitting.length;
  const list = useInlineList({
    // Where nothing fits it is a text like any other.
    start: count === 0 ? undefined : 0,
    text: typed.text,
    count,
    tab: true,
    choose(index) {
      type(plain(''));
      fitting[index]?.run();
    },
  });
  const { open } = list;
  useEffect(() => {
    if (open) announce(m.chat_command_count({ count }));
  }, [open, count]);
  return { list, entries: fitting.map(({ id, label }) => ({ name: label, testId: `slash-${id}` })) };
}

/** Naming somebody by "@": who is offered at the caret. */
function useNaming({ view, typed, area, closed, type }: { view: ConversationView; typed: TypedView; area: RefObject<HTMLTextAreaElement | null>; closed: boolean; type: (typed: TypedView) => void }) {
  const [caret, setCaret] = useState<number>();
  // The caret after a name was chosen: the text comes back first.
  const goal = useRef<number>(undefined);
  useLayoutEffect(() => {
    if (goal.current === undefined) return;
    area.current?.setSelectionRange(goal.current, goal.current);
    setCaret(goal.current);
    goal.current = undefined;
  }, [area, typed]);
  const found = closed || caret === undefined ? undefined : trigger(typed, caret);
  const fitting = found === undefined ? [] : offers(view.members, found.query, view.mayNameAll ? m.chat_everybody() : null);
  const count = fitting.length;
  const list = useInlineList({
    start: count === 0 ? undefined : found?.start,
    text: typed.text,
    count,
    tab: true,
    choose(index) {
      const offer = fitting[index];
      if (offer === undefined || found === undefined || caret === undefined) return;
      const next = chosen(typed, caret, found, offer);
      goal.current = next.caret;
      type(next.typed);
      announce(m.chat_name_chosen({ name: offer.name.slice(1) }));
    },
  });
  const { open } = list;
  useEffect(() => {
    if (open) announce(m.chat_name_count({ count }));
  }, [open, count]);
  return {
    list,
    entries: fitting.map(({ name, person, about }, index) => ({ name: name.slice(1), text: about ?? m.chat_everybody_text(), testId: person === null ? 'name-everybody' : `name-${index}` })),
    possible: !closed && view.members.some((member) => !member.own),
    follow: () => {
      const element = area.current;
      if (element !== null) setCaret(element.selectionStart === element.selectionEnd ? element.selectionStart : undefined);
    },
    leave: () => setCaret(undefined),
    /** As if "@" were typed. */
    begin: () => {
      const element = area.current;
      if (element === null) return;
      const { selectionStart: from, selectionEnd: to } = element;
      const sign = from > 0 && !/\s/u.test(typed.text[from - 1] ?? '') ? ' @' : '@';
      goal.current = from + sign.length;
      type(replaced(typed, from, to, sign));
      element.focus();
    },
  };
}
