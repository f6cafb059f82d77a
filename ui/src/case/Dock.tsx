/** The dock of a case: its conversation beside whatever of the case is being read. */
import { useEffect, useRef, useState } from 'react';
import { Button, IconButton } from '../components/Button';
import { Empty } from '../components/Empty';
import { FailureNotice } from '../components/FailureNotice';
import { Kbd } from '../components/Kbd';
import { Select } from '../components/Select';
import { Skeleton } from '../components/Skeleton';
import type { ChatView } from '../host/contract';
import { useDesk } from '../host/desk';
import { useStore } from '../host/store';
import { listMoment } from '../i18n/format';
import { useNow } from '../i18n/clock';
import { conversationsOf, isLookingForCases } from '../messages/caseOf';
import { Conversation } from '../messages/Conversation';
import { NewConversation } from '../messages/NewConversation';
import { RecoveryDialog } from '../messages/Recovery';
import { m } from '../paraglide/messages';
import { dockWidth, widest, narrowest } from './dockWidth';
import styles from './Dock.module.css';

export function Dock({ patient, name, close }: { patient: string; name: string; close: () => void }) {
  const desk = useDesk();
  const chat = useStore(desk.chat);
  const width = useStore(dockWidth);
  const box = useRef<HTMLElement>(null);
  return (
    <aside className={styles['dock']} aria-label={m.dock_conversation()} ref={box} style={width === null ? undefined : { width }} data-testid="dock">
      <Separator measure={() => box.current?.getBoundingClientRect().width ?? narrowest} />
      <div className={styles['head']}>
        <h2 className={styles['title']}>{m.dock_conversation()}</h2>
        <IconButton icon="close" label={m.dock_close()} onPress={close} data-testid="dock-close" />
      </div>
      {chat.state === 'failed' ? (
        <div className={styles['padded']}>
          <FailureNotice failure={chat.failure} retry={desk.openChat} />
        </div>
      ) : chat.state === 'waiting' ? (
        <div className={styles['padded']}>
          <Skeleton what={m.frame_chat()} rows={4} since={chat.since} retry={() => desk.openChat()} />
        </div>
      ) : (
        <Talk view={chat.value} patient={patient} name={name} />
      )}
    </aside>
  );
}

function Talk({ view, patient, name }: { view: ChatView; patient: string; name: string }) {
  const desk = useDesk();
  const now = useNow(60_000);
  const [chosen, setChosen] = useState<string | null>(null);
  const [begins, setBegins] = useState(false);
  const rows = conversationsOf(view, patient);
  const shown = (rows.find((row) => row.id === chosen) ?? rows[0])?.id ?? null;
  useEffect(() => {
    if (shown === null) desk.closeConversation();
    else desk.openConversation(shown);
  }, [desk, shown]);
  useEffect(() => () => desk.closeConversation(), [desk]);

  if (shown !== null) {
    return (
      <>
        {rows.length > 1 && (
          <div className={styles['which']}>
            <Select
              label={m.dock_which()}
              value={shown}
              options={rows.map((row) => ({ id: row.id, label: row.last ? m.dock_which_one({ name: row.name, time: listMoment(row.last.at, now) }) : row.name }))}
              onChange={setChosen}
            />
          </div>
        )}
        <OpenTalk key={shown} conversation={shown} recovery={view.recovery} />
      </>
    );
  }
  if (view.state.state === 'stopped') {
    return (
      <div className={styles['padded']}>
        <FailureNotice failure={view.state.failure} />
      </div>
    );
  }
  if (view.state.state === 'connecting' || isLookingForCases(view)) {
    return (
      <div className={styles['padded']}>
        <Skeleton what={m.dock_conversation()} rows={4} retry={() => desk.openChat()} />
      </div>
    );
  }
  const mayBegin = view.state.state === 'ready';
  return (
    <div className={styles['padded']}>
      <Empty
        icon="chat"
        title={m.dock_none()}
        actions={
          <Button icon="plus" isDisabled={!mayBegin} onPress={() => setBegins(true)} data-testid="dock-begin">
            {m.dock_begin()}
          </Button>
        }
      >
        {mayBegin ? m.dock_none_text() : m.dock_none_offline()}
      </Empty>
      {begins && <NewConversation about={{ patient, name }} close={() => setBegins(false)} />}
    </div>
  );
}

function OpenTalk({ conversation, recovery }: { conversation: string; recovery: ChatView['recovery'] }) {
  const desk = useDesk();
  const load = useStore(desk.conversation);
  const takesFocus = useRef(false);
  const [recovering, setRecovering] = useState(false);
  const retry = () => desk.openConversation(conversation);
  if (load.state === 'failed') {
    return (
      <div className={styles['padded']}>
        <FailureNotice failure={load.failure} retry={retry} />
      </div>
    );
  }
  if (load.state === 'waiting' || load.value.id !== conversation) {
    return (
      <div className={styles['padded']}>
        <Skeleton what={m.chat_what_conversation()} rows={5} retry={retry} {...(load.state === 'waiting' ? { since: load.since } : {})} />
      </div>
    );
  }
  return (
    <>
      <Conversation view={load.value} takesFocus={takesFocus} recover={recovery === 'key-needed' ? () => setRecovering(true) : undefined} docked />
      {recovering && <RecoveryDialog kind="key-needed" close={() => setRecovering(false)} />}
    </>
  );
}

/** Its left edge: dragged, or moved by arrow keys. */
function Separator({ measure }: { measure: () => number }) {
  const [drags, setDrags] = useState<{ x: number; width: number } | null>(null);
  const width = useStore(dockWidth);
  const set = (next: number) => dockWidth.set(Math.round(Math.max(narrowest, Math.min(widest, next))));
  return (
    <div
      className={styles['separator']}
      role="separator"
      aria-orientation="vertical"
      aria-label={m.dock_width()}
      aria-valuemin={narrowest}
      aria-valuemax={widest}
      aria-valuenow={Math.max(narrowest, Math.min(widest, width ?? 364))}
      tabIndex={0}
      data-drags={drags ? '' : undefined}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        setDrags({ x: event.clientX, width: measure() });
      }}
      onPointerMove={(event) => {
        if (drags) set(drags.width + drags.x - event.clientX);
      }}
      onPointerUp={() => setDrags(null)}
      onPointerCancel={() => setDrags(null)}
      onKeyDown={(event) => {
        const by = { ArrowLeft: 16, ArrowRight: -16 }[event.key];
        if (by === undefined) return;
        event.preventDefault();
        set(measure() + by);
      }}
      data-testid="dock-width"
    />
  );
}

/** Strg J, with what is unread in the case's conversations. */
export function DockButton({ patient, open, toggle }: { patient: string; open: boolean; toggle: () => void }) {
  const desk = useDesk();
  const chat = useStore(desk.chat);
  const rows = chat.state === 'here' ? conversationsOf(chat.value, patient) : [];
  const unread = rows.reduce((sum, row) => sum + row.unread, 0);
  return (
    <Button size="small" icon="chat" aria-expanded={open} onPress={toggle} data-testid="dock-toggle">
      {m.dock_conversation()}
      {unread > 0 && !open && (
        <span className={styles['unread']}>
          <span aria-hidden>{unread > 99 ? '99+' : unread}</span>
          <span className="visually-hidden">{m.chat_unread({ count: unread })}</span>
        </span>
      )}
      <Kbd keys="mod+j" />
    </Button>
  );
}
