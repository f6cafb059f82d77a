/** "Kamera und Ton": what a person is heard, hears and is seen with, to be chosen and checked; in a round, what is used there. */
import type { ReactNode } from 'react';
import { Button } from '../components/Button';
import { FailureNotice } from '../components/FailureNotice';
import { Kbd } from '../components/Kbd';
import { Notice } from '../components/Notice';
import { Skeleton } from '../components/Skeleton';
import { usePlaces } from '../frame/place';
import type { OwnMediaView, RoundView } from '../host/contract';
import type { Command } from '../keys/keys';
import { m } from '../paraglide/messages';
import { Device, DeviceNews, deviceWords, useDevices } from '../rounds/DeviceChoice';
import { cameraCommand, microphoneCommand } from '../rounds/RoundBar';
import { goesOn, isOver, useRound, wayShown } from '../rounds/roundsView';
import { Sight } from '../rounds/Sight';
import { talkCommand } from '../rounds/talk';
import { stoppedWords } from '../rounds/words';
import { PolicyRow } from './PolicyRow';
import styles from './Settings.module.css';

export function Media() {
  const round = useRound();
  const devices = useDevices();
  const { view, failure, search, choose } = devices;
  // Also on the way in: the devices are the round's then.
  const used = isOver(round) ? null : round;
  const checks = used === null;
  return (
    <>
      <div className={styles['lead']}>{used === null ? <p className={styles['rowText']}>{m.settings_media_private()}</p> : <InUse round={used} />}</div>
      {view === null && (failure ? <FailureNotice failure={failure} retry={search} /> : <Skeleton what={m.round_devices()} rows={3} retry={search} />)}
      {view !== null && (
        <>
          <Row name={deviceWords.camera()} text={used && usedWords('camera', used.camera)}>
            <div className={styles['media']}>
              <Device what="camera" view={view} choose={choose} checks={checks} />
              {checks && view.cameras.some((one) => one.chosen) && <Sight />}
            </div>
          </Row>
          <Row name={deviceWords.microphone()} text={used && usedWords('microphone', used.microphone)}>
            <Device what="microphone" view={view} choose={choose} checks={checks} />
          </Row>
          <Row name={deviceWords.speaker()} text={null}>
            <Device what="speaker" view={view} choose={choose} checks={checks} />
          </Row>
          <DeviceNews news={devices.news} />
          {failure && <FailureNotice failure={failure} />}
        </>
      )}
      <PolicyRow name={m.settings_media_voice()} text={m.settings_media_voice_text()} />
      <h3 className={styles['group']}>{m.settings_media_keys()}</h3>
      {[microphoneCommand, talkCommand, cameraCommand].map((command) => (
        <KeyRow key={command.id} command={command} />
      ))}
    </>
  );
}

function Row({ name, text, children }: { name: string; text: string | null; children: ReactNode }) {
  return (
    <PolicyRow name={name} {...(text === null ? {} : { text })}>
      {children}
    </PolicyRow>
  );
}

/** What holds while a round has the devices, and the ways to it. */
function InUse({ round }: { round: RoundView }) {
  const places = usePlaces();
  const actions = (
    <>
      <Button size="small" onPress={() => places.go({ screen: 'rounds' })} data-testid="media-to-round">
        {m.round_to()}
      </Button>
      {goesOn(round) && (
        <Button size="small" icon="signal" onPress={() => wayShown.set(true)} data-testid="media-way">
          {m.round_way()}
        </Button>
      )}
    </>
  );
  return (
    <Notice icon="camera" title={goesOn(round) ? m.settings_media_round({ name: round.name }) : m.round_entering()} actions={actions}>
      {m.settings_media_round_text()}
    </Notice>
  );
}

function usedWords(what: 'microphone' | 'camera', media: OwnMediaView): string {
  switch (media.state) {
    case 'off':
      return m.settings_media_used_off();
    case 'opening':
      return what === 'camera' ? m.round_camera_opening() : m.round_microphone_opening();
    case 'on':
      return m.settings_media_used_on({ device: media.device ?? (what === 'camera' ? m.round_device_test() : m.round_device_default()) });
    case 'stopped': {
      const words = stoppedWords(what, media.why);
      return `${words.what} ${words.act}`;
    }
    default: {
      const unknown: never = media;
      return unknown;
    }
  }
}

function KeyRow({ command }: { command: Command }) {
  const [keys = ''] = command.keys;
  return (
    <PolicyRow name={command.label()}>
      <Kbd keys={keys} />
    </PolicyRow>
  );
}
