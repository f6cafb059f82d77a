/** A line of a conversation: a day, what is new, what changed, a message. */
import { type FocusEvent, type ReactNode, type RefObject, useRef, useState } from 'react';
import { Button as Plain, Dialog as PopoverDialog, DialogTrigger, Popover, ToggleButton, Toolbar } from 'react-aria-components';
import { Button, IconButton } from '../components/Button';
import { classes } from '../components/classes';
import { copyText } from '../components/copy';
import { Icon } from '../components/icons';
import { Menu, type MenuEntry } from '../components/Menu';
import { Tooltip } from '../components/Tooltip';
import type { LineView, PendingView, SenderView } from '../host/contract';
import { failureWords } from '../i18n/failure';
import { dateTime, dayHeading, time } from '../i18n/format';
import { m } from '../paraglide/messages';
import { Blocks } from './Blocks';
import { FormCard } from './FormCard';
import { ReceivedFile } from './ReceivedFile';
import styles from './Timeline.module.css';
import { continues, type MessageLine, messageText } from './timeline';
import { actWords, causeWords, listed, noticeWords, reactionKeys, reactionName, spoken } from './words';

/** What can be done with a message. */
export interface MessageActions {
  reply: (line: MessageLine) => void;
  edit: (line: MessageLine) => void;
  react: (line: MessageLine, key: string) => void;
  remove: (line: MessageLine) => void;
  retry: (line: MessageLine) => void;
  giveUp: (line: MessageLine) => void;
  /** To the message that this one answers. */
  goTo: (event: string) => void;
  /** A file in front of everything. */
  show: (line: MessageLine) => void;
  /** What it said before it was changed. */
  versions: (line: MessageLine) => void;
  /** To the dialog for the recovery key; absent where it would not help. */
  recover?: (() => void) | undefined;
}

/** Whether a message can be answered and reacted to: the homeserver has it, and it says something. */
export function isAnswerable(line: MessageLine): boolean {
  return line.event !== null && line.body.type !== 'redacted';
}

export interface LineProps {
  conversation: string;
  line: LineView;
  before: LineView | undefined;
  now: Date;
  /** How many messages are new after this line. */
  fresh: number;
  call: (sender: SenderView) => string;
  /** Whether it is the one with the tab stop. */
  current: boolean;
  lit: boolean;
  maySend: boolean;
  /** A day of the past: what is done to a line would not be seen there. */
  past: boolean;
  /** Whether the choice of reactions is open at this line. */
  picking: boolean;
  setPicking: (on: boolean) => void;
  onFocus: () => void;
  actions: MessageActions;
}

export function Line(props: LineProps) {
  const { line, now } = props;
  switch (line.type) {
    case 'day':
      return (
        <div className={styles['day']} role="separator" aria-label={dayHeading(line.date, now)}>
          <span>{dayHeading(line.date, now)}</span>
        </div>
      );
    case 'unread':
      // Only what is no message came after it, such as somebody entering a round.
      if (props.fresh === 0) return null;
      return (
        <div className={styles['unread']} role="separator" aria-label={m.chat_new({ count: props.fresh })} data-testid="unread-line">
          <span>{m.chat_new({ count: props.fresh })}</span>
        </div>
      );
    case 'notice': {
      const words = noticeWords(line.changes, props.call);
      return <NoticeLine words={words} at={line.at} current={props.current} onFocus={props.onFocus} />;
    }
    case 'message':
      return <Message {...props} line={line} />;
    default: {
      const unknown: never = line;
      return unknown;
    }
  }
}

/** More than two changes are folded until somebody asks for them. */
function NoticeLine({ words, at, current, onFocus }: { words: readonly string[]; at: string; current: boolean; onFocus: () => void }) {
  const [open, setOpen] = useState(false);
  const folded = words.length > 2 && !open;
  const label = words.join(' ');
  return (
    <div className={styles['notice']} role="article" aria-label={label} tabIndex={current ? 0 : -1} data-stop onFocus={onFocus} title={dateTime(at)}>
      {(folded ? words.slice(0, 1) : words).map((word) => (
        <div key={word}>{word}</div>
      ))}
      {folded && (
        <Button look="link" size="small" onPress={() => setOpen(true)}>
          {m.chat_notice_more({ count: words.length - 1 })}
        </Button>
      )}
    </div>
  );
}

