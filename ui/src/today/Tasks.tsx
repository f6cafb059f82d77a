/** "Meine Aufgaben": what somebody asks of this person. */
import { useEffect, useRef, useState } from 'react';
import { createPortal } from 'react-dom';
import { Button as Plain } from 'react-aria-components';
import { TaskPreview } from '../cases/Preview';
import { previewCommand } from '../cases/previewKeys';
import { FailureNotice } from '../components/FailureNotice';
import { Icon } from '../components/icons';
import { PartView, partValue } from '../components/PartView';
import { useRovingRows } from '../components/rovingRows';
import { usePlaces } from '../frame/place';
import type { TaskView, TodayView } from '../host/contract';
import { useDesk } from '../host/desk';
import { day, dayShort, listName } from '../i18n/format';
import { defineCommand, useCommand } from '../keys/keys';
import { m } from '../paraglide/messages';
import { useFinishing } from './finishing';
import type { Preview } from './preview';
import styles from './Today.module.css';
import { isPressing } from './todayView';

const doneCommand = defineCommand({ id: 'task-done', keys: ['e'], label: () => m.command_task_done(), group: 'lists' });

export function Tasks({ part, now, preview }: { part: TodayView['tasks']; now: Date; preview: Preview }) {
  const desk = useDesk();
  const places = usePlaces();
  const tasks = partValue(part) ?? [];
  const { say, failure } = useFinishing();
  const [inside, setInside] = useState(false);
  const open = (at: number) => {
    const task = tasks[at];
    // A task about a decision opens it.
    if (task?.patient != null) places.openCase(task.patient, task.decided === null ? 'overview' : 'decision');
  };
  const roving = useRovingRows({ count: tasks.length, scope: 'tasks', names: tasks.map((task) => task.title), open, asleep: !inside });
  // The line in focus goes when its task is done: the next one takes its place, and no key falls on none.
  const section = useRef<HTMLElement>(null);
  const count = useRef(tasks.length);
  useEffect(() => {
    const fewer = tasks.length < count.current;
    count.current = tasks.length;
    if (!fewer || !inside || section.current?.contains(document.activeElement) === true) return;
    if (tasks.length === 0) setInside(false);
    else roving.focus(roving.current);
  }, [tasks.length, inside, roving]);
  useCommand(
    doneCommand,
    () => {
      const task = tasks[roving.current];
      if (task) say(task, true);
    },
    { scope: 'tasks', enabled: inside && tasks.length > 0 },
  );
  const current = tasks[roving.current];
  useCommand(previewCommand, preview.toggle, { scope: 'tasks', enabled: inside && current !== undefined });
  return (
    <section
      ref={section}
      className={styles['section']}
      data-scope="tasks"
      data-testid="tasks"
      onFocus={() => {
        setInside(true);
        preview.follow();
      }}
      onBlur={(event) => setInside(event.currentTarget.contains(event.relatedTarget))}
    >
      <div className={styles['sectionHead']}>
        <h2 className={styles['sectionTitle']}>{m.today_tasks()}</h2>
        {tasks.length > 0 && <span className={styles['sectionAside']}>{tasks.length}</span>}
      </div>
      {failure && <FailureNotice failure={failure} retry={() => desk.openToday()} tone="warn" />}
      <PartView part={part} words={{ what: m.today_tasks(), empty: m.today_no_tasks() }} retry={() => desk.openToday()}>
        {() => (
          <table
            className={styles['tasks']}
            role="grid"
            aria-label={m.today_tasks()}
            ref={(table) => {
              roving.container.current = table;
            }}
            onKeyDown={roving.onKeyDown}
          >
            <tbody>
              {tasks.map((task, at) => (
                <tr key={task.id} {...roving.rowProps(at)} onClick={() => open(at)} data-testid={`task-${task.id}`}>
                  <td className={styles['taskBox']} onClick={(event) => event.stopPropagation()}>
                    <Plain className={styles['box'] ?? ''} excludeFromTabOrder aria-label={m.today_task_finish({ title: task.title })} onPress={() => say(task, true)} data-testid={`finish-${task.id}`}>
                      <Icon name="check" size="xs" />
                    </Plain>
                  </td>
                  <td>
                    <span className={styles['entryTitle']}>{task.title}</span>
                    <br />
                    <span className={styles['entryDetail']}>{detail(task, now)}</span>
                  </td>
                  <td className={styles['time']} data-pressing={isPressing(task.due, now) ? '' : undefined}>
                    {task.due === null ? '' : day(task.due, now)}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </PartView>
      {preview.slot && current && createPortal(<TaskPreview task={current} open={() => open(roving.current)} close={preview.close} />, preview.slot)}
    </section>
  );
}

/** "Wiesenquell, Dora · Board vom 17.11." */
function detail(task: TaskView, now: Date): string {
  return [task.identity ? listName(task.identity) : '', task.decided === null ? '' : m.today_task_board({ day: dayShort(task.decided, now) })].filter((word) => word !== '').join(' · ');
}
