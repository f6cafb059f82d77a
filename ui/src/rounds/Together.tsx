/** What joins an area of images with the round: showing them to the others, or following somebody who shows them. */
import { type ReactNode, useEffect, useMemo } from 'react';
import { Button } from '../components/Button';
import { Icon } from '../components/icons';
import { Kbd } from '../components/Kbd';
import { Menu } from '../components/Menu';
import type { NotSeen, Presentation, PresentingView, RoundView, SeenView } from '../host/contract';
import { useDesk } from '../host/desk';
import { samePresentation } from '../imaging/stagePresentation';
import type { Stage } from '../imaging/stage';
import { useSnapshot } from '../imaging/useStage';
import { failureWords } from '../i18n/failure';
import { defineCommand, useCommand } from '../keys/keys';
import { callNames } from '../messages/names';
import { m } from '../paraglide/messages';
import { NewestFirst, presentingOf, setAside, useAside, watchingCount } from './presenting';
import { goesOn, useRound } from './roundsView';
import styles from './Together.module.css';
import { useStep } from './useStep';
import { roundNames } from './words';

// In the group of the images: not through a dialog that is in front of them.
const followCommand = defineCommand({ id: 'round-follow', keys: ['f'], label: () => m.round_follow_toggle(), group: 'images' });
// A letter alone would show images to everybody by a slip.
const presentCommand = defineCommand({ id: 'round-present', keys: ['mod+shift+f'], label: () => m.round_present_toggle(), group: 'images' });
const presentKeys = 'mod+shift+f';

export function Together({ stage, patient }: { stage: Stage; patient: string }) {
  const round = useRound();
  if (!goesOn(round)) return null;
  const presenting = presentingOf(round);
  if (presenting?.here === true) {
    const shows = presenting.case.state === 'open' && presenting.case.patient === patient;
    return shows ? <Presenting stage={stage} patient={patient} round={round} presenting={presenting} /> : <Offer patient={patient} label={m.round_present_case()} />;
  }
  if (presenting?.case.state === 'open' && presenting.case.patient === patient) {
    return <Following key={presenting.person} stage={stage} patient={patient} round={round} presenting={presenting} />;
  }
  if (!round.mayPresent) return null;
  const other = round.people.find((one) => one.id === presenting?.person);
  return <Offer patient={patient} label={other === undefined ? m.round_present() : m.round_take_over_from({ name: roundNames(round.people)(other) })} />;
}

/** Nobody shows these images: this person could. */
function Offer({ patient, label }: { patient: string; label: string }) {
  const { take, failure } = useStep();
  const present = () => void take({ step: 'present', patient });
  useCommand(presentCommand, (event) => event.repeat || present());
  return (
    <Pill testId="round-offer" quiet>
      {failure !== null && <span className={styles['warn']}>{failureWords(failure).what}</span>}
      <Button size="small" icon="present" onPress={present} data-testid="present">
        {label}
        <Kbd keys={presentKeys} />
      </Button>
    </Pill>
  );
}

function Presenting({ stage, patient, round, presenting }: { stage: Stage; /** Whose images the stage holds. */ patient: string; round: RoundView; presenting: PresentingView }) {
  const { host } = useDesk();
  const { take } = useStep();
  const name = useMemo(() => roundNames(round.people), [round.people]);
  // As the others see it.
  const own = useMemo(() => {
    const here = round.people.find((one) => one.here);
    return here === undefined ? '' : callNames(round.people.map((one) => one.person))(here.person);
  }, [round.people]);
  const others = round.people.filter((one) => !one.here && one.key === 'encrypted');
  const able = others.filter((one) => one.shows);
  useEffect(() => {
    const sender = new NewestFirst((presentation: Presentation) => host.call({ type: 'round', round: { step: 'show', patient, presentation } }), samePresentation);
    let last: Presentation | undefined;
    const tell = () => {
      const now = stage.presentation();
      if (now === undefined) return;
      last = now;
      sender.put(now);
    };
    stage.setPresenting(own);
    tell();
    const stop = stage.subscribe(tell);
    return () => {
      stop();
      stage.setPresenting(undefined);
      // What was shown stays; the hand is no longer there.
      if (last !== undefined) sender.put({ ...last, pointer: null });
    };
  }, [host, stage, patient, own]);
  const stop = () => void take({ step: 'stop-presenting' });
  useCommand(presentCommand, (event) => event.repeat || stop());
  const { seen, loading, not } = watchingCount(presenting);
  const facts = [
    seen > 0 ? m.round_watching({ count: seen }) : others.length === 0 ? m.round_watching_nobody() : '',
    loading > 0 ? m.round_watching_loading({ count: loading }) : '',
    not > 0 ? m.round_watching_not({ count: not }) : '',
  ].filter((word) => word !== '');
  return (
    <Pill testId="round-presenting">
      <Icon name="pointer" size="s" />
      <span role="status" className={styles['words']}>
        <b>{m.round_presenting_here()}</b>
        {facts.length > 0 && <span className={not > 0 ? styles['warn'] : styles['dim']}>{facts.join(' · ')}</span>}
      </span>
      {able.length > 0 && (
        <Menu
          label={m.round_hand_over()}
          placement="top"
          trigger={
            <Button size="small" iconAfter="down" data-testid="hand-over">
              {m.round_hand_over()}
            </Button>
          }
          entries={able.map((one) => ({ id: one.id, label: name(one), run: () => void take({ step: 'hand-over', person: one.id }) }))}
        />
      )}
      <Button size="small" onPress={stop} data-testid="stop-presenting">
        {m.round_present_stop()}
        <Kbd keys={presentKeys} />
      </Button>
    </Pill>
  );
}

