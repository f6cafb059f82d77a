/** The conversations, newest first: cases and people together, invitations before all. */
import { type FocusEvent, type ReactNode, useCallback, useMemo, useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import { classes } from '../components/classes';
import { Icon } from '../components/icons';
import { useRovingRows } from '../components/rovingRows';
import type { ConversationRowView } from '../host/contract';
import { useNow } from '../i18n/clock';
import { dateTime, listMoment } from '../i18n/format';
import { m } from '../paraglide/messages';
import { conversationTitle } from './caseOf';
import styles from './Chat.module.css';
import { heldOrder } from './chatView';
import { InvitationButtons } from './Conversation';
import { callName } from './names';
import { useWindowed } from './useWindowed';
import type { Row } from './windowing';
import { lastLineWords, oneLine } from './words';

export function ConversationList({
  rows: given,
  shown,
  none,
  open,
  onOpen,
  begins = false,
}: {
  rows: readonly ConversationRowView[];
  /** Which ones these are, by filter and search: others begin in their own order. */
  shown: string;
  /** What is said where there are none. */
  none: ReactNode;
  open: string | null;
  onOpen: (id: string) => void;
  /** It is the last one of before, while chat begins anew. */
  begins?: boolean;
}) {
  // Under the pointer or the focus nothing changes its place.
  const [pointer, setPointer] = useState(false);
  const [inside, setInside] = useState(false);
  const order = useRef<{ shown: string; ids: string[] }>({ shown, ids: [] });
  const rows = useMemo(
    () => {
      const held = (pointer || inside) && order.current.shown === shown ? heldOrder(order.current.ids, given) : given;
      order.current = { shown, ids: held.map((row) => row.id) };
      return held;
    },
    [given, shown, pointer, inside],
  );
  const lines = useMemo<Row[]>(() => rows.map((row) => ({ id: row.id, hold: 'firm' })), [rows]);
  const guess = useCallback((at: number) => (rows[at]?.membership.state === 'invited' ? 108 : 58), [rows]);
  const openAt = rows.findIndex((row) => row.id === open);
  // Invitations are answered in their row.
  const choose = (at: number) => {
    const row = rows[at];
    if (row && row.membership.state !== 'invited') onOpen(row.id);
  };
  const reveal = useRef<(at: number) => void>(() => undefined);
  const roving = useRovingRows({ count: rows.length, scope: 'conversations', names: rows.map(conversationTitle), open: choose, start: Math.max(0, openAt), reveal: (at) => reveal.current(at) });
  const list = useWindowed({ rows: lines, guess, pinned: [rows[roving.current]?.id ?? ''] });
  reveal.current = (at) => {
    const row = rows[at];
    if (row) flushSync(() => list.reveal(row.id, 'nearest'));
  };

  return (
    <div
      className={styles['list']}
      ref={(element) => {
        list.scroller.current = element;
        roving.container.current = element;
      }}
      onScroll={list.onScroll}
      onPointerEnter={() => setPointer(true)}
      onPointerLeave={() => setPointer(false)}
      onFocus={() => setInside(true)}
      onBlur={(event: FocusEvent) => {
        if (!event.currentTarget.contains(event.relatedTarget)) setInside(false);
      }}
      onKeyDown={roving.onKeyDown}
      aria-busy={begins}
      data-testid="conversations"
    >
      {rows.length === 0 ? (
        none
      ) : (
        <div role="grid" aria-label={m.chat_conversations()} aria-rowcount={rows.length}>
          {list.drawn.map(({ at, gap }) => {
            const row = rows[at];
            if (!row) return null;
            return (
              <div key={row.id} role="presentation">
                {gap > 0 && <div style={{ height: gap }} role="presentation" />}
                <div data-line={row.id} role="presentation">
                  <ConversationRow row={row} at={at} open={row.id === open} rowProps={roving.rowProps(at)} current={at === roving.current} onOpen={() => choose(at)} />
                </div>
              </div>
            );
          })}
          {list.rest > 0 && <div style={{ height: list.rest }} role="presentation" />}
        </div>
      )}
    </div>
  );
}

function ConversationRow({
  row,
  at,
  open,
  rowProps,
  current,
  onOpen,
}: {
  row: ConversationRowView;
  at: number;
  open: boolean;
  rowProps: ReturnType<ReturnType<typeof useRovingRows>['rowProps']>;
  current: boolean;
  onOpen: () => void;
}) {
  const now = useNow(60_000);
  const invited = row.membership.state === 'invited';
  const by = row.membership.state === 'invited' ? row.membership.by : null;
  const left = row.membership.state === 'left';
  const words = lastLineWords(row);
  const title = conversationTitle(row);
  const drafted = row.draft !== null && row.draft.trim() !== '' && !open;
  // What does not fit into the line.
  const whole = invited || left ? undefined : drafted ? oneLine(row.draft ?? '') : words;
  return (
    <div
      role="row"
      aria-rowindex={at + 1}
      aria-selected={open}
      className={classes(styles['row'], left && styles['left'])}
      data-unread={row.unread > 0 ? '' : undefined}
      data-stop
      {...rowProps}
      onClick={invited ? undefined : onOpen}
      data-testid={`conversation-${row.id}`}
    >
      <div role="gridcell" className={styles['rowCell']}>
        <span className={styles['rowAvatar']} data-kind={row.kind} aria-hidden>
          {row.initials}
        </span>
        <span className={styles['rowWords']}>
          <span className={styles['rowLine']}>
            <span className={styles['rowName']} title={title === row.name ? title : m.chat_case_named({ title, name: row.name })}>
              {title}
            </span>
            {row.kind === 'case' && title === row.name && <span className="visually-hidden">{m.chat_kind_case()}</span>}
            {row.public && <Sign icon="unlocked" text={m.chat_public()} warn />}
            {row.attention === 'nothing' && <Sign icon="quiet" text={m.chat_muted()} />}
            {row.favorite && <Sign icon="favorite" text={m.chat_favorite()} />}
            {row.last && !invited && (
              <span className={styles['rowTime']} title={dateTime(row.last.at)}>
                {listMoment(row.last.at, now)}
              </span>
            )}
          </span>
          <span className={styles['rowLine']}>
            <span className={styles['rowLast']} title={whole}>
              {invited ? (
                by === null ? (
                  m.chat_invited()
                ) : (
                  m.chat_invited_by({ name: callName(by) })
                )
              ) : drafted ? (
                <>
                  <span className={styles['draft']}>
                    <Icon name="pen" size="xs" />
                    {m.chat_draft()}
                  </span>{' '}
                  {oneLine(row.draft ?? '').slice(0, 120)}
                </>
              ) : left ? (
                m.chat_left()
              ) : (
                words
              )}
            </span>
            {row.mentions > 0 && <Sign icon="mention" text={m.chat_mentions({ count: row.mentions })} accent />}
            {row.unread > 0 && (
              <span className={styles['badge']}>
                <span aria-hidden>{row.unread > 99 ? '99+' : row.unread}</span>
                <span className="visually-hidden">{m.chat_unread({ count: row.unread })}</span>
              </span>
            )}
          </span>
        </span>
      </div>
      {invited && (
        <div role="gridcell" className={styles['rowButtons']}>
          <InvitationButtons conversation={row.id} name={row.name} small tabStop={current} />
        </div>
      )}
    </div>
  );
}

function Sign({ icon, text, warn = false, accent = false }: { icon: 'unlocked' | 'favorite' | 'mention' | 'quiet'; text: string; warn?: boolean; accent?: boolean }) {
  return (
    <span className={classes(styles['sign'], warn && styles['warn'], accent && styles['accent'])} title={text}>
      <Icon name={icon} size="xs" />
      <span className="visually-hidden">{text}</span>
    </span>
  );
}
