import { useRef, useState } from 'react';
import { toast } from '../components/toasts';
import type { Failure, TaskView } from '../host/contract';
import { useDesk } from '../host/desk';
import { asFailure } from '../host/host';
import { m } from '../paraglide/messages';

/** Says that a task is done, which can be taken back. */
export function useFinishing(): { say: (task: TaskView, done: boolean) => void; failure: Failure | null } {
  const desk = useDesk();
  const [failure, setFailure] = useState<Failure | null>(null);
  const underWay = useRef(new Set<string>());
  const say = (task: TaskView, done: boolean): void => {
    if (underWay.current.has(task.id)) return;
    underWay.current.add(task.id);
    setFailure(null);
    desk
      .finishTask(task.id, done)
      .then(
        () => {
          if (done) toast({ text: m.today_task_done({ title: task.title }), undo: () => say(task, false) });
        },
        (thrown: unknown) => setFailure(asFailure(thrown)),
      )
      .finally(() => underWay.current.delete(task.id));
  };
  return { say, failure };
}
