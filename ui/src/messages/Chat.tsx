/** "Nachrichten": conversations on the left, the open one beside them; in a narrow window one of the two. */
import { useEffect, useRef, useState } from 'react';
import { Bar } from '../components/Bar';
import { Button, IconButton } from '../components/Button';
import { Empty, EmptyLine } from '../components/Empty';
import { FailureNotice } from '../components/FailureNotice';
import { Kbd } from '../components/Kbd';
import { ListSearch } from '../components/ListSearch';
import { Segment } from '../components/Segment';
import { Skeleton, useWaited } from '../components/Skeleton';
import { usePlaces } from '../frame/place';
import type { ChatView } from '../host/contract';
import { useDesk } from '../host/desk';
import { useStore } from '../host/store';
import { useNow } from '../i18n/clock';
import { moment } from '../i18n/format';
import { defineCommand, useCommand } from '../keys/keys';
import { m } from '../paraglide/messages';
import styles from './Chat.module.css';
import { type Filter, shownRows, stepFrom, unreadConversations } from './chatView';
import { Conversation } from './Conversation';
import { ConversationList } from './ConversationList';
import { NewConversation } from './NewConversation';
import { RecoveryDialog, RecoveryNotice } from './Recovery';
import { useToldFiles } from './useTransfers';

const nextCommand = defineCommand({ id: 'conversation-next', keys: ['mod+arrowdown'], label: () => m.chat_next(), group: 'messages', whileTyping: true });
const previousCommand = defineCommand({ id: 'conversation-previous', keys: ['mod+arrowup'], label: () => m.chat_previous(), group: 'messages', whileTyping: true });
const newCommand = defineCommand({ id: 'conversation-new', keys: ['n'], label: () => m.chat_new_title(), group: 'messages' });
const searchCommand = defineCommand({ id: 'conversations-search', keys: ['/'], label: () => m.command_search_here(), group: 'messages' });
const unreadCommand = defineCommand({ id: 'conversations-unread', keys: ['u'], label: () => m.chat_show_unread(), group: 'messages' });

