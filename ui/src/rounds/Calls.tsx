/** Who calls this person to a round, on every screen: a line each above the round's bar, until it is answered or stops. */
import { useEffect, useRef, useState } from 'react';
import { Bar } from '../components/Bar';
import { announce } from '../components/announce';
import { Button, IconButton } from '../components/Button';
import { Icon } from '../components/icons';
import { usePlaces } from '../frame/place';
import type { RoundCallView } from '../host/contract';
import { useDesk } from '../host/desk';
import { useStore } from '../host/store';
import { failureWords } from '../i18n/failure';
import { defineCommand, useCommand } from '../keys/keys';
import { m } from '../paraglide/messages';
import { BeforeDialog, type RoundToEnter } from './Before';
import styles from './Calls.module.css';
import { useCalls } from './roundsView';
import { useFocusKept } from './useFocusKept';
import { useStep } from './useStep';
import { callWords } from './words';

const enterCommand = defineCommand({ id: 'round-call', keys: ['mod+shift+j'], label: () => m.round_call_enter(), group: 'round', whileTyping: true });

const mostLines = 2;

export function Calls({ onScreen, stays }: { /** "Runden" is shown. */ onScreen: boolean; /** Whoever enters stays where they are. */ stays: boolean }) {
  const places = usePlaces();
  const rounds = useStore(useDesk().rounds);
  const view = rounds.state === 'here' ? rounds.value : null;
  const calls = useCalls();
  const { take, failure, forget } = useStep();
  // Kept while the dialog is open, also when the call stops meanwhile.
  const [entered, setEntered] = useState<RoundToEnter | null>(null);
  const enter = ({ conversation, name, person }: RoundCallView) => setEntered({ conversation, name, people: view?.running.find((one) => one.conversation === conversation)?.people ?? [person] });
  const [first] = calls;
  useCommand(enterCommand, (event) => event.repeat || first === undefined || entered !== null || enter(first), { enabled: first !== undefined });
  const shares = view?.round?.screen.state === 'on' || view?.round?.screen.state === 'opening';
  useCallWords(calls, shares);
  useFocusKept(view && calls.length, fewer);
  // The list of running rounds has them.
  const listed = onScreen && view?.round === null;
  // In a round that screen has no list which they could lead to.
  const shown = listed ? [] : onScreen ? calls : calls.slice(0, mostLines);
  return (
    <>
      {shown.length > 0 && (
        <section className={styles['calls']} aria-label={m.round_calls()} data-testid="round-calls">
          {failure && (
            <Bar icon="danger" testId="call-failure" action={<IconButton icon="close" size="small" label={m.action_close()} onPress={forget} />}>
              <b>{failureWords(failure).what}</b> {failureWords(failure).act}
            </Bar>
          )}
          <ul>
            {shown.map((one) => (
              <CallLine key={one.conversation} call={one} unnamed={shares} enter={() => enter(one)} decline={() => void take({ step: 'decline', conversation: one.conversation })} />
            ))}
          </ul>
          {calls.length > shown.length && (
            <Button look="link" size="small" className={styles['more']} onPress={() => places.go({ screen: 'rounds' })} data-testid="calls-more">
              {m.round_call_more({ count: calls.length - shown.length })}
            </Button>
          )}
        </section>
      )}
      {entered && <BeforeDialog entered={entered} stays={stays} close={() => setEntered(null)} />}
    </>
  );
}

const fewer = (last: number, next: number) => next < last;

function CallLine({ call, unnamed, enter, decline }: { call: RoundCallView; unnamed: boolean; enter: () => void; decline: () => void }) {
  const words = callWords(call, unnamed);
  return (
    <li className={styles['line']} data-testid="round-call">
      <Icon name="camera" size="s" />
      <span className={styles['words']}>{words}</span>
      <Button size="small" look="primary" aria-label={`${m.round_before_do()}: ${words}`} onPress={enter} data-testid="call-enter">
        {m.round_before_do()}
      </Button>
      <Button size="small" aria-label={`${m.round_call_decline()}: ${words}`} onPress={decline} data-testid="call-decline">
        {m.round_call_decline()}
      </Button>
    </li>
  );
}

/** Each call is told once. */
function useCallWords(calls: readonly RoundCallView[], unnamed: boolean): void {
  const told = useRef<ReadonlySet<string>>(new Set());
  useEffect(() => {
    const before = told.current;
    told.current = new Set(calls.map((one) => one.conversation));
    const words = calls.filter((one) => !before.has(one.conversation)).map((one) => callWords(one, unnamed));
    if (words.length > 0) announce(words.join('. '));
  }, [calls, unnamed]);
}
