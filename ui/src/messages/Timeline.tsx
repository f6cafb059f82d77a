/** The lines of a conversation: only those in sight are drawn, and the one being read stays where it is. */
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { announce } from '../components/announce';
import { Button } from '../components/Button';
import { Icon } from '../components/icons';
import { Spinner } from '../components/Spinner';
import { toast } from '../components/toasts';
import { listMoves } from '../components/rovingRows';
import type { ConversationView } from '../host/contract';
import { useNow } from '../i18n/clock';
import { defineCommand, useCommand } from '../keys/keys';
import { m } from '../paraglide/messages';
import { isAnswerable, Line, type MessageActions } from './Line';
import { callNames } from './names';
import { arrived, firstSince, guessHeight, isMessage, isStop, lastMessage, lineOfEvent, newAfter, newSince } from './timeline';
import { OutgoingFiles } from './OutgoingFiles';
import { conversationTitle } from './caseOf';
import styles from './Timeline.module.css';
import { useWindowed } from './useWindowed';
import { useWindowFocus } from './useWindowFocus';
import type { Row } from './windowing';
import { arrivalWords } from './words';

const replyCommand = defineCommand({ id: 'message-reply', keys: ['r'], label: () => m.chat_reply(), group: 'messages' });
const openCommand = defineCommand({ id: 'message-open-file', keys: ['enter'], label: () => m.file_open(), group: 'messages' });
const reactCommand = defineCommand({ id: 'message-react', keys: ['e'], label: () => m.chat_react(), group: 'messages' });

/** How often earlier lines are asked for in search of an answered message. */
const mostSearches = 12;
const earlierRow = 'earlier lines';
const endRow = 'end of lines';
const litMillis = 2400;

