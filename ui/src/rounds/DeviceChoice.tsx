/** Which devices a person is heard, hears and is seen with: before a round, in it, and in the settings. */
import { type ReactNode, useCallback, useEffect, useState } from 'react';
import { Button } from '../components/Button';
import { FailureNotice } from '../components/FailureNotice';
import { Icon } from '../components/icons';
import { Select } from '../components/Select';
import { Skeleton } from '../components/Skeleton';
import type { Failure, RoundDeviceKind, RoundDevicesView, RoundDeviceView, RoundStep } from '../host/contract';
import { useDesk } from '../host/desk';
import { asFailure, ask } from '../host/host';
import { m } from '../paraglide/messages';
import { Meter, Tone } from './Check';
import styles from './DeviceChoice.module.css';
import { Sight } from './Sight';

export interface Devices {
  view: RoundDevicesView | null;
  failure: Failure | null;
  search: () => void;
  choose: (what: RoundDeviceKind, device: string) => void;
}

export function useDevices(): Devices {
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

export function DeviceChoice({ devices: { view, failure, search, choose }, checks }: { devices: Devices; /** In a round the others would hear it. */ checks: boolean }) {
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
