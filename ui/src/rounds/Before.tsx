/** Before a round: what one is heard and seen with, who is there, and that the microphone is off. */
import { useState } from 'react';
import { Button } from '../components/Button';
import { Dialog } from '../components/Dialog';
import { FailureNotice } from '../components/FailureNotice';
import { Icon } from '../components/icons';
import { Kbd } from '../components/Kbd';
import { usePlaces } from '../frame/place';
import type { SenderView } from '../host/contract';
import { m } from '../paraglide/messages';
import styles from './Before.module.css';
import { DeviceChoice, useDevices } from './DeviceChoice';
import { goesOn, isOver, useRound } from './roundsView';
import { talkKeys } from './talk';
import { useStep } from './useStep';
import { someNames } from './words';

export interface RoundToEnter {
  conversation: string;
  name: string;
  /** Who is there; nobody begins it. */
  people: readonly SenderView[];
}

export function BeforeDialog({ entered, stays = false, close }: { entered: RoundToEnter; /** The screen stays what it is: the bar is enough beside a case. */ stays?: boolean; close: () => void }) {
  const places = usePlaces();
  const current = useRound();
  const devices = useDevices();
  const { take, failure } = useStep();
  const [pending, setPending] = useState<'with' | 'without' | null>(null);
  const { conversation, name, people } = entered;
  const other = goesOn(current) && current.conversation !== conversation ? current : null;
  const begins = people.length === 0;
  const seen = devices.view?.cameras.some((one) => one.chosen) ?? false;
  const checks = isOver(current);
  const enter = async (camera: boolean) => {
    setPending(camera ? 'with' : 'without');
    const left = other === null || (await take({ step: 'leave' }));
    if (!left || !(await take({ step: 'enter', conversation, camera }))) {
      setPending(null);
      return;
    }
    close();
    if (!stays) places.go({ screen: 'rounds' });
  };
  return (
    <Dialog
      title={begins ? m.round_begin() : m.round_enter()}
      // Room for the picture beside the devices, also while they are still searched for.
      width={checks && (seen || devices.view === null) ? 856 : 560}
      onClose={close}
      testId="round-before"
      foot={
        <>
          {seen && (
            <Button size="large" isPending={pending === 'without'} isDisabled={pending === 'with'} onPress={() => void enter(false)} data-testid="enter-without">
              {m.round_before_without()}
            </Button>
          )}
          <Button look="primary" size="large" className={styles['enter']} isPending={pending === 'with'} isDisabled={pending === 'without'} onPress={() => void enter(seen)} autoFocus data-testid="enter">
            {m.round_before_do()}
          </Button>
        </>
      }
    >
      <p className={styles['soon']}>{begins ? m.round_before_begin_in() : m.round_before_enter_in()}</p>
      <p className={styles['name']}>{name}</p>
      <p className={styles['there']}>{begins ? m.round_before_nobody() : m.round_before_there({ count: people.length, names: someNames(people) })}</p>
      {other && <p className={styles['leaves']}>{m.round_before_leaves({ name: other.name })}</p>}
      <DeviceChoice devices={devices} checks={checks} />
      <p className={styles['muted']}>
        <Icon name="microphoneOff" size="s" />
        <span>
          {m.round_before_muted()} <Kbd keys="mod+d" /> {m.round_before_switches()} <Kbd keys={talkKeys} /> {m.round_before_hold()}
        </span>
      </p>
      {failure && <FailureNotice failure={failure} />}
    </Dialog>
  );
}

/** The same choice while a round goes on. */
export function DevicesDialog({ close }: { close: () => void }) {
  const devices = useDevices();
  return (
    <Dialog
      title={m.round_devices()}
      width={560}
      onClose={close}
      testId="round-devices"
      foot={
        <Button look="primary" onPress={close}>
          {m.round_close()}
        </Button>
      }
    >
      <DeviceChoice devices={devices} checks={false} />
    </Dialog>
  );
}
