/** "Runden": the round that one is in, or the ones that go on, or how one begins. */
import { useEffect, useRef, useState } from 'react';
import { Button } from '../components/Button';
import { Chip } from '../components/Chip';
import { Empty } from '../components/Empty';
import { FailureNotice } from '../components/FailureNotice';
import { Icon } from '../components/icons';
import { Notice } from '../components/Notice';
import { Skeleton, useWaited } from '../components/Skeleton';
import { Spinner } from '../components/Spinner';
import { usePlaces } from '../frame/place';
import type { Entering as EnteringStep, RoundCallView, RoundEnd, RoundsView, RoundView, RunningRoundView } from '../host/contract';
import { useDesk } from '../host/desk';
import { useStore } from '../host/store';
import { useNow } from '../i18n/clock';
import { moment } from '../i18n/format';
import { defineCommand, useCommand } from '../keys/keys';
import { callName } from '../messages/names';
import { m } from '../paraglide/messages';
import { AdviceLine } from './Advice';
import { BeforeDialog, type RoundToEnter } from './Before';
import { Gallery } from './Gallery';
import { PeopleList } from './PeopleList';
import styles from './Rounds.module.css';
import { presentingOf } from './presenting';
import { peopleShown, useCalls, useLook } from './roundsView';
import { useStep } from './useStep';
import { useWide } from './useWide';
import { callWords, declinedNames, endWords, enteringWords, someNames } from './words';

const leavePeopleCommand = defineCommand({ id: 'round-people-leave', keys: ['escape'], label: () => m.round_people_hide(), group: 'round' });

export function Rounds() {
  const desk = useDesk();
  const load = useStore(desk.rounds);
  const view = load.state === 'here' ? load.value : null;
  const round = view?.round ?? null;
  return (
    <div className={styles['screen']} data-testid="rounds">
      <h1 className="visually-hidden">{round === null ? m.frame_rounds() : round.name}</h1>
      {load.state === 'failed' ? (
        <div className={styles['padded']}>
          <FailureNotice failure={load.failure} retry={desk.openRounds} />
        </div>
      ) : load.state === 'waiting' ? (
        <div className={styles['padded']}>
          <Skeleton what={m.frame_rounds()} rows={2} since={load.since} retry={desk.openRounds} />
        </div>
      ) : round === null ? (
        <Running view={load.value} />
      ) : round.phase.phase === 'entering' ? (
        <OnTheWay round={round} doing={round.phase.doing} />
      ) : round.phase.phase === 'ended' ? (
        <Ended round={round} why={round.phase.why} running={load.value.running} />
      ) : (
        <InRound round={round} />
      )}
    </div>
  );
}

/** No round of one's own: those that go on come first. */
function Running({ view }: { view: RoundsView }) {
  const places = usePlaces();
  const calls = useCalls();
  const { take, failure } = useStep();
  const [entered, setEntered] = useState<RoundToEnter | null>(null);
  if (view.running.length === 0) {
    return view.offered ? (
      <div className={styles['middle']}>
        <Empty icon="camera" title={m.round_none()} actions={<Button onPress={places.openChat}>{m.round_none_to_chat()}</Button>}>
          {m.round_none_text()}
        </Empty>
      </div>
    ) : (
      <div className={styles['middle']}>
        <Empty icon="cameraOff" title={m.failure_no_rounds_what()}>
          {m.failure_no_rounds_act()}
        </Empty>
      </div>
    );
  }
  return (
    <div className={styles['padded']}>
      <h2 className={styles['heading']}>{m.round_running()}</h2>
      <ul className={styles['running']}>
        {view.running.map((one) => (
          <RunningRow key={one.conversation} one={one} call={calls.find((call) => call.conversation === one.conversation)} enter={() => setEntered(one)} decline={() => void take({ step: 'decline', conversation: one.conversation })} />
        ))}
      </ul>
      {failure && <FailureNotice failure={failure} />}
      <p className={styles['aside']}>{m.round_none_text()}</p>
      {entered && <BeforeDialog entered={entered} close={() => setEntered(null)} />}
    </div>
  );
}

function RunningRow({ one, call, enter, decline }: { one: RunningRoundView; call: RoundCallView | undefined; enter: () => void; decline: () => void }) {
  const now = useNow(60_000);
  return (
    <li className={styles['row']} data-testid={`running-${one.conversation}`}>
      <Icon name="camera" className={styles['okSign']} />
      <div className={styles['rowWords']}>
        <b>{one.name}</b>
        <span>{`${m.round_running_since({ time: moment(one.since, now) })} · ${m.round_count({ count: one.people.length })}: ${someNames(one.people)}`}</span>
      </div>
      {call && (
        <>
          <Chip tone="accent" icon="bell" testId="call-chip">
            {m.round_call_chip({ name: callName(call.person) })}
          </Chip>
          <Button aria-label={`${m.round_call_decline()}: ${callWords(call, false)}`} onPress={decline} data-testid="call-decline">
            {m.round_call_decline()}
          </Button>
        </>
      )}
      <Button look="primary" aria-label={m.round_enter_named({ name: one.name })} onPress={enter} data-testid={`enter-${one.conversation}`}>
        {m.round_enter()}
      </Button>
    </li>
  );
}