export function Timeline({
  view,
  actions,
  loadEarlier,
  loadLater,
  toNow,
  toUnread,
  markRead,
  goal,
}: {
  view: ConversationView;
  actions: Omit<MessageActions, 'goTo'>;
  /** Rejects when it could not be asked for. */
  loadEarlier: () => Promise<unknown>;
  loadLater: () => void;
  /** From a day of the past to what is written now. */
  toNow: () => void;
  /** To the first of what was not read, where that is before what is loaded. */
  toUnread: () => Promise<unknown>;
  markRead: () => void;
  /** The message that is to be shown, each time that it is asked for. */
  goal: { event: string } | null;
}) {
  const { lines } = view;
  const now = useNow(60_000);
  const inFront = useWindowFocus();
  const rows = useMemo<Row[]>(
    () => [
      { id: earlierRow, hold: 'loose' },
      ...lines.map((line): Row => ({ id: line.id, hold: isStop(line) ? 'firm' : 'loose' })),
      { id: endRow, hold: 'loose' },
    ],
    [lines],
  );
  const guess = useCallback((at: number) => (at === 0 ? 48 : at > lines.length ? 12 : guessHeight(lines[at - 1], lines[at - 2])), [lines]);
  const call = useMemo(() => callNames(view.members), [view.members]);

  // It opens at the day that was asked for, or where the unread begins, with a line or two of what was read above it.
  const past = view.past;
  const inPast = past !== null;
  const [start] = useState(() => {
    if (past !== null && past.day !== null) {
      const asked = firstSince(lines, past.day);
      return asked === null ? null : ({ id: asked.id, edge: 'top', distance: 48 } as const);
    }
    const unread = lines.findIndex((line) => line.type === 'unread');
    return unread < 0 ? null : ({ id: lines[unread]?.id ?? '', edge: 'top', distance: 96 } as const);
  });
  const [wanted, setWanted] = useState<string | null>(null);
  const current = wanted !== null && lines.some((line) => line.id === wanted) ? wanted : (lines.findLast(isStop)?.id ?? null);
  const list = useWindowed({ rows, guess, pinned: current === null ? [] : [current], follow: true, start, stays: !inPast });
  const [inside, setInside] = useState(false);
  const [picking, setPicking] = useState<string | null>(null);
  const [lit, setLit] = useState<string | null>(null);

  // What came while the end was out of sight.
  const last = lastMessage(view);
  const seen = useRef<string | null>(start === null ? null : start.id);
  useEffect(() => {
    if (list.atEnd) seen.current = last?.id ?? null;
  }, [list.atEnd, last?.id]);
  const fresh = list.atEnd ? 0 : newSince(lines, seen.current);

  const { toEnd } = list;
  const before = useRef<typeof lines | null>(null);
  useLayoutEffect(() => {
    const fresh = arrived(before.current, lines);
    before.current = lines;
    // What comes after a day of the past was written long ago.
    if (fresh.length === 0 || inPast) return;
    // What was just written is what one wants to see.
    if (fresh.some((line) => line.sender.own && line.sending.state === 'waiting')) toEnd();
    const words = arrivalWords(fresh, call);
    if (words !== '') announce(words);
  }, [lines, call, toEnd, inPast]);

  // So is a file that was just begun.
  const going = useRef(view.outgoing.length);
  useLayoutEffect(() => {
    if (view.outgoing.length > going.current) toEnd();
    going.current = view.outgoing.length;
  }, [view.outgoing.length, toEnd]);

  const marked = useRef<string | null>(null);
  useEffect(() => {
    if (!list.atEnd || !inFront || last === undefined || marked.current === last.id) return;
    marked.current = last.id;
    markRead();
  }, [list.atEnd, inFront, last, markRead]);

  // Earlier lines: asked for when the beginning is near, and in search of an answered message.
  const first = lines[0]?.id;
  const [refused, setRefused] = useState(false);
  const askedAt = useRef<string | null>(null);
  const ask = useCallback(() => {
    askedAt.current = first ?? '';
    setRefused(false);
    loadEarlier().catch(() => setRefused(true));
  }, [first, loadEarlier]);
  useEffect(() => {
    // A page of the past may hold nothing to show: once it was read, the same beginning may be asked from again.
    if (view.earlier === 'loading') askedAt.current = null;
    if (list.nearTop && view.earlier === 'more' && !refused && askedAt.current !== (first ?? '')) ask();
  }, [list.nearTop, view.earlier, refused, first, ask]);

  const later = past?.later ?? 'none';
  useEffect(() => {
    if (list.nearEnd && later === 'more') loadLater();
  }, [list.nearEnd, later, loadLater]);

  const [opening, setOpening] = useState(false);
  const [search, setSearch] = useState<{ event: string; tries: number } | null>(null);
  const { focus } = list;
  const light = useCallback(
    (id: string) => {
      setWanted(id);
      setLit(id);
      // After the line has become the one with the tab stop.
      window.setTimeout(() => focus(id, 'middle'), 0);
    },
    [focus],
  );
  const goTo = useCallback((event: string) => setSearch({ event, tries: 0 }), []);
  const [met, setMet] = useState(goal);
  if (met !== goal) {
    setMet(goal);
    if (goal !== null) goTo(goal.event);
  }
  useEffect(() => {
    if (!search) return;
    const at = lineOfEvent(lines, search.event);
    const line = lines[at];
    if (line) {
      setSearch(null);
      light(line.id);
    } else if (view.earlier === 'none' || refused || view.earlier === 'failed' || search.tries >= mostSearches) {
      setSearch(null);
      toast({ text: m.chat_reply_not_found(), icon: 'info' });
    } else if (view.earlier === 'more' && askedAt.current !== (first ?? '')) {
      setSearch({ ...search, tries: search.tries + 1 });
      ask();
    }
  }, [search, lines, first, view.earlier, refused, ask, light]);
  // The day that was asked for, or what was not read: the focus goes to its first line.
  const shown = useRef(false);
  useEffect(() => {
    if (!past || shown.current) return;
    shown.current = true;
    // The mark may be at what has no line: then at the last one, so that the focus is somewhere.
    const asked = past.day === null ? (lines.find((one) => one.type === 'unread') ?? lines.findLast(isStop)) : firstSince(lines, past.day);
    const line = asked ? lines.slice(lines.indexOf(asked)).find(isStop) : undefined;
    if (line) light(line.id);
  }, [past, lines, light]);
  useEffect(() => {
    if (lit === null) return undefined;
    const timer = window.setTimeout(() => setLit(null), litMillis);
    return () => window.clearTimeout(timer);
  }, [lit]);

  // Keys, while the focus is on a line.
  const stops = lines.filter(isStop);
  const move = (to: number) => {
    const line = stops[Math.max(0, Math.min(stops.length - 1, to))];
    if (!line) return;
    setWanted(line.id);
    list.focus(line.id);
  };
  const at = stops.findIndex((line) => line.id === current);
  const focused = stops[at];
  const here = { scope: 'timeline', enabled: inside };
  useCommand(listMoves.next, () => move(at + 1), here);
  useCommand(listMoves.previous, () => move(at - 1), here);
  useCommand(listMoves.first, () => move(0), here);
  useCommand(listMoves.last, () => move(stops.length - 1), here);
  const answerable = inside && view.maySend && focused !== undefined && isMessage(focused) && isAnswerable(focused);
  useCommand(replyCommand, () => focused && isMessage(focused) && actions.reply(focused), { scope: 'timeline', enabled: answerable });
  const hasFile = inside && focused !== undefined && isMessage(focused) && focused.body.type === 'file';
  useCommand(
    openCommand,
    () => {
      // What its first button does; a file that is only saved has another one.
      const place = list.scroller.current?.querySelector(`[data-line="${CSS.escape(focused?.id ?? '')}"]`);
      (place?.querySelector<HTMLElement>('[data-primary]') ?? place?.querySelector<HTMLElement>('[data-testid^=save-]'))?.click();
    },
    { scope: 'timeline', enabled: hasFile },
  );
  useCommand(reactCommand, () => focused && setPicking(focused.id), { scope: 'timeline', enabled: answerable && !inPast });

  const earlier = refused ? 'failed' : view.earlier;
  return (
    <div className={styles['whole']}>
      {/* New messages are said by the frame's live region, one by one: the log itself would also read what is scrolled to. */}
      <div
        className={styles['scroll']}
        ref={list.scroller}
        onScroll={list.onScroll}
        role="log"
        aria-live="off"
        aria-label={m.chat_log({ name: conversationTitle(view) })}
        data-scope="timeline"
        data-testid="timeline"
        onFocus={() => setInside(true)}
        onBlur={(event) => {
          if (!event.currentTarget.contains(event.relatedTarget)) setInside(false);
        }}
      >
        {list.drawn.map(({ at: index, gap }) => {
          const line = lines[index - 1];
          const row = rows[index];
          if (!row) return null;
          return (
            <div key={row.id}>
              {gap > 0 && <div style={{ height: gap }} />}
              <div data-line={row.id} className={styles['line']}>
                {row.id === earlierRow && <Earlier state={earlier} empty={lines.length === 0} retry={ask} />}
                {row.id === endRow && (
                  <>
                    {past ? <Later state={past.later} retry={loadLater} /> : <OutgoingFiles view={view} />}
                    <div className={styles['tail']} />
                  </>
                )}
                {line && (
                  <Line
                    conversation={view.id}
                    line={line}
                    before={lines[index - 2]}
                    now={now}
                    fresh={line.type === 'unread' ? newAfter(lines, index - 1) : 0}
                    call={call}
                    current={line.id === current}
                    lit={line.id === lit}
                    maySend={view.maySend}
                    past={inPast}
                    picking={picking === line.id}
                    setPicking={(on) => setPicking(on ? line.id : null)}
                    onFocus={() => setWanted(line.id)}
                    actions={{ ...actions, goTo }}
                  />
                )}
              </div>
            </div>
          );
        })}
        {list.rest > 0 && <div style={{ height: list.rest }} />}
      </div>
      {!inPast && view.unreadBefore && (
        <div className={styles['up']}>
          <Button
            size="small"
            icon="arrowUp"
            look="primary"
            isPending={opening}
            onPress={() => {
              setOpening(true);
              void toUnread().finally(() => setOpening(false));
            }}
            data-testid="to-unread"
          >
            {m.chat_to_unread()}
          </Button>
        </div>
      )}
      {past && (
        <div className={styles['down']}>
          <Button size="small" icon="arrowDown" onPress={toNow} data-testid="to-now">
            {m.chat_to_now()}
          </Button>
        </div>
      )}
      {!inPast && !list.atEnd && (
        <div className={styles['down']}>
          <Button
            size="small"
            icon="arrowDown"
            look={fresh > 0 ? 'primary' : 'plain'}
            onPress={() => {
              toEnd();
              const line = stops.at(-1);
              if (!line) return;
              setWanted(line.id);
              // The button is about to go, and the focus with it.
              window.setTimeout(() => focus(line.id), 0);
            }}
            data-testid="to-end"
          >
            {fresh > 0 ? m.chat_new({ count: fresh }) : m.chat_to_end()}
          </Button>
        </div>
      )}
    </div>
  );
}

