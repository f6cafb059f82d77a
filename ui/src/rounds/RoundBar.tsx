/** The round on every screen: what one needs of it while one reads something else. On "Runden" it is the control row. */
import { type ReactNode, type Ref, useEffect, useMemo, useRef, useState } from 'react';
import { Button as Plain } from 'react-aria-components';
import { Bar } from '../components/Bar';
import { Button, IconButton } from '../components/Button';
import { classes } from '../components/classes';
import { Icon, type IconName } from '../components/icons';
import { Segment } from '../components/Segment';
import { Spinner } from '../components/Spinner';
import { Tooltip } from '../components/Tooltip';
import { usePlaces } from '../frame/place';
import type { OwnMediaView, RoundPersonView, RoundStep, RoundView } from '../host/contract';
import { useDesk } from '../host/desk';
import { useStore } from '../host/store';
import { useNow } from '../i18n/clock';
import { failureWords } from '../i18n/failure';
import { defineCommand, useCommand } from '../keys/keys';
import { m } from '../paraglide/messages';
import { AdviceChip, adviceOf, useAdviceWords } from './Advice';
import { DevicesDialog } from './Before';
import { LeaveDialog } from './PersonMenu';
import { Picture } from './Pictures';
import styles from './RoundBar.module.css';
import { forgetAside, presentingOf } from './presenting';
import { forgetScreen, goesOn, peopleShown, roundOf, useLook, wayShown } from './roundsView';
import { ShareDialog } from './Share';
import { SharedLine, SharingLine } from './Sharing';
import { useTalking } from './talk';
import { handQueue } from './tiles';
import { useFocusKept } from './useFocusKept';
import { useRoundWords } from './useRoundWords';
import { useStep } from './useStep';
import { useWide } from './useWide';
import { WayDialog } from './Way';
import { elapsed, endWords, isOn, keyWords, roundNames, stoppedWords } from './words';

export const microphoneCommand = defineCommand({ id: 'round-microphone', keys: ['mod+d'], label: () => m.round_microphone_toggle(), group: 'round', whileTyping: true });
export const cameraCommand = defineCommand({ id: 'round-camera', keys: ['mod+e'], label: () => m.round_camera_toggle(), group: 'round', whileTyping: true });
const shareCommand = defineCommand({ id: 'round-share', keys: ['mod+shift+e'], label: () => m.round_share_toggle(), group: 'round', whileTyping: true });
const handCommand = defineCommand({ id: 'round-hand', keys: ['mod+shift+h'], label: () => m.round_hand_toggle(), group: 'round', whileTyping: true });

const wayCommand = defineCommand({ id: 'round-way', keys: ['mod+shift+n'], label: () => m.round_way_toggle(), group: 'round' });

export function RoundBar({ onScreen }: { /** "Runden" is shown. */ onScreen: boolean }) {
  const rounds = useStore(useDesk().rounds);
  const round = roundOf(rounds);
  useRoundWords(round);
  useAdviceWords(round);
  const presenting = presentingOf(round);
  useEffect(() => forgetAside(presenting), [presenting]);
  useEffect(() => forgetScreen(round), [round]);
  useFocusKept(rounds.state === 'here' ? goesOn(round) : null, other);
  if (round === null) return null;
  // There the screen itself says it, at large.
  if (!goesOn(round)) return onScreen ? null : <Brief round={round} />;
  return <Controls round={round} onScreen={onScreen} />;
}

/** What was pressed to come in or to leave is gone then. */
const other = (last: boolean, next: boolean) => last !== next;

