/** Which devices a person is heard, hears and is seen with: before a round, in it, and in the settings. */
import { Fragment, useCallback, useEffect, useRef, useState } from 'react';
import { announce } from '../components/announce';
import { Button } from '../components/Button';
import { FailureNotice } from '../components/FailureNotice';
import { Icon } from '../components/icons';
import { Select } from '../components/Select';
import { Skeleton } from '../components/Skeleton';
import type { Failure, RoundDeviceKind, RoundDevicesView, RoundDeviceView, RoundStep } from '../host/contract';
import { useDesk } from '../host/desk';
import { asFailure, ask } from '../host/host';
import { m } from '../paraglide/messages';
import { again, whileSeen } from './again';
import { Meter, Tone } from './Check';
import styles from './DeviceChoice.module.css';
import { Sight } from './Sight';

/** Devices are plugged in and out; nobody is to press a key for that. */
const everyMillis = 3000;

interface Devices {
  view: RoundDevicesView | null;
  failure: Failure | null;
  /** What came or went since one looks, in words; empty at first. */
  news: string;
  search: () => void;
  choose: (what: RoundDeviceKind, device: string) => void;
}

/** What there is and what is chosen, as long as it is looked at. */
export function useDevices(): Devices {
  const { host } = useDesk();
  const [view, setView] = useState<RoundDevicesView | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [news, setNews] = useState('');
  const known = useRef<RoundDevicesView | null>(null);
  // An answer that was overtaken by a choice is older than it.
  const steps = useRef(0);
  const show = useCallback((next: RoundDevicesView) => {
    const before = known.current;
    if (JSON.stringify(before) === JSON.stringify(next)) return;
    known.current = next;
    setView(next);
    const words = before === null ? '' : newsOf(before, next);
    if (words === '') return;
    setNews(words);
    announce(words);
  }, []);
  const take = useCallback(
    (round: RoundStep) => {
      steps.current += 1;
      const mine = steps.current;
      setFailure(null);
      ask(host, { type: 'round', round }, 'round-devices').then(
        (next) => mine === steps.current && show(next),
        (thrown: unknown) => setFailure(asFailure(thrown)),
      );
    },
    [host, show],
  );
  const search = useCallback(() => take({ step: 'open-devices' }), [take]);
  useEffect(
    () =>
      whileSeen(() => {
        const stop = again(async (goesOn) => {
          const mine = steps.current;
          try {
            const next = await ask(host, { type: 'round', round: { step: 'open-devices' } }, 'round-devices');
            if (!goesOn() || mine !== steps.current) return;
            // What was refused otherwise stays said.
            if (known.current === null) setFailure(null);
            show(next);
          } catch (thrown) {
            // A list that is there is kept.
            if (goesOn() && known.current === null) setFailure(asFailure(thrown));
          }
        }, everyMillis);
        return () => void stop();
      }),
    [host, show],
  );
  return { view, failure, news, search, choose: (what, device) => take({ step: 'choose-device', what, device }) };
}

const named = ({ microphones, speakers, cameras }: RoundDevicesView) => new Set([...microphones, ...speakers, ...cameras].flatMap(({ name }) => (name === null ? [] : [name])));

/** A headset is a microphone and a speaker, and is named once. */
function newsOf(before: RoundDevicesView, next: RoundDevicesView): string {
  const [had, has] = [named(before), named(next)];
  const came = [...has].filter((name) => !had.has(name));
  const gone = [...had].filter((name) => !has.has(name));
  return [came.length > 0 ? m.round_devices_came({ names: came.join(', ') }) : '', gone.length > 0 ? m.round_devices_gone({ names: gone.join(', ') }) : ''].filter((words) => words !== '').join(' ');
}

/** What came or went while one looks. */
export function DeviceNews({ news }: { news: string }) {
  if (news === '') return null;
  return (
    <p className={styles['news']} data-testid="device-news">
      {news}
    </p>
  );
}

export function DeviceChoice({ devices, checks }: { devices: Devices; /** In a round the others would hear it. */ checks: boolean }) {
  const { view, failure, search } = devices;
  if (view === null) return failure ? <FailureNotice failure={failure} retry={search} /> : <Skeleton what={m.round_devices()} rows={3} retry={search} />;
  const kinds = ['microphone', 'speaker', 'camera'] as const;
  return (
    <>
      <div className={styles['checked']}>
        {checks && view.cameras.some((one) => one.chosen) && <Sight />}
        <div className={styles['devices']}>
          {kinds.map((what) => (
            <Fragment key={what}>
              <span className={styles['label']} aria-hidden>
                {deviceWords[what]()}
              </span>
              <Device what={what} view={view} choose={devices.choose} checks={checks} />
            </Fragment>
          ))}
          {kinds.some((what) => lacksDevice(what, view)) && (
            <Button look="link" size="small" className={styles['again']} onPress={search} data-testid="devices-again">
              {m.round_devices_again()}
            </Button>
          )}
          <DeviceNews news={devices.news} />
        </div>
      </div>
      {failure && <FailureNotice failure={failure} retry={search} />}
    </>
  );
}

export const deviceWords: Record<RoundDeviceKind, () => string> = { microphone: m.round_microphone, speaker: m.round_speaker, camera: m.round_camera };
const none: Record<RoundDeviceKind, { what: () => string; act: () => string }> = {
  microphone: { what: m.round_no_microphone, act: m.round_no_microphone_act },
  speaker: { what: m.round_no_speaker, act: m.round_no_speaker_act },
  camera: { what: m.round_no_camera, act: m.round_no_camera_act },
};

function listOf(what: RoundDeviceKind, view: RoundDevicesView): readonly RoundDeviceView[] {
  return { microphone: view.microphones, speaker: view.speakers, camera: view.cameras }[what];
}

/** A test picture is no camera: what one would need to be seen is said beside it. */
function lacksDevice(what: RoundDeviceKind, view: RoundDevicesView): boolean {
  const list = listOf(what, view);
  return what === 'camera' ? list.every((one) => one.name === null) : list.length === 0;
}

/** One of them, with its check. */
export function Device({ what, view, choose, checks }: { what: RoundDeviceKind; view: RoundDevicesView; choose: Devices['choose']; checks: boolean }) {
  const list = listOf(what, view);
  const word = (one: RoundDeviceView) => one.name ?? (what === 'camera' ? m.round_device_test() : m.round_device_default());
  const chosen = list.find((one) => one.chosen);
  const lacks = lacksDevice(what, view);
  const options = [...(chosen ? [] : [{ id: '', label: m.round_device_none() }]), ...list.map((one) => ({ id: one.id, label: word(one) }))];
  return (
    <div className={styles['choice']}>
      {list.length > 0 && <Select label={deviceWords[what]()} value={chosen?.id ?? ''} options={options} onChange={(id) => id !== '' && choose(what, id)} width={320} testId={`device-${what}`} />}
      {checks && !lacks && what === 'microphone' && <Meter />}
      {checks && !lacks && what === 'speaker' && <Tone />}
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
  );
}