function Message({ conversation, line, before, now, call, current, lit, maySend, past, picking, setPicking, onFocus, actions }: LineProps & { line: MessageLine }) {
  const goesOn = continues(before, line);
  const name = line.sender.own ? m.chat_you() : call(line.sender);
  // The tools are drawn once somebody comes near: forty lines of buttons would be slow, and a menu must outlive the pointer.
  const [near, setNear] = useState(false);
  const article = useRef<HTMLElement | null>(null);
  const come = () => setNear(true);
  const failed = line.sending.state === 'failed';
  const readers = line.readBy.map(call);
  const read = readers.length === 0 ? [] : [m.chat_read_by({ names: listed(readers) })];
  return (
    <article
      ref={article}
      className={classes(styles['message'], goesOn && styles['goesOn'], lit && styles['lit'])}
      aria-label={[time(line.at), spoken(line, call), ...read].join(', ')}
      tabIndex={current ? 0 : -1}
      data-stop
      data-own={line.sender.own ? '' : undefined}
      data-names-me={line.namesMe ? '' : undefined}
      data-testid={`message-${line.id}`}
      onPointerEnter={come}
      onFocus={(event: FocusEvent) => {
        come();
        if (event.target === article.current) onFocus();
      }}
      onContextMenu={(event) => {
        const more = article.current?.querySelector<HTMLElement>('[data-more]');
        if (!more || (window.getSelection()?.toString() ?? '') !== '') return;
        event.preventDefault();
        more.click();
      }}
    >
      <div className={styles['side']} aria-hidden>
        {goesOn ? <span className={styles['sideTime']}>{time(line.at)}</span> : <span className={styles['avatar']}>{line.sender.initials}</span>}
      </div>
      <div className={styles['content']}>
        {!goesOn && (
          <div className={styles['heading']}>
            <b>{name}</b>
            <span className={styles['time']} title={dateTime(line.at)}>
              {time(line.at)}
            </span>
          </div>
        )}
        {line.replyTo && <Replied replied={line.replyTo} call={call} goTo={actions.goTo} current={current} />}
        <Body conversation={conversation} line={line} name={name} call={call} current={current} maySend={maySend} now={now} actions={actions} />
        {line.namesMe && (
          <p className={styles['namesMe']} data-testid={`names-me-${line.id}`}>
            <Icon name="mention" size="xs" />
            {m.chat_names_me()}
          </p>
        )}
        {line.inClear && (
          <p className={styles['clear']}>
            <Icon name="unlocked" size="xs" />
            {m.chat_in_clear()}
          </p>
        )}
        {line.reactions.length > 0 && (
          <div className={styles['reactions']}>
            {line.reactions.map((reaction) => {
              const who = reaction.senders.map((sender) => (sender.own ? m.chat_you_inline() : call(sender)));
              return (
                <Tooltip key={reaction.key} text={who.join(', ')}>
                  <ToggleButton
                    className={styles['reaction'] ?? ''}
                    isSelected={reaction.own}
                    isDisabled={!maySend || past}
                    aria-label={m.chat_reaction({ name: reactionName(reaction.key), count: reaction.senders.length, names: listed(who) })}
                    onChange={() => actions.react(line, reaction.key)}
                    data-testid={`reaction-${line.id}-${reaction.key}`}
                  >
                    <span className={styles['reactionKey']}>{reaction.key}</span> {reaction.senders.length}
                  </ToggleButton>
                </Tooltip>
              );
            })}
          </div>
        )}
        {read.length > 0 && (
          <p className={styles['read']} title={readers.join(', ')} data-testid={`read-${line.id}`}>
            <Icon name="check" size="xs" />
            {read}
          </p>
        )}
        {line.sender.own && line.sending.state === 'waiting' && (
          <p className={styles['sending']}>
            <Icon name="clock" size="xs" />
            {m.chat_waiting()}
            <Button look="link" size="small" onPress={() => actions.giveUp(line)}>
              {m.chat_give_up()}
            </Button>
          </p>
        )}
        {line.sending.state === 'failed' && (
          <div className={styles['failed']}>
            <p>
              <Icon name="danger" size="s" />
              <b>{m.chat_not_sent()}</b> {failureWords(line.sending.failure).what}
            </p>
            <Button size="small" icon="reload" onPress={() => actions.retry(line)}>
              {m.chat_send_again()}
            </Button>
            <Button size="small" onPress={() => actions.giveUp(line)}>
              {m.chat_give_up()}
            </Button>
          </div>
        )}
        {line.pending !== null && <Pending line={line} pending={line.pending} actions={actions} />}
      </div>
      {(near || picking) && !failed && <Tools line={line} maySend={maySend} past={past} current={current} picking={picking} setPicking={setPicking} article={article} actions={actions} />}
    </article>
  );
}