/** On the way in, or over: in one line, with the one thing to do. */
function Brief({ round }: { round: RoundView }) {
  const places = usePlaces();
  const { take } = useStep();
  const ended = round.phase.phase === 'ended' ? round.phase.why : null;
  return (
    <section className={styles['region']} aria-label={m.round_bar()} data-testid="round-bar">
      <div className={styles['bar']}>
        {ended ? <Icon name="warn" className={styles['warn']} /> : <Spinner onSolid={false} />}
        <div className={styles['brief']}>
          <b>{round.name}</b>
          <span>{ended ? endWords(ended).what : m.round_entering()}</span>
        </div>
        <Button onPress={() => places.go({ screen: 'rounds' })} data-testid="bar-to-round">
          {m.round_to()}
        </Button>
        <Button look="quiet" onPress={() => void take({ step: 'leave' })} data-testid="round-forget">
          {ended ? m.round_close() : m.action_cancel()}
        </Button>
      </div>
    </section>
  );
}

function Controls({ round, onScreen }: { round: RoundView; onScreen: boolean }) {
  const { take, failure, forget } = useStep();
  const places = usePlaces();
  const [shows, setShows] = useLook(round);
  const chosen = useStore(peopleShown);
  const wide = useWide();
  const [devices, setDevices] = useState(false);
  const [shares, setShares] = useState(false);
  const way = useStore(wayShown);
  useEffect(() => () => wayShown.set(false), []);
  const shareButton = useRef<HTMLButtonElement>(null);
  const here = round.people.find((one) => one.here);
  const { microphone, camera, screen } = round;
  const up = here?.hand != null;
  const step = (what: RoundStep) => void take(what);
  const setMicrophone = (on: boolean) => step({ step: 'set-microphone', on });
  const setCamera = (on: boolean) => step({ step: 'set-camera', on });
  const stopSharing = () => step({ step: 'stop-sharing' });
  const share = () => (isOn(screen) ? stopSharing() : setShares(true));
  const setHand = () => step({ step: 'set-hand', up: !up });
  // Whoever leads a round is asked once whether it is over with them.
  const [leaving, setLeaving] = useState(false);
  const leave = () => (round.moderates && round.people.length > 1 ? setLeaving(true) : step({ step: 'leave' }));
  useCommand(microphoneCommand, (event) => event.repeat || setMicrophone(!isOn(microphone)), { overDialog: true });
  useCommand(cameraCommand, (event) => event.repeat || setCamera(!isOn(camera)), { overDialog: true });
  // What is shown is ended from wherever one is; what is to be shown is chosen in a dialog.
  useCommand(shareCommand, (event) => event.repeat || share(), { overDialog: isOn(screen) });
  useCommand(handCommand, (event) => event.repeat || setHand(), { overDialog: true });
  useCommand(wayCommand, (event) => event.repeat || wayShown.set(!way), { overDialog: way });
  useTalking(isOn(microphone), setMicrophone);
  const advice = onScreen ? undefined : adviceOf(round);
  const peopleOpen = chosen ?? (wide && shows === 'gallery');
  return (
    <section className={classes(styles['region'], onScreen && styles['onScreen'])} aria-label={m.round_bar()} data-testid="round-bar">
      <div className={styles['notices']}>
        {round.phase.phase === 'reconnecting' && (
          <Bar icon="offline" testId="round-reconnecting">
            <b>{m.round_reconnecting()}</b> {m.round_reconnecting_text({ attempt: round.phase.attempt })}
          </Bar>
        )}
        {failure && (
          <Line icon="danger" words={failureWords(failure)} testId="round-failure">
            <Button size="small" onPress={forget}>
              {m.round_close()}
            </Button>
          </Line>
        )}
        {microphone.state === 'stopped' && (
          <Line icon="microphoneOff" words={stoppedWords('microphone', microphone.why)} testId="microphone-stopped">
            <StoppedActions why={microphone.why} again={() => setMicrophone(true)} choose={() => setDevices(true)} close={() => setMicrophone(false)} />
          </Line>
        )}
        {camera.state === 'stopped' && (
          <Line icon="cameraOff" words={stoppedWords('camera', camera.why)} testId="camera-stopped">
            <StoppedActions why={camera.why} again={() => setCamera(true)} choose={() => setDevices(true)} close={() => setCamera(false)} />
          </Line>
        )}
        {screen.state === 'stopped' && (
          <Line icon="screenShareOff" words={stoppedWords('screen', screen.why)} testId="screen-stopped">
            <Button size="small" onPress={() => setShares(true)} data-testid="share-again">
              {m.round_share_again()}
            </Button>
            <IconButton icon="close" size="small" label={m.action_close()} onPress={stopSharing} />
          </Line>
        )}
        <ShownLine round={round} />
        {!onScreen && <SharedLine people={round.people} see={() => places.go({ screen: 'rounds' })} />}
        {/* Advice knows it more exactly. */}
        {here?.line === 'weak' && round.phase.phase === 'in' && round.advice.length === 0 && (
          <Bar
            icon="warn"
            testId="round-weak"
            action={
              isOn(camera) ? (
                <Button size="small" onPress={() => setCamera(false)}>
                  {m.round_camera_off()}
                </Button>
              ) : undefined
            }
          >
            <b>{m.round_weak()}</b> {m.round_weak_text()}
          </Bar>
        )}
        <SharingLine
          screen={screen}
          other={() => {
            // What one chooses from would be seen on a whole screen: every window's title and how it looks.
            if (screen.state === 'on' && screen.device === null) stopSharing();
            setShares(true);
          }}
          stop={() => {
            stopSharing();
            // The line goes with the button that was pressed.
            shareButton.current?.focus();
          }}
        />
      </div>
      <div className={styles['bar']}>
        <div className={styles['about']}>
          {onScreen ? (
            <b title={round.name}>{round.name}</b>
          ) : (
            <Plain className={styles['name'] ?? ''} onPress={() => places.go({ screen: 'rounds' })} data-testid="bar-to-round">
              <b title={round.name}>{round.name}</b>
              <span className="visually-hidden">{m.round_to()}</span>
            </Plain>
          )}
          {advice ? (
            <AdviceChip key={advice.advice} round={round} advice={advice} step={step} choose={() => setDevices(true)} see={() => places.go({ screen: 'rounds' })} way={() => wayShown.set(true)} />
          ) : (
            <span className={styles['facts']}>
              {round.encrypted && <Icon name="locked" size="xs" />}
              <Facts round={round} />
            </span>
          )}
        </div>
        {!onScreen && <Faces people={round.people} presenter={presentingOf(round)?.person} more={() => places.go({ screen: 'rounds' })} />}
        <span className={styles['grow']} />
        {!onScreen && <FirstHand people={round.people} />}
        <div className={styles['controls']} role="group" aria-label={m.round_in()}>
          <Media what="microphone" media={microphone} keys="mod+d" press={() => setMicrophone(!isOn(microphone))} />
          <Media what="camera" media={camera} keys="mod+e" press={() => setCamera(!isOn(camera))} />
          <Round ref={shareButton} icon="screenShare" busy={screen.state === 'opening'} label={isOn(screen) ? m.round_share_stop() : m.round_share()} keys="mod+shift+e" tone={isOn(screen) ? 'up' : undefined} press={share} testId="share" />
          <Round icon="hand" label={up ? m.round_hand_lower() : m.round_hand_raise()} keys="mod+shift+h" tone={up ? 'up' : undefined} press={setHand} testId="hand" />
          {onScreen && <Round icon="devices" label={m.round_devices()} press={() => setDevices(true)} testId="devices" />}
          {onScreen && <Round icon="signal" label={m.round_way()} keys="mod+shift+n" press={() => wayShown.set(true)} testId="way" />}
          <Plain className={styles['leave'] ?? ''} aria-label={m.round_leave_round()} onPress={leave} data-testid="leave">
            <Icon name="leave" size="s" />
            <span>{m.round_leave()}</span>
          </Plain>
        </div>
        {onScreen && (
          <>
            <span className={styles['grow']} />
            <div className={styles['looks']}>
              <Tooltip text={peopleOpen ? m.round_people_hide() : m.round_people_show()}>
                <IconButton icon="people" label={peopleOpen ? m.round_people_hide() : m.round_people_show()} aria-expanded={peopleOpen} onPress={() => peopleShown.set(!peopleOpen)} data-testid="people-toggle" />
              </Tooltip>
              <Segment
                label={m.round_view()}
                value={shows}
                options={[
                  { id: 'gallery', label: m.round_gallery() },
                  { id: 'spotlight', label: m.round_spotlight() },
                ]}
                onChange={setShows}
              />
            </div>
          </>
        )}
      </div>
      {leaving && <LeaveDialog close={() => setLeaving(false)} />}
      {shares && <ShareDialog close={() => setShares(false)} />}
      {devices && <DevicesDialog close={() => setDevices(false)} />}
      {way && <WayDialog close={() => wayShown.set(false)} />}
    </section>
  );
}

