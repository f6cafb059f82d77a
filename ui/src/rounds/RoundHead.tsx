/** What the head says while a round is shown: which, what protects it, and the ways to what it is about. */
import { IconButton } from '../components/Button';
import { Chip } from '../components/Chip';
import { Tooltip } from '../components/Tooltip';
import { usePlaces } from '../frame/place';
import { m } from '../paraglide/messages';
import styles from './RoundHead.module.css';
import { goesOn, useRound } from './roundsView';

export function RoundCrumb() {
  const round = useRound();
  if (round === null) return <b>{m.frame_rounds()}</b>;
  return (
    <>
      <b>{m.round_in()}</b>
      <span aria-hidden>·</span>
      <span className={styles['name']} title={round.name}>
        {round.name}
      </span>
    </>
  );
}

export function RoundChips() {
  const places = usePlaces();
  const round = useRound();
  if (!goesOn(round)) return null;
  const { conversation, patient } = round;
  return (
    <>
      <Tooltip text={m.round_to_chat()}>
        <IconButton icon="chat" label={m.round_to_chat()} onPress={() => places.go({ screen: 'messages', conversation })} data-testid="round-chat" />
      </Tooltip>
      {patient !== null && (
        <Tooltip text={m.round_to_case()}>
          <IconButton icon="cases" label={m.round_to_case()} onPress={() => places.openCase(patient)} data-testid="round-case" />
        </Tooltip>
      )}
      {round.recorded && (
        <Chip tone="danger" icon="danger" title={m.round_recorded_title()} testId="round-recorded">
          {m.round_recorded_chip()}
        </Chip>
      )}
      {!round.encrypted ? (
        <Chip tone="danger" icon="unlocked" testId="round-plain">
          {m.round_plain_chip()}
        </Chip>
      ) : (
        !round.recorded && (
          <Chip tone="outline" icon="locked" testId="round-private">
            {m.round_private_chip()}
          </Chip>
        )
      )}
    </>
  );
}