/** What was done to a message and has not reached the others. */
function Pending({ line, pending, actions }: { line: MessageLine; pending: PendingView; actions: MessageActions }) {
  const words = actWords(pending);
  const drop = pending.act === 'deletion' ? m.chat_act_deletion_drop() : m.chat_give_up();
  if (pending.sending.state !== 'failed') {
    return (
      <p className={styles['sending']} data-testid={`pending-${line.id}`}>
        <Icon name="clock" size="xs" />
        {words}
        <Button look="link" size="small" onPress={() => actions.giveUp(line)}>
          {drop}
        </Button>
      </p>
    );
  }
  return (
    <div className={styles['failed']} data-testid={`pending-${line.id}`}>
      <p>
        <Icon name="danger" size="s" />
        <b>{words}</b> {failureWords(pending.sending.failure).what}
      </p>
      <Button size="small" icon="reload" onPress={() => actions.retry(line)}>
        {m.action_retry()}
      </Button>
      <Button size="small" onPress={() => actions.giveUp(line)}>
        {drop}
      </Button>
    </div>
  );
}

function Replied({ replied, call, goTo, current }: { replied: NonNullable<MessageLine['replyTo']>; call: (sender: SenderView) => string; goTo: (event: string) => void; current: boolean }) {
  const name = replied.sender === null ? null : replied.sender.own ? m.chat_you() : call(replied.sender);
  const text = replied.text ?? (name === null ? m.chat_reply_loading() : m.chat_reply_without_text());
  return (
    <Plain className={styles['replied'] ?? ''} excludeFromTabOrder={!current} aria-label={m.chat_reply_go_to({ name: name ?? '', text })} onPress={() => goTo(replied.event)} data-testid={`replied-${replied.event}`}>
      <span title={text}>{name === null ? text : m.chat_last({ name, text })}</span>
    </Plain>
  );
}

function Body({
  conversation,
  line,
  name,
  call,
  current,
  maySend,
  now,
  actions: { recover, show, versions },
}: {
  conversation: string;
  line: MessageLine;
  name: string;
  call: (sender: SenderView) => string;
  current: boolean;
  maySend: boolean;
  now: Date;
  actions: MessageActions;
}): ReactNode {
  const { body } = line;
  const edited = line.edited ? (
    <Plain className={styles['edited'] ?? ''} excludeFromTabOrder={!current} aria-label={m.chat_versions_open()} onPress={() => versions(line)} data-testid={`edited-${line.id}`}>
      {m.chat_edited()}
    </Plain>
  ) : null;
  switch (body.type) {
    case 'text':
      return (
        <div className={styles['text']}>
          <Blocks blocks={body.blocks} />
          {edited}
        </div>
      );
    case 'emote':
      return (
        <div className={styles['text']}>
          <Blocks blocks={body.blocks} lead={name} />
          {edited}
        </div>
      );
    case 'file':
      return (
        <>
          <ReceivedFile conversation={conversation} line={line} body={body} current={current} show={show} />
          {body.caption.length > 0 && (
            <div className={styles['text']} data-testid={`caption-${line.id}`}>
              <Blocks blocks={body.caption} />
              {edited}
            </div>
          )}
        </>
      );
    case 'form':
      return <FormCard conversation={conversation} line={line} body={body} current={current} maySend={maySend} now={now} call={call} show={show} />;
    case 'redacted': {
      // It is not: what waits or failed is said below.
      if (line.pending?.act === 'deletion') return null;
      const by = body.by === null ? null : body.by.own ? m.chat_you() : call(body.by);
      const words =
        by === null ? (body.at === null ? m.chat_redacted() : m.chat_redacted_at({ at: dateTime(body.at) })) : body.at === null ? m.chat_redacted_by({ name: by }) : m.chat_redacted_by_at({ name: by, at: dateTime(body.at) });
      return (
        <p className={styles['marker']}>
          <Icon name="delete" size="s" />
          {words}
        </p>
      );
    }
    case 'undecryptable': {
      const words = causeWords(body.cause, name);
      return (
        <div className={styles['unreadable']}>
          <Icon name="locked" size="s" />
          <p>
            <b>{words.what}</b> {words.next}
          </p>
          {body.cause === 'recovery-key-needed' && recover && (
            <Button size="small" icon="key" onPress={recover}>
              {m.chat_recovery_enter()}
            </Button>
          )}
        </div>
      );
    }
    case 'repeated':
      return (
        <p className={styles['marker']}>
          <Icon name="warn" size="s" />
          {m.chat_repeated()}
        </p>
      );
    case 'unsupported':
      return (
        <div className={styles['text']}>
          {body.fallback !== null && <p className={styles['paragraph']}>{body.fallback}</p>}
          <p className={styles['marker']}>
            <Icon name="info" size="s" />
            {m.chat_unsupported()}
          </p>
        </div>
      );
    default: {
      const unknown: never = body;
      return unknown;
    }
  }
}