/** Somebody shows images, and this person is elsewhere: the way to them. */
function ShownLine({ round }: { round: RoundView }) {
  const places = usePlaces();
  const place = useStore(places.place);
  const { take } = useStep();
  const name = useMemo(() => roundNames(round.people), [round.people]);
  const presenting = presentingOf(round);
  if (presenting === null) return null;
  const person = round.people.find((one) => one.id === presenting.person);
  const who = person === undefined ? '' : name(person);
  const { case: shown } = presenting;
  const stop = presenting.here && (
    <Button size="small" onPress={() => void take({ step: 'stop-presenting' })} data-testid="stop-shown">
      {m.round_present_stop()}
    </Button>
  );
  if (shown.state === 'open') {
    if (place.screen === 'case' && place.tab === 'images' && place.patient === shown.patient) return null;
    const go = () => places.openCase(shown.patient, 'images');
    return (
      <div className={styles['shown']} data-testid="round-shown">
        <Icon name="pointer" size="s" />
        <span className={styles['shownWords']}>{presenting.here ? m.round_presenting_here() : m.round_presents({ name: who })}</span>
        <Button size="small" look={presenting.here ? 'plain' : 'primary'} onPress={go} data-testid="see-shown">
          {presenting.here ? m.round_presenting_to() : m.round_follow()}
        </Button>
        {stop}
      </div>
    );
  }
  return (
    <div className={styles['shown']} data-testid="round-shown">
      <Icon name="pointer" size="s" />
      <span className={styles['shownWords']}>
        {presenting.here
          ? m.round_presenting_none()
          : shown.state === 'coming'
            ? m.round_presents_coming({ name: who })
            : shown.state === 'closed'
              ? `${m.round_presents_closed({ name: who })} ${failureWords(shown.failure).act}`
              : m.round_presents_other({ name: who })}
      </span>
      {shown.state === 'opening' && <Spinner onSolid={false} />}
      {(shown.state === 'asking' || shown.state === 'closed') && !presenting.here && (
        <Button key={shown.number} size="small" look={shown.state === 'asking' ? 'primary' : 'plain'} onPress={() => void take({ step: 'open-presented-case', number: shown.number })} data-testid="open-shown-case">
          {shown.state === 'asking' ? m.round_presents_other_see() : m.action_retry()}
        </Button>
      )}
      {stop}
    </div>
  );
}