function Following({ stage, patient, round, presenting }: { stage: Stage; patient: string; round: RoundView; presenting: PresentingView }) {
  const desk = useDesk();
  const { take } = useStep();
  const { presented } = desk;
  const aside = useAside(patient);
  const who = useMemo(() => {
    const person = round.people.find((one) => one.id === presenting.person);
    return person === undefined ? '' : roundNames(round.people)(person);
  }, [round.people, presenting.person]);
  useEffect(() => {
    if (aside) return undefined;
    const draw = () => {
      const view = presented.get();
      // Another person's images are never drawn here.
      if (view?.patient === patient) stage.follow(view.presentation, who);
    };
    draw();
    const stops = [presented.subscribe(draw), stage.onOwnHand(() => setAside(patient))];
    return () => {
      for (const stop of stops) stop();
      stage.follow(undefined);
    };
  }, [stage, patient, presented, aside, who]);
  const { followed } = useSnapshot(stage);
  const why = aside ? 'aside' : (followed?.why ?? (followed === undefined ? 'loading' : null));
  const [done, of] = [followed?.done ?? 0, followed?.of ?? 0];
  useEffect(() => {
    const seen: SeenView = { why, done, of };
    desk.host.call({ type: 'round', round: { step: 'seen', seen } }).catch(() => undefined);
  }, [desk, why, done, of]);
  // Who looks at another screen sees nothing of it.
  useEffect(
    () => () => {
      desk.host.call({ type: 'round', round: { step: 'seen', seen: { why: 'aside', done: 0, of: 0 } } }).catch(() => undefined);
    },
    [desk],
  );
  const turn = () => setAside(aside ? null : patient);
  useCommand(followCommand, (event) => event.repeat || turn());
  const problem = aside ? null : notSeenWords(why);
  return (
    <Pill testId="round-following">
      <Icon name="pointer" size="s" />
      <span role="status" className={styles['words']}>
        <b>{aside ? m.round_presents({ name: who }) : m.round_following({ name: who })}</b>
        {problem !== null && <span className={styles['warn']}>{problem}</span>}
      </span>
      {round.mayPresent && (
        <Button size="small" onPress={() => void take({ step: 'present', patient })} data-testid="take-over">
          {m.round_take_over()}
        </Button>
      )}
      <Button size="small" look={aside ? 'primary' : 'plain'} onPress={turn} data-testid={aside ? 'follow-again' : 'browse'}>
        {aside ? m.round_back_to({ name: who }) : m.round_browse()}
        <Kbd keys="f" />
      </Button>
    </Pill>
  );
}

/** Why what is shown is not seen, to whoever should see it; loading is said by the image itself. */
function notSeenWords(why: NotSeen | null): string | null {
  switch (why) {
    case 'not-found':
      return m.round_not_found();
    case 'other-patient':
      return m.round_other_patient();
    case 'not-displayable':
      return m.round_not_displayable();
    case 'loading':
    case 'no-access':
    case 'aside':
    case null:
      return null;
    default: {
      const unknown: never = why;
      return unknown;
    }
  }
}

function Pill({ testId, quiet = false, children }: { testId: string; quiet?: boolean; children: ReactNode }) {
  return (
    <div className={styles['pill']} data-quiet={quiet ? '' : undefined} data-testid={testId}>
      {children}
    </div>
  );
}
