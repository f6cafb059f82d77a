/** What can be done about somebody in a round: how loud they are here, and what a moderator may. */
import { type ReactNode, useState } from 'react';
import { Button, IconButton } from '../components/Button';
import { Dialog } from '../components/Dialog';
import { FailureNotice } from '../components/FailureNotice';
import { Menu, type MenuEntry } from '../components/Menu';
import { Slider } from '../components/Slider';
import type { RoundPersonView } from '../host/contract';
import { m } from '../paraglide/messages';
import styles from './Rounds.module.css';
import { useStep } from './useStep';

export function PersonMenu({ person, name, moderates, mayShow }: { person: RoundPersonView; name: string; moderates: boolean; /** This person decides who shows images, and somebody else could. */ mayShow: boolean }) {
  const { take, failure, forget } = useStep();
  const [asks, setAsks] = useState<'volume' | 'remove' | null>(null);
  const step = { person: person.id };
  const entries: MenuEntry[] = [
    { id: 'volume', label: m.round_volume(), icon: 'voice', run: () => setAsks('volume') },
    ...when(mayShow, { id: 'hand-over', label: m.round_hand_over_to(), icon: 'present', run: () => void take({ step: 'hand-over', ...step }) }),
    ...when(moderates && !person.muted, { id: 'mute', label: m.round_mute(), icon: 'microphoneOff', run: () => void take({ step: 'mute', ...step }) }),
    ...when(moderates && person.hand !== null, { id: 'lower-hand', label: m.round_hand_done(), icon: 'hand', run: () => void take({ step: 'lower-hand', ...step }) }),
    ...when(moderates && !person.person.own, { id: 'remove', label: m.round_remove(), icon: 'leave', run: () => setAsks('remove') }),
  ];
  return (
    <>
      <Menu label={m.round_about({ name })} placement="bottom end" trigger={<IconButton icon="more" size="small" label={m.round_about({ name })} data-testid={`about-${person.id}`} />} entries={entries} />
      {failure !== null && asks === null && (
        <Dialog title={m.round_about({ name })} width={500} onClose={forget} testId="refused-dialog" foot={<Button onPress={forget}>{m.action_close()}</Button>}>
          <FailureNotice failure={failure} />
        </Dialog>
      )}
      {asks === 'volume' && (
        <Dialog title={m.round_volume_of({ name })} width={400} onClose={() => setAsks(null)} testId="volume-dialog" foot={<Button onPress={() => setAsks(null)}>{m.action_close()}</Button>}>
          <Slider label={m.round_volume()} value={Math.round(person.volume * 100)} min={0} max={200} step={10} show={(value) => `${String(value)} %`} onChange={(value) => void take({ step: 'set-volume', ...step, volume: value / 100 })} />
          {failure && <FailureNotice failure={failure} />}
        </Dialog>
      )}
      {asks === 'remove' && (
        <Asked
          title={m.round_remove_title({ name })}
          act={m.round_remove_do()}
          testId="remove"
          run={() => take({ step: 'remove', ...step })}
          close={() => {
            forget();
            setAsks(null);
          }}
        >
          <p>{m.round_remove_text({ name })}</p>
          {failure && <FailureNotice failure={failure} />}
        </Asked>
      )}
    </>
  );
}

/** A moderator who leaves is asked whether the round is over with that. */
export function LeaveDialog({ close }: { close: () => void }) {
  const { take, failure } = useStep();
  return (
    <Dialog
      title={m.round_leave_title()}
      width={520}
      onClose={close}
      testId="leave-dialog"
      foot={
        <>
          <Button onPress={close}>{m.action_cancel()}</Button>
          <Button look="danger" onPress={() => void take({ step: 'end-for-all' }).then((done) => done && close())} data-testid="end-for-all">
            {m.round_end_for_all()}
          </Button>
          <Button look="primary" autoFocus onPress={() => void take({ step: 'leave' }).then((done) => done && close())} data-testid="leave-alone">
            {m.round_leave_round()}
          </Button>
        </>
      }
    >
      {failure && <FailureNotice failure={failure} />}
      <p>{m.round_leave_text()}</p>
    </Dialog>
  );
}

function Asked({ title, act, testId, run, close, children }: { title: string; act: string; testId: string; run: () => Promise<boolean>; close: () => void; children: ReactNode }) {
  const [pending, setPending] = useState(false);
  const take = () => {
    setPending(true);
    void run().then((done) => (done ? close() : setPending(false)));
  };
  return (
    <Dialog
      title={title}
      width={500}
      onClose={close}
      testId={`${testId}-dialog`}
      foot={
        <>
          <Button onPress={close} autoFocus>
            {m.action_cancel()}
          </Button>
          <Button look="danger" isPending={pending} onPress={take} data-testid={`${testId}-do`}>
            {act}
          </Button>
        </>
      }
    >
      <div className={styles['paragraphs']}>{children}</div>
    </Dialog>
  );
}

function when(holds: boolean, entry: MenuEntry): MenuEntry[] {
  return holds ? [entry] : [];
}