/** How long, and how many; only this is drawn anew each second. */
function Facts({ round }: { round: RoundView }) {
  const now = useNow(1000);
  return [round.since === null ? '' : elapsed(round.since, now), m.round_count({ count: round.people.length })].filter((word) => word !== '').join(' · ');
}

const mostFaces = 6;

/** Those who speak or spoke are not sought here: faces keep their places, the others first. */
function Faces({ people, presenter, more }: { people: readonly RoundPersonView[]; presenter: string | undefined; more: () => void }) {
  const name = useMemo(() => roundNames(people), [people]);
  const others = people.filter((one) => !one.here);
  const shown = others.slice(0, mostFaces);
  return (
    <>
      <ul className={styles['faces']} aria-label={m.round_faces()}>
        {shown.map((one) => (
          <li key={one.id} className={styles['face']} data-speaking={one.speaking ? '' : undefined} data-presents={one.id === presenter ? '' : undefined} title={name(one)}>
            {one.camera && keyWords(one.key) === null ? <Picture track={one.camera.track} /> : <span aria-hidden>{one.person.initials}</span>}
            <span className={styles['faceName']}>{name(one)}</span>
            {one.speaking && <span className="visually-hidden">{m.round_speaking()}</span>}
            {one.id === presenter && <span className="visually-hidden">{m.round_shows()}</span>}
          </li>
        ))}
      </ul>
      {[6, 5, 3].map(
        (most) =>
          others.length > most && (
            <Plain key={most} className={classes(styles['more'], styles[`more${most}`])} aria-label={m.round_more({ count: others.length - most })} onPress={more}>
              {`+${others.length - most}`}
            </Plain>
          ),
      )}
    </>
  );
}

