import { useState } from 'react';
import { BrowserLink } from '../components/BrowserLink';
import { Button } from '../components/Button';
import { FailureNotice } from '../components/FailureNotice';
import { Icon } from '../components/icons';
import type { Failure, SessionView } from '../host/contract';
import { isFixed, useDesk, useSettings } from '../host/desk';
import { asFailure } from '../host/host';
import { time } from '../i18n/format';
import { m } from '../paraglide/messages';
import styles from './session.module.css';

/** Nothing of a patient is on the page; the way back leads through the browser. */
export function Locked({ session }: { session: Extract<SessionView, { state: 'locked' }> }) {
  const desk = useDesk();
  const settings = useSettings();
  const [asking, setAsking] = useState(false);
  const [refused, setRefused] = useState<Failure | null>(null);
  const unlock = () => {
    setAsking(true);
    setRefused(null);
    desk.host
      .call({ type: 'unlock' })
      .catch((thrown: unknown) => setRefused(asFailure(thrown)))
      .finally(() => setAsking(false));
  };
  const failure = refused ?? session.failure;
  return (
    <main className={styles['locked']} data-testid="locked">
      <div className={styles['lockedColumn']}>
        <span className={styles['face']} aria-hidden>
          {session.person.initials}
        </span>
        <h1 className={styles['lockedTitle']}>{m.session_locked_title()}</h1>
        <p className={styles['lockedWho']}>{m.session_locked_since({ name: session.person.name, time: time(session.since) })}</p>
        {session.inRound && (
          <p className={styles['lockedRound']} data-testid="locked-round">
            <Icon name="microphoneOff" size="s" />
            {m.session_locked_round()}
          </p>
        )}
        <div className={styles['lockedActions']}>
          <Button look="primary" size="large" wide icon="locked" iconAfter="out" onPress={unlock} isPending={asking || session.waiting} autoFocus data-testid="unlock-button">
            {m.session_unlock()}
          </Button>
          {session.waiting && (
            <p className={styles['remaining']} role="status">
              {m.session_unlock_waiting()}
            </p>
          )}
          {session.link !== null && <BrowserLink link={session.link} hint />}
          {failure && !session.waiting && <FailureNotice failure={failure} />}
          <div>
            <Button look="link" onPress={() => void desk.host.call({ type: 'sign-out' }).catch((thrown: unknown) => setRefused(asFailure(thrown)))}>
              {m.session_switch_person()}
            </Button>
          </div>
        </div>
      </div>
      <p className={styles['lockedFoot']}>
        {isFixed(settings, 'lockAfterMinutes')
          ? m.session_lock_after_fixed({ minutes: settings.lockAfterMinutes })
          : m.session_lock_after({ minutes: settings.lockAfterMinutes })}
      </p>
    </main>
  );
}
