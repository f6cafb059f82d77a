/** The lock is near: said once aloud and shown with the seconds that are left. Any input keeps the desk open. */
import { useEffect } from 'react';
import { announce } from '../components/announce';
import { Button } from '../components/Button';
import { Icon } from '../components/icons';
import { TopLayer } from '../components/TopLayer';
import { useDesk } from '../host/desk';
import { useStore } from '../host/store';
import { useNow } from '../i18n/clock';
import { m } from '../paraglide/messages';
import styles from './LockWarning.module.css';

export function LockWarning() {
  const session = useStore(useDesk().session);
  const locksAt = session.state === 'signed-in' ? session.locksAt : null;
  useEffect(() => {
    if (locksAt !== null) announce(m.session_lock_soon_spoken(), 'assertive');
  }, [locksAt]);
  if (locksAt === null) return null;
  return (
    <TopLayer>
      <Countdown locksAt={locksAt} />
    </TopLayer>
  );
}

function Countdown({ locksAt }: { locksAt: string }) {
  const desk = useDesk();
  const now = useNow(1000);
  const left = Math.max(0, Math.ceil((new Date(locksAt).getTime() - now.getTime()) / 1000));
  return (
    <section className={styles['warning']} aria-label={m.session_lock_near()} data-testid="lock-warning">
      <Icon name="locked" />
      <span className={styles['words']}>
        <b>{m.session_lock_soon({ seconds: left })}</b> {m.session_lock_soon_what()}
      </span>
      <Button size="small" onPress={() => void desk.host.call({ type: 'touch' }).catch(() => undefined)}>
        {m.session_stay()}
      </Button>
    </section>
  );
}
