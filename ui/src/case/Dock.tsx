/** The dock of a case: its conversation, its tasks and its people beside whatever of the case is being read. */
import { useEffect, useRef, useState } from 'react';
import { Button, IconButton } from '../components/Button';
import { Empty } from '../components/Empty';
import { FailureNotice } from '../components/FailureNotice';
import { Kbd } from '../components/Kbd';
import { PartView } from '../components/PartView';
import { Segment } from '../components/Segment';
import { Select } from '../components/Select';
import { Skeleton } from '../components/Skeleton';
import { usePlaces } from '../frame/place';
import type { ChatView, ConversationRowView, TaskView, TodayView } from '../host/contract';
import { type Load, useDesk } from '../host/desk';
import { useStore } from '../host/store';
import { day, dayShort, listMoment } from '../i18n/format';
import { useNow } from '../i18n/clock';
import { conversationsOf, isLookingForCases } from '../messages/caseOf';
import { Conversation } from '../messages/Conversation';
import { NewConversation } from '../messages/NewConversation';
import { RecoveryDialog } from '../messages/Recovery';
import { m } from '../paraglide/messages';
import { useFinishing } from '../today/finishing';
import { isPressing } from '../today/todayView';
import { People } from '../trust/People';
import { dockWidth, widest, narrowest } from './dockWidth';
import styles from './Dock.module.css';

type Part = 'talk' | 'tasks' | 'people';

export function Dock({ patient, name, close }: { patient: string; name: string; close: () => void }) {
  const desk = useDesk();
  const chat = useStore(desk.chat);
  const load = useStore(desk.conversation);
  const talk = useCaseTalk(chat.state === 'here' ? chat.value : null, patient);
  const width = useStore(dockWidth);
  const box = useRef<HTMLElement>(null);
  const [part, setPart] = useState<Part>('talk');
  const tasks = useCaseTasks(patient);
  const open = load.state === 'here' && load.value.id === talk.shown ? load.value : null;
  return (
    <aside className={styles['dock']} aria-label={m.dock_title()} ref={box} style={width === null ? undefined : { width }} data-testid="dock">
      <Separator measure={() => box.current?.getBoundingClientRect().width ?? narrowest} />
      <div className={styles['head']}>
        <Segment
          label={m.dock_title()}
          value={part}
          options={[
            { id: 'talk', label: m.dock_conversation() },
            { id: 'tasks', label: tasks.count === null ? m.dock_tasks() : m.dock_tasks_count({ count: tasks.count }) },
            { id: 'people', label: open === null ? m.dock_people() : m.dock_people_count({ count: open.members.length }) },
          ]}
          onChange={setPart}
        />
        <IconButton icon="close" label={m.dock_close()} onPress={close} data-testid="dock-close" />
      </div>
      {part === 'tasks' ? (
        <CaseTasks tasks={tasks} />
      ) : chat.state === 'failed' ? (
        <div className={styles['padded']}>
          <FailureNotice failure={chat.failure} retry={desk.openChat} />
        </div>
      ) : chat.state === 'waiting' ? (
        <div className={styles['padded']}>
          <Skeleton what={m.frame_chat()} rows={4} since={chat.since} retry={() => desk.openChat()} />
        </div>
      ) : part === 'people' && open !== null ? (
        <div className={styles['padded']} data-testid="dock-people">
          <People view={open} compared={() => undefined} />
        </div>
      ) : (
        <Talk view={chat.value} talk={talk} patient={patient} name={name} />
      )}
    </aside>
  );
}

interface CaseTalk {
  rows: readonly ConversationRowView[];
  /** The one that is open. */
  shown: string | null;
  choose: (conversation: string) => void;
}

