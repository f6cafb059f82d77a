/** Before a round: what one is heard and seen with, who is there, and that the microphone is off. */
import { type ReactNode, useCallback, useEffect, useState } from 'react';
import { Button } from '../components/Button';
import { Dialog } from '../components/Dialog';
import { FailureNotice } from '../components/FailureNotice';
import { Icon } from '../components/icons';
import { Kbd } from '../components/Kbd';
import { Select } from '../components/Select';
import { Skeleton } from '../components/Skeleton';
import { usePlaces } from '../frame/place';
import type { Failure, RoundDeviceKind, RoundDevicesView, RoundDeviceView, RoundStep, SenderView } from '../host/contract';
import { useDesk } from '../host/desk';
import { asFailure, ask } from '../host/host';
import { m } from '../paraglide/messages';
import { Meter, Tone } from './Check';
import styles from './Before.module.css';
import { goesOn, useRound } from './roundsView';
import { Sight } from './Sight';
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
  const checks = !goesOn(current);
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

interface Devices {
  view: RoundDevicesView | null;
  failure: Failure | null;
  search: () => void;
  choose: (what: RoundDeviceKind, device: string) => void;
}

function useDevices(): Devices {
  const { host } = useDesk();
  const [view, setView] = useState<RoundDevicesView | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const take = useCallback(
    (round: RoundStep) => {
      setFailure(null);
      ask(host, { type: 'round', round }, 'round-devices').then(setView, (thrown: unknown) => setFailure(asFailure(thrown)));
    },
    [host],
  );
  const search = useCallback(() => take({ step: 'open-devices' }), [take]);
  useEffect(search, [search]);
  return { view, failure, search, choose: (what, device) => take({ step: 'choose-device', what, device }) };
}

function DeviceChoice({ devices: { view, failure, search, choose }, checks }: { devices: Devices; /** In a round the others would hear it. */ checks: boolean }) {
  if (view === null) return failure ? <FailureNotice failure={failure} retry={search} /> : <Skeleton what={m.round_devices()} rows={3} retry={search} />;
  const lacks = lacksDevice('microphone', view.microphones) || lacksDevice('speaker', view.speakers) || lacksDevice('camera', view.cameras);
  return (
    <>
      <div className={styles['checked']}>
        {checks && view.cameras.some((one) => one.chosen) && <Sight />}
        <div className={styles['devices']}>
          <Device what="microphone" list={view.microphones} choose={choose}>
            {checks && <Meter />}
          </Device>
          <Device what="speaker" list={view.speakers} choose={choose}>
            {checks && <Tone />}
          </Device>
          <Device what="camera" list={view.cameras} choose={choose} />
          {lacks && (
            <Button look="link" size="small" className={styles['again']} onPress={search} data-testid="devices-again">
              {m.round_devices_again()}
            </Button>
          )}
        </div>
      </div>
      {failure && <FailureNotice failure={failure} retry={search} />}
    </>
  );
}

const label: Record<RoundDeviceKind, () => string> = { microphone: m.round_microphone, speaker: m.round_speaker, camera: m.round_camera };
const none: Record<RoundDeviceKind, { what: () => string; act: () => string }> = {
  microphone: { what: m.round_no_microphone, act: m.round_no_microphone_act },
  speaker: { what: m.round_no_speaker, act: m.round_no_speaker_act },
  camera: { what: m.round_no_camera, act: m.round_no_camera_act },
};

/** A test picture is no camera: what one would need to be seen is said beside it. */
function lacksDevice(what: RoundDeviceKind, list: readonly RoundDeviceView[]): boolean {
  return what === 'camera' ? list.every((one) => one.name === null) : list.length === 0;
}

function Device({ what, list, choose, children }: { what: RoundDeviceKind; list: readonly RoundDeviceView[]; choose: Devices['choose']; children?: ReactNode }) {
  const word = (one: RoundDeviceView) => one.name ?? (what === 'camera' ? m.round_device_test() : m.round_device_default());
  const chosen = list.find((one) => one.chosen);
  const lacks = lacksDevice(what, list);
  const options = [...(chosen ? [] : [{ id: '', label: m.round_device_none() }]), ...list.map((one) => ({ id: one.id, label: word(one) }))];
  return (
    <>
      <span className={styles['label']} aria-hidden>
        {label[what]()}
      </span>
      <div className={styles['choice']}>
        {list.length > 0 && <Select label={label[what]()} value={chosen?.id ?? ''} options={options} onChange={(id) => id !== '' && choose(what, id)} width={320} testId={`device-${what}`} />}
        {!lacks && children}
        {lacks && (
          <p className={styles['lacks']} data-testid={`lacks-${what}`}>
            <b>
              <Icon name="warn" size="s" />
              {none[what].what()}
            </b>
            <span>{chosen && what === 'camera' ? m.round_no_camera_test() : none[what].act()}</span>
          </p>
        )}
      </div>
    </>
  );
}