/** What there is after the last line of a past. */
function Later({ state, retry }: { state: ConversationView['earlier']; retry: () => void }) {
  if (state === 'loading') {
    return (
      <p className={styles['begin']} role="status">
        <Spinner size={16} onSolid={false} />
        {m.chat_later_loading()}
      </p>
    );
  }
  if (state !== 'failed') return null;
  return (
    <p className={styles['begin']}>
      <Icon name="warn" size="s" />
      {m.chat_later_failed()}
      <Button size="small" icon="reload" onPress={retry}>
        {m.action_retry()}
      </Button>
    </p>
  );
}

/** What there is before the first line. */
function Earlier({ state, empty, retry }: { state: ConversationView['earlier']; empty: boolean; retry: () => void }) {
  switch (state) {
    case 'none':
      return empty ? null : <p className={styles['begin']}>{m.chat_begins_here()}</p>;
    case 'more':
      return <div className={styles['begin']} />;
    case 'loading':
      return (
        <p className={styles['begin']} role="status">
          <Spinner size={16} onSolid={false} />
          {m.chat_earlier_loading()}
        </p>
      );
    case 'failed':
      return (
        <p className={styles['begin']}>
          <Icon name="warn" size="s" />
          {m.chat_earlier_failed()}
          <Button size="small" icon="reload" onPress={retry}>
            {m.action_retry()}
          </Button>
        </p>
      );
    default: {
      const unknown: never = state;
      return unknown;
    }
  }
}
