/** Somebody's tile: their picture or initials, their name, and in words whatever is not as it should be. */
import { useState } from 'react';
import { Button, IconButton } from '../components/Button';
import { classes } from '../components/classes';
import { Icon, type IconName } from '../components/icons';
import { Tooltip } from '../components/Tooltip';
import type { RoundPersonView } from '../host/contract';
import { m } from '../paraglide/messages';
import { AllowDialog } from './Allow';
import { Picture } from './Pictures';
import styles from './Tile.module.css';
import { keyWords, personStates, workOf } from './words';

export type Shown = 'camera' | 'screen';

/** What makes it larger or smaller. */
export interface TileTurn {
  icon: IconName;
  label: string;
  /** It was asked for elsewhere, and is here instead. */
  came: boolean;
  run: () => void;
}

export function Tile({ person, name, shows = 'camera', away, small = false, turn }: { person: RoundPersonView; name: string; shows?: Shown; /** Nothing comes from them at the moment. */ away: boolean; small?: boolean; turn?: TileTurn | undefined }) {
  const [asks, setAsks] = useState(false);
  const key = keyWords(person.key);
  const picture = key === null ? person[shows] : null;
  const screen = shows === 'screen';
  const work = workOf(person);
  const title = screen ? (person.here ? m.round_screen_own() : m.round_screen_of({ name })) : name;
  return (
    <li
      className={classes(styles['tile'], small && styles['small'], screen && styles['screen'])}
      data-speaking={!screen && person.speaking ? '' : undefined}
      data-away={away && !person.here ? '' : undefined}
      data-testid={`tile-${person.id}${screen ? '-screen' : ''}`}
    >
      {picture ? (
        <Picture track={picture.track} fit={screen ? 'contain' : 'cover'} />
      ) : (
        <div className={styles['blank']}>
          <span className={styles['initials']} aria-hidden>
            {person.person.initials}
          </span>
          {key && (
            <div className={styles['key']} data-key={person.key}>
              <b>
                <Icon name={person.key === 'coming' ? 'clock' : person.key === 'failed' || person.key === 'unassigned' ? 'danger' : 'key'} size="s" />
                {key.word}
              </b>
              {key.text !== null && <span>{key.text}</span>}
              {person.key === 'unconfirmed' && (
                <Button size="small" onPress={() => setAsks(true)} data-testid={`allow-${person.id}`}>
                  {m.round_allow()}
                </Button>
              )}
            </div>
          )}
        </div>
      )}
      <span className={styles['top']}>
        {!screen && person.line === 'lost' ? (
          <Sign icon="offline" word={m.round_line_lost()} />
        ) : picture?.held === true ? (
          <Sign icon="warn" word={m.round_held()} />
        ) : (
          !screen && person.line === 'weak' && <Sign icon="warn" word={m.round_line_weak()} />
        )}
      </span>
      {!screen && person.hand !== null && (
        <span className={styles['hand']}>
          <Icon name="hand" size="s" />
          <span aria-hidden>{person.hand}</span>
          <span className="visually-hidden">{m.round_hand_place({ number: person.hand })}</span>
        </span>
      )}
      {turn && (
        <span className={styles['turn']}>
          <Tooltip text={turn.label}>
            <IconButton icon={turn.icon} size="small" label={turn.label} autoFocus={turn.came} onPress={turn.run} data-testid={`turn-${person.id}`} />
          </Tooltip>
        </span>
      )}
      <span className={styles['who']} title={work === '' || screen ? title : `${title} · ${work}`}>
        {title}
        {!screen && work !== '' && <span className={styles['work']}>{work}</span>}
      </span>
      {!screen && person.muted && key === null && (
        <span className={styles['muted']} title={m.round_muted()}>
          <Icon name="microphoneOff" size="s" />
        </span>
      )}
      {!screen && <span className="visually-hidden">{personStates(person).join(', ')}</span>}
      {asks && <AllowDialog person={person.id} name={name} close={() => setAsks(false)} />}
    </li>
  );
}

function Sign({ icon, word }: { icon: 'warn' | 'offline'; word: string }) {
  return (
    <span className={styles['sign']} title={word} aria-hidden>
      <Icon name={icon} size="s" />
      <span>{word}</span>
    </span>
  );
}