/** The conversations of a case, of which one is open as long as the dock is. */
function useCaseTalk(view: ChatView | null, patient: string): CaseTalk {
  const desk = useDesk();
  const [chosen, choose] = useState<string | null>(null);
  const rows = view === null ? [] : conversationsOf(view, patient);
  const shown = (rows.find((row) => row.id === chosen) ?? rows[0])?.id ?? null;
  const known = view !== null;
  useEffect(() => {
    if (!known) return;
    if (shown === null) desk.closeConversation();
    else desk.openConversation(shown);
  }, [desk, shown, known]);
  useEffect(() => () => desk.closeConversation(), [desk]);
  return { rows, shown, choose };
}

function Talk({ view, talk, patient, name }: { view: ChatView; talk: CaseTalk; patient: string; name: string }) {
  const desk = useDesk();
  const now = useNow(60_000);
  const [begins, setBegins] = useState(false);
  const { rows, shown, choose } = talk;

  if (shown !== null) {
    return (
      <>
        {rows.length > 1 && (
          <div className={styles['which']}>
            <Select
              label={m.dock_which()}
              value={shown}
              options={rows.map((row) => ({ id: row.id, label: row.last ? m.dock_which_one({ name: row.name, time: listMoment(row.last.at, now) }) : row.name }))}
              onChange={choose}
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

interface Tasks {
  load: Load<TodayView>;
  rows: readonly TaskView[];
  /** None until they are known. */
  count: number | null;
}

/** What this person is asked to do in a case. */
function useCaseTasks(patient: string): Tasks {
  const desk = useDesk();
  const load = useStore(desk.today);
  useEffect(() => desk.openToday(), [desk]);
  const part = load.state === 'here' ? load.value.tasks : null;
  const rows = part?.state === 'ready' ? part.value.filter((task) => task.patient === patient) : [];
  return { load, rows, count: part?.state === 'ready' || part?.state === 'empty' ? rows.length : null };
}

function CaseTasks({ tasks }: { tasks: Tasks }) {
  const desk = useDesk();
  const places = usePlaces();
  const now = useNow(60_000);
  const { say, failure } = useFinishing();
  const retry = () => desk.openToday();
  const { load, rows } = tasks;
  if (load.state === 'failed') {
    return (
      <div className={styles['padded']}>
        <FailureNotice failure={load.failure} retry={retry} />
      </div>
    );
  }
  return (
    <div className={styles['padded']} data-testid="dock-tasks">
      {failure && <FailureNotice failure={failure} tone="warn" />}
      {load.state === 'waiting' ? (
        <Skeleton what={m.today_tasks()} rows={3} since={load.since} retry={retry} />
      ) : rows.length === 0 && (load.value.tasks.state === 'ready' || load.value.tasks.state === 'empty') ? (
        <Empty icon="check" title={m.dock_no_tasks()} />
      ) : (
        <PartView part={load.value.tasks} words={{ what: m.today_tasks(), empty: m.dock_no_tasks() }} retry={retry}>
          {() => (
            <ul className={styles['tasks']}>
              {rows.map((task) => (
                <li key={task.id} className={styles['task']} data-testid={`dock-task-${task.id}`}>
                  <div className={styles['taskWords']}>
                    <b>{task.title}</b>
                    <p className={styles['taskDetail']} data-pressing={isPressing(task.due, now) ? '' : undefined}>
                      {[task.decided === null ? '' : m.today_task_board({ day: dayShort(task.decided, now) }), task.due === null ? '' : m.dock_task_due({ day: day(task.due, now) })].filter((word) => word !== '').join(' · ')}
                    </p>
                  </div>
                  {task.patient !== null && task.decided !== null && (
                    <Button size="small" look="quiet" onPress={() => task.patient !== null && places.openCase(task.patient, 'decision')}>
                      {m.form_decision_open()}
                    </Button>
                  )}
                  <Button size="small" icon="check" aria-label={m.dock_task_finish({ title: task.title })} onPress={() => say(task, true)} data-testid={`dock-finish-${task.id}`}>
                    {m.dock_task_done()}
                  </Button>
                </li>
              ))}
            </ul>
          )}
        </PartView>
      )}
    </div>
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