export function Chat({ conversation }: { conversation: string | null }) {
  const desk = useDesk();
  const places = usePlaces();
  const chat = useStore(desk.chat);
  const [filter, setFilter] = useState<Filter>('all');
  const [query, setQuery] = useState('');
  const search = useRef<HTMLInputElement>(null);
  const [recovering, setRecovering] = useState<'set-up' | 'key-needed' | null>(null);
  /** With whom a new conversation begins: what was typed so far. */
  const [begins, setBegins] = useState<string | null>(null);
  const takesFocus = useRef(false);
  /** The search is asked for where the list is out of sight. */
  const takesSearch = useRef(false);
  useToldFiles();

  useEffect(() => {
    if (conversation === null) desk.closeConversation();
    else desk.openConversation(conversation);
  }, [desk, conversation]);
  useEffect(() => () => desk.closeConversation(), [desk]);

  const view = chat.state === 'here' ? chat.value : null;
  const rows = view === null ? [] : shownRows(view, filter, conversation, query);
  const open = (id: string) => {
    takesFocus.current = true;
    if (id !== conversation) places.go({ screen: 'messages', conversation: id });
    else document.querySelector<HTMLElement>('[data-scope=composer] textarea')?.focus();
  };
  const step = (by: 1 | -1) => {
    const next = stepFrom(rows, conversation, by);
    if (next !== null) open(next);
  };
  useCommand(nextCommand, () => step(1), { enabled: rows.length > 0 });
  useCommand(previousCommand, () => step(-1), { enabled: rows.length > 0 });
  useCommand(unreadCommand, () => setFilter(filter === 'unread' ? 'all' : 'unread'), { enabled: rows.length > 0 || filter !== 'all' });

  const setQuiet = (quiet: boolean) => void desk.host.call({ type: 'set-quiet', quiet }).catch(() => undefined);
  const mayBegin = view?.state.state === 'ready';
  useCommand(newCommand, () => setBegins(''), { enabled: mayBegin });
  /** The button goes with what it did: the focus returns to the field. */
  const searchOn = (change: () => void) => {
    search.current?.focus();
    change();
  };
  const searches = view !== null && view.conversations.length > 0;
  useCommand(
    searchCommand,
    () => {
      search.current?.focus();
      search.current?.select();
      // In a narrow window the list, and the field with it, is behind the open conversation.
      if (conversation === null || document.activeElement === search.current) return;
      takesSearch.current = true;
      places.go({ screen: 'messages', conversation: null });
    },
    { enabled: searches },
  );
  useEffect(() => {
    if (conversation === null && takesSearch.current) search.current?.focus();
    takesSearch.current = false;
  }, [conversation]);

  if (chat.state === 'failed') {
    return (
      <div className={styles['whole']} data-testid="chat">
        <h1 className="visually-hidden">{m.frame_chat()}</h1>
        <FailureNotice failure={chat.failure} retry={desk.openChat} />
      </div>
    );
  }
  if (view?.state.state === 'absent') {
    return (
      <div className={styles['whole']} data-testid="chat">
        <h1 className="visually-hidden">{m.frame_chat()}</h1>
        <Empty icon="chat" title={m.chat_absent()}>
          {m.chat_absent_text()}
        </Empty>
      </div>
    );
  }
  const waiting = chat.state === 'waiting' || (view?.state.state === 'connecting' && view.conversations.length === 0);
  const anew = view?.state.state === 'connecting';
  const recovery = view?.recovery;
  const recover = recovery === 'key-needed' ? () => setRecovering('key-needed') : undefined;
  return (
    <div className={styles['screen']} data-open={conversation === null ? undefined : ''} data-testid="chat">
      <aside className={styles['column']} aria-label={m.chat_conversations()} data-scope="conversations">
        <div className={styles['top']}>
          <div className={styles['topLine']}>
            <h1 className={styles['title']}>{m.frame_chat()}</h1>
            <div className={styles['topTools']}>
              {view && view.state.state !== 'stopped' && (
                <IconButton
                  icon={view.quiet ? 'quiet' : 'bell'}
                  size="small"
                  label={view.quiet ? m.chat_quiet_end() : m.chat_quiet_begin()}
                  aria-pressed={view.quiet}
                  onPress={() => setQuiet(!view.quiet)}
                  data-testid="quiet"
                />
              )}
              <Button size="small" icon="plus" isDisabled={!mayBegin} onPress={() => setBegins('')} data-testid="conversation-new">
                {m.chat_new_short()} <Kbd keys="n" />
              </Button>
            </div>
          </div>
          {searches && (
            <ListSearch
              label={m.chat_search()}
              value={query}
              onChange={setQuery}
              field={search}
              scope="conversations"
              only={query.trim() !== '' && rows.length === 1 && rows[0]?.membership.state !== 'invited' ? () => open(rows[0]?.id ?? '') : undefined}
              className={styles['search']}
              testId="conversations-search"
            />
          )}
          {searches && (
            <Segment
              label={m.chat_filter()}
              value={filter}
              options={[
                { id: 'all', label: m.chat_filter_all() },
                { id: 'unread', label: m.chat_filter_unread({ count: unreadConversations(view.conversations) }) },
                ...(view.conversations.some((row) => row.kind === 'case') ? [{ id: 'cases' as const, label: m.frame_cases() }] : []),
              ]}
              onChange={setFilter}
            />
          )}
        </div>
        {view && <ChatState view={view} />}
        {view && view.lostFiles > 0 && (
          <Bar icon="warn" testId="chat-lost-files" spoken>
            <b>{m.file_lost({ count: view.lostFiles })}</b> {m.file_lost_act()}
          </Bar>
        )}
        {recovery !== undefined && <RecoveryNotice recovery={recovery} start={() => setRecovering(recovery === 'set-up' ? 'set-up' : 'key-needed')} />}
        {waiting ? (
          <div className={styles['padded']}>
            <Skeleton what={m.frame_chat()} rows={7} {...(chat.state === 'waiting' ? { since: chat.since } : {})} retry={() => desk.openChat()} />
          </div>
        ) : view && view.conversations.length > 0 ? (
          <>
            {anew && <BeginsAnew />}
            <span className="visually-hidden" role="status">
              {query.trim() !== '' && m.chat_found({ count: rows.length })}
            </span>
            <ConversationList
              // What was found begins at its first line, or at the open one.
              key={query.trim()}
              rows={rows}
              shown={`${filter} ${query.trim()}`}
              none={
                query.trim() === '' ? (
                  <div className={styles['none']}>
                    <EmptyLine icon="ok">{filter === 'unread' ? m.chat_none_unread() : m.chat_none_cases()}</EmptyLine>
                  </div>
                ) : (
                  <NoHit query={query.trim()} all={filter === 'all' ? undefined : () => searchOn(() => setFilter('all'))} begin={mayBegin ? () => setBegins(query.trim()) : undefined} clear={() => searchOn(() => setQuery(''))} />
                )
              }
              open={conversation}
              onOpen={open}
              begins={anew}
            />
          </>
        ) : (
          view && view.state.state !== 'stopped' && <div className={styles['fill']}>
            <Empty icon="chat" title={m.chat_none()}>
              {m.chat_none_text()}
            </Empty>
          </div>
        )}
      </aside>
      <section className={styles['conversation']} aria-label={m.chat_conversation()} role="region">
        {conversation === null ? (
          <div className={styles['fill']}>
            {view && view.conversations.length > 0 && (
              <Empty icon="chat" title={m.chat_choose()}>
                {m.chat_choose_text()}
              </Empty>
            )}
          </div>
        ) : (
          <OpenConversation key={conversation} conversation={conversation} takesFocus={takesFocus} recover={recover} />
        )}
      </section>
      {begins !== null && (
        <NewConversation
          typed={begins}
          close={() => {
            takesFocus.current = true;
            setBegins(null);
          }}
        />
      )}
      {recovering && <RecoveryDialog kind={recovering} close={() => setRecovering(null)} />}
    </div>
  );
}