/** On the way in: after three seconds with what is being done. */
function OnTheWay({ round, doing }: { round: RoundView; doing: EnteringStep }) {
  const { take, failure } = useStep();
  const waited = useWaited(undefined);
  const [long, setLong] = useState(false);
  useEffect(() => {
    const timer = window.setTimeout(() => setLong(true), 3000);
    return () => window.clearTimeout(timer);
  }, []);
  return (
    <div className={styles['middle']}>
      <div className={styles['way']} role="status" data-testid="round-entering">
        {waited > 0 && <Spinner size={26} onSolid={false} />}
        <b>{m.round_entering()}</b>
        <span className={styles['wayName']}>{round.name}</span>
        <span className={styles['doing']} data-testid="round-doing">{long ? enteringWords[doing]() : ''}</span>
        <Button onPress={() => void take({ step: 'leave' })} data-testid="entering-cancel">
          {m.action_cancel()}
        </Button>
        {failure && <FailureNotice failure={failure} />}
      </div>
    </div>
  );
}

function Ended({ round, why, running }: { round: RoundView; why: RoundEnd; running: readonly RunningRoundView[] }) {
  const places = usePlaces();
  const { take, failure } = useStep();
  const [again, setAgain] = useState(false);
  const people = running.find((one) => one.conversation === round.conversation)?.people ?? [];
  const mayReturn = why.end !== 'removed';
  const actions = (
    <>
      {mayReturn && (
        <Button look="primary" icon="camera" onPress={() => setAgain(true)} data-testid="enter-again">
          {m.round_enter_again()}
        </Button>
      )}
      <Button icon="chat" onPress={() => places.go({ screen: 'messages', conversation: round.conversation })}>
        {m.round_to_chat()}
      </Button>
      <Button look="quiet" onPress={() => void take({ step: 'leave' })} data-testid="round-forget">
        {m.round_close()}
      </Button>
    </>
  );
  const words = endWords(why);
  return (
    <div className={styles['middle']}>
      <div className={styles['ended']} data-testid="round-ended">
        <p className={styles['wayName']}>{round.name}</p>
        {why.end === 'failed' ? (
          <FailureNotice failure={why.failure} actions={actions} />
        ) : (
          <Notice tone={why.end === 'closed' || why.end === 'elsewhere' ? 'plain' : 'warn'} title={words.what} actions={actions}>
            <p>{words.safe}</p>
            <p>{words.act}</p>
          </Notice>
        )}
        {failure && <FailureNotice failure={failure} />}
      </div>
      {again && <BeforeDialog entered={{ conversation: round.conversation, name: round.name, people }} close={() => setAgain(false)} />}
    </div>
  );
}

/** Whoever looks at the round when somebody begins to show the conversation's images sees them come. */
function useShown(round: RoundView): void {
  const places = usePlaces();
  const presenting = presentingOf(round);
  const shown = presenting?.here === false && presenting.case.state === 'open' ? `${presenting.person} ${presenting.case.patient}` : null;
  const before = useRef(shown);
  useEffect(() => {
    const last = before.current;
    before.current = shown;
    // Who came back here while they are shown wants to see the people.
    if (shown === null || shown === last || presenting?.case.state !== 'open') return;
    places.openCase(presenting.case.patient, 'images');
  }, [places, presenting, shown]);
}

function InRound({ round }: { round: RoundView }) {
  useShown(round);
  const [shows] = useLook(round);
  const chosen = useStore(peopleShown);
  const wide = useWide();
  const away = useAway(round.phase.phase === 'reconnecting');
  const declined = declinedNames(round);
  const beside = chosen ?? (wide && shows === 'gallery');
  // Where it lies over the tiles it goes like everything that does.
  useCommand(leavePeopleCommand, () => peopleShown.set(false), { enabled: beside && !wide });
  return (
    <div className={styles['round']}>
      <div className={styles['stage']}>
        {round.people.length <= 1 && round.phase.phase === 'in' && (
          <p className={styles['alone']} role="status" data-testid="round-alone">
            <b>{m.round_alone()}</b> {m.round_alone_text()}
          </p>
        )}
        {round.people.length <= 1 && declined.map((name) => (
          <p key={name} className={styles['alone']} data-testid="alone-declined">
            {m.round_say_declined({ name })}
          </p>
        ))}
        <Gallery key={shows} people={round.people} look={shows} away={away} />
        <AdviceLine round={round} />
      </div>
      {beside && <PeopleList round={round} />}
    </div>
  );
}

/** Whether the others have been away for five seconds: shorter losses are not worth a look. */
function useAway(broken: boolean): boolean {
  const [away, setAway] = useState(false);
  useEffect(() => {
    if (!broken) {
      setAway(false);
      return undefined;
    }
    const timer = window.setTimeout(() => setAway(true), 5000);
    return () => window.clearTimeout(timer);
  }, [broken]);
  return away;
}