/** The actions at a line: the frequent ones as buttons, all of them in the menu. */
function Tools({
  line,
  maySend,
  past,
  current,
  picking,
  setPicking,
  article,
  actions,
}: {
  line: MessageLine;
  maySend: boolean;
  past: boolean;
  current: boolean;
  picking: boolean;
  setPicking: (on: boolean) => void;
  article: RefObject<HTMLElement | null>;
  actions: MessageActions;
}) {
  const answerable = maySend && isAnswerable(line);
  const text = messageText(line);
  const entries: MenuEntry[] = [];
  if (answerable) {
    entries.push({ id: 'message-reply', label: m.chat_reply(), icon: 'reply', keys: 'r', run: () => actions.reply(line) });
    if (!past) entries.push({ id: 'message-react', label: m.chat_react(), icon: 'smile', keys: 'e', run: () => setPicking(true) });
  }
  if (line.mayEdit && !past) entries.push({ id: 'message-edit', label: m.chat_edit(), icon: 'pen', run: () => actions.edit(line) });
  if (text !== null) entries.push({ id: 'message-copy', label: m.chat_copy_text(), icon: 'copy', run: () => copyText(text) });
  if (line.mayRedact && !past && line.body.type !== 'redacted') entries.push({ id: 'message-delete', label: m.chat_delete(), icon: 'delete', run: () => actions.remove(line) });
  if (entries.length === 0) return null;
  const keys = [...reactionKeys, ...line.reactions.map((reaction) => reaction.key).filter((key) => !reactionKeys.includes(key))];
  return (
    <div className={styles['tools']}>
      {answerable && (
        <>
          {!past && (
            <DialogTrigger isOpen={picking} onOpenChange={setPicking}>
              <IconButton icon="smile" size="small" label={m.chat_react()} excludeFromTabOrder={!current} data-testid={`react-${line.id}`} />
              <Popover className={styles['picker'] ?? ''} placement="top end">
                <PopoverDialog className={styles['pickerDialog'] ?? ''} aria-label={m.chat_react()}>
                  <Toolbar className={styles['pickerKeys'] ?? ''} aria-label={m.chat_react()}>
                    {keys.map((key, at) => (
                      <ToggleButton
                        key={key}
                        className={styles['pickerKey'] ?? ''}
                        autoFocus={at === 0}
                        isSelected={line.reactions.some((reaction) => reaction.key === key && reaction.own)}
                        aria-label={reactionName(key)}
                        onChange={() => {
                          actions.react(line, key);
                          setPicking(false);
                          article.current?.focus();
                        }}
                        data-testid={`pick-${key}`}
                      >
                        {key}
                      </ToggleButton>
                    ))}
                  </Toolbar>
                </PopoverDialog>
              </Popover>
            </DialogTrigger>
          )}
          <IconButton icon="reply" size="small" label={m.chat_reply()} excludeFromTabOrder={!current} onPress={() => actions.reply(line)} />
        </>
      )}
      <Menu
        label={m.chat_message_menu()}
        placement="bottom end"
        trigger={<IconButton icon="more" size="small" label={m.chat_message_menu()} excludeFromTabOrder={!current} data-more="" data-testid={`more-${line.id}`} />}
        entries={entries}
      />
    </div>
  );
}