/** No conversation has what was typed in its name: the other filters and the directory may. */
function NoHit({ query, all, begin, clear }: { query: string; all: (() => void) | undefined; begin: (() => void) | undefined; clear: () => void }) {
  return (
    <Empty
      icon="search"
      title={m.chat_no_hit({ query })}
      actions={
        <>
          {all && (
            <Button size="small" look="primary" onPress={all} data-testid="search-all">
              {m.chat_search_all()}
            </Button>
          )}
          {begin && (
            <Button size="small" icon="plus" onPress={begin} data-testid="search-people">
              {m.chat_search_people()}
            </Button>
          )}
          <Button size="small" onPress={clear}>
            {m.cases_clear_search()}
          </Button>
        </>
      }
    />
  );
}

function OpenConversation({ conversation, takesFocus, recover }: { conversation: string } & Pick<Parameters<typeof Conversation>[0], 'takesFocus' | 'recover'>) {
  const desk = useDesk();
  const places = usePlaces();
  const load = useStore(desk.conversation);
  const retry = () => desk.openConversation(conversation);
  switch (load.state) {
    case 'waiting':
      return (
        <div className={styles['padded']}>
          <Skeleton what={m.chat_what_conversation()} rows={6} since={load.since} retry={retry} />
        </div>
      );
    case 'failed':
      return (
        <div className={styles['padded']}>
          <FailureNotice failure={load.failure} retry={retry} actions={<Button size="small" onPress={() => places.go({ screen: 'messages', conversation: null })}>{m.chat_back()}</Button>} />
        </div>
      );
    case 'here':
      // While another one is being opened, its own lines are not here yet.
      return load.value.id === conversation ? <Conversation view={load.value} takesFocus={takesFocus} recover={recover} /> : null;
    default: {
      const unknown: never = load;
      return unknown;
    }
  }
}

/** What is said above a list that is not the current one. */
function BeginsAnew() {
  const waited = useWaited(undefined);
  return (
    <div className={styles['begins']} role="status" data-lasting={waited > 0 ? '' : undefined} data-testid="chat-begins">
      {waited >= 2000 && `${waited === 8000 ? m.state_loading_long({ what: m.frame_chat() }) : m.state_loading({ what: m.frame_chat() })} ${m.chat_list_former()}`}
    </div>
  );
}

/** How chat is doing, when there is something to say. */
function ChatState({ view }: { view: ChatView }) {
  const desk = useDesk();
  const now = useNow(60_000);
  switch (view.state.state) {
    case 'offline':
      return (
        <Bar icon="offline" testId="chat-offline" spoken>
          <b>{m.chat_offline({ time: moment(view.state.since, now) })}</b> {m.chat_offline_text()}
        </Bar>
      );
    case 'stopped': {
      // Nobody has to sign in again for want of room, or of a newer program.
      const { code } = view.state.failure;
      const same = code === 'disk-full' || code === 'store-newer';
      return (
        <div className={styles['stopped']}>
          <FailureNotice
            failure={view.state.failure}
            actions={
              <Button size="small" icon={same ? 'reload' : 'key'} onPress={() => void desk.host.call({ type: 'connect-chat' }).catch(() => undefined)} data-testid="chat-connect">
                {same ? m.action_retry() : m.chat_connect()}
              </Button>
            }
          />
        </div>
      );
    }
    case 'absent':
    case 'connecting':
    case 'ready':
      return null;
    default: {
      const unknown: never = view.state;
      return unknown;
    }
  }
}