function FirstHand({ people }: { people: readonly RoundPersonView[] }) {
  const name = useMemo(() => roundNames(people), [people]);
  const [first] = handQueue(people);
  if (!first) return null;
  return (
    <span className={styles['firstHand']}>
      <Icon name="hand" size="s" />
      <span className="visually-hidden">{m.round_hands()}</span>
      {name(first)}
    </span>
  );
}

const mediaWords = {
  microphone: { on: m.round_microphone_on, off: m.round_microphone_off, opening: m.round_microphone_opening, icon: 'microphone', crossed: 'microphoneOff' },
  camera: { on: m.round_camera_on, off: m.round_camera_off, opening: m.round_camera_opening, icon: 'camera', crossed: 'cameraOff' },
} as const;

function Media({ what, media, keys, press }: { what: 'microphone' | 'camera'; media: OwnMediaView; keys: string; press: () => void }) {
  const words = mediaWords[what];
  const label = media.state === 'on' ? words.off() : media.state === 'opening' ? words.opening() : words.on();
  return <Round icon={media.state === 'on' ? words.icon : words.crossed} busy={media.state === 'opening'} label={label} keys={keys} tone={media.state === 'on' || media.state === 'opening' ? undefined : 'off'} press={press} testId={what} />;
}

function Round({ ref, icon, label, keys, tone, busy = false, press, testId }: { ref?: Ref<HTMLButtonElement>; icon: IconName; label: string; keys?: string; tone?: 'off' | 'up' | undefined; busy?: boolean; press: () => void; testId: string }) {
  return (
    <Tooltip text={label} {...(keys === undefined ? {} : { keys })}>
      <Plain ref={ref} className={styles['round'] ?? ''} data-tone={tone} aria-label={label} onPress={press} data-testid={`round-${testId}`}>
        {busy ? <Spinner onSolid={false} /> : <Icon name={icon} />}
      </Plain>
    </Tooltip>
  );
}

function Line({ icon, words, testId, children }: { icon: IconName; words: { what: string; safe: string; act: string }; testId: string; children: ReactNode }) {
  return (
    <Bar icon={icon} testId={testId} action={<span className={styles['actions']}>{children}</span>}>
      <b>{words.what}</b> {words.safe} {words.act}
    </Bar>
  );
}

function StoppedActions({ why, again, choose, close }: { why: string; again: () => void; choose: () => void; close: () => void }) {
  const another = why === 'no-device' || why === 'device-lost' || why === 'device-busy';
  return (
    <>
      {another ? (
        <Button size="small" onPress={choose}>
          {m.round_devices_choose()}
        </Button>
      ) : (
        <Button size="small" onPress={again}>
          {m.action_retry()}
        </Button>
      )}
      <IconButton icon="close" size="small" label={m.action_close()} onPress={close} />
    </>
  );
}
