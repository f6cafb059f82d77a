import { useState } from 'react';
import { Button, IconButton } from '../components/Button';
import { Tooltip } from '../components/Tooltip';
import { usePlaces } from '../frame/place';
import { useDesk } from '../host/desk';
import { useStore } from '../host/store';
import { m } from '../paraglide/messages';
import { BeforeDialog } from './Before';
import { goesOn } from './roundsView';

/** A round about a case goes on and this person is not in it: the way in, beside whatever of the case is being read. */
export function CaseRoundButton({ patient }: { patient: string }) {
  const rounds = useStore(useDesk().rounds);
  const going = rounds.state === 'here' ? rounds.value.running.find((one) => one.patient === patient && one.conversation !== rounds.value.round?.conversation) : undefined;
  return going ? <RoundButton conversation={going.conversation} name={going.name} mayBegin={false} stays /> : null;
}

/** The way from a conversation into its round: to begin one, to enter the one that goes on, or back to it. */
export function RoundButton({ conversation, name, mayBegin, stays = false }: { conversation: string; name: string; /** Whether a round can be begun here. */ mayBegin: boolean; stays?: boolean }) {
  const places = usePlaces();
  const rounds = useStore(useDesk().rounds);
  const [asks, setAsks] = useState(false);
  if (rounds.state !== 'here') return null;
  const { round, running, offered } = rounds.value;
  const going = running.find((one) => one.conversation === conversation);
  const inIt = round?.conversation === conversation && (round.phase.phase === 'entering' || goesOn(round));
  return (
    <>
      {inIt ? (
        <Button size="small" icon="camera" onPress={() => places.go({ screen: 'rounds' })} data-testid="round-to">
          {m.round_to()}
        </Button>
      ) : going ? (
        <Button size="small" look="primary" icon="camera" onPress={() => setAsks(true)} data-testid="round-enter">
          {m.round_enter_count({ count: going.people.length })}
        </Button>
      ) : (
        offered &&
        mayBegin && (
          <Tooltip text={m.round_begin()}>
            <IconButton icon="camera" label={m.round_begin()} onPress={() => setAsks(true)} data-testid="round-begin" />
          </Tooltip>
        )
      )}
      {asks && <BeforeDialog entered={{ conversation, name, people: going?.people ?? [] }} stays={stays} close={() => setAsks(false)} />}
    </>
  );
}
