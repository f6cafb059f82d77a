import { Button as Plain } from 'react-aria-components';
import { IconButton } from '../components/Button';
import { Chip } from '../components/Chip';
import { Icon } from '../components/icons';
import { Kbd } from '../components/Kbd';
import type { Place } from '../host/contract';
import { useDesk } from '../host/desk';
import { useStore } from '../host/store';
import { listName, time } from '../i18n/format';
import { m } from '../paraglide/messages';
import { RoundChips, RoundCrumb } from '../rounds/RoundHead';
import styles from './frame.module.css';
import { usePlace, usePlaces } from './place';
import { useKnownIdentity, useStepOrder } from './known';

const screenWord: Record<Exclude<Place['screen'], 'case'>, () => string> = {
  today: m.frame_today,
  cases: m.frame_cases,
  messages: m.frame_chat,
  rounds: m.frame_rounds,
  settings: m.frame_settings,
};

/** The path on the left, a status only when there is something to say, and the way to the command palette. */
export function Head({ openPalette, step }: { openPalette: () => void; step: (by: 1 | -1) => void }) {
  const place = usePlace();
  const places = usePlaces();
  const desk = useDesk();
  const connection = useStore(desk.connection);
  const order = useStepOrder(place.screen === 'case' ? place.patient : null);
  const origin = useStore(places.origin);
  const identity = useKnownIdentity(place.screen === 'case' ? place.patient : null);
  const at = place.screen === 'case' ? order.indexOf(place.patient) : -1;
  return (
    <header className={styles['head']}>
      <div className={styles['crumb']}>
        {place.screen === 'case' ? (
          <>
            <Plain className={styles['crumbLink'] ?? ''} onPress={() => places.go({ screen: origin })} data-testid="crumb-back">
              <Icon name="back" />
              <span>{origin === 'today' ? m.frame_today() : m.frame_cases()}</span>
            </Plain>
            <Icon name="next" size="s" />
            <b>{identity ? listName(identity) : m.case_opening()}</b>
          </>
        ) : place.screen === 'rounds' ? (
          <RoundCrumb />
        ) : (
          <b>{screenWord[place.screen]()}</b>
        )}
      </div>
      <span className={styles['grow']} />
      {place.screen === 'rounds' && <RoundChips />}
      {connection.state === 'offline' && (
        <Chip tone="warn" icon="offline" testId="offline-chip">
          {m.frame_offline_chip()}
        </Chip>
      )}
      {at >= 0 && order.length > 1 && (
        <div className={styles['stepper']}>
          <IconButton icon="back" size="small" label={m.case_previous()} isDisabled={at === 0} onPress={() => step(-1)} />
          <span>{m.case_of({ number: at + 1, count: order.length })}</span>
          <IconButton icon="next" size="small" label={m.case_next()} isDisabled={at === order.length - 1} onPress={() => step(1)} />
        </div>
      )}
      <Plain className={styles['search'] ?? ''} onPress={openPalette} data-testid="palette-button">
        <Icon name="search" size="s" />
        <span className={styles['grow']}>{m.frame_search()}</span>
        <Kbd keys="mod+k" />
      </Plain>
      <span className="visually-hidden" aria-live="polite">
        {connection.state === 'offline' ? m.frame_offline({ time: time(connection.since) }) : ''}
      </span>
    </header>
  );
}
