import { Button } from '../components/Button';
import { copyText } from '../components/copy';
import { Spinner } from '../components/Spinner';
import type { SessionView } from '../host/contract';
import { useDesk } from '../host/desk';
import { useNow } from '../i18n/clock';
import { clock } from '../i18n/format';
import { defineCommand, useCommand } from '../keys/keys';
import { m } from '../paraglide/messages';
import { SessionPage } from './SignedOut';
import styles from './session.module.css';

const cancelCommand = defineCommand({ id: 'cancel-sign-in', keys: ['escape'], label: () => m.action_cancel(), group: 'everywhere' });

/** The browser has the page open; this one waits and goes on by itself. */
export function Waiting({ session }: { session: Extract<SessionView, { state: 'waiting' }> }) {
  const desk = useDesk();
  const now = useNow(1000);
  const remaining = clock(new Date(session.until).getTime() - now.getTime());
  const cancel = () => void desk.host.call({ type: 'cancel-sign-in' }).catch(() => undefined);
  useCommand(cancelCommand, cancel);
  return (
    <SessionPage title={m.session_waiting_title()} lead={m.session_waiting_lead()} support={session.platform}>
      <div className={styles['waiting']} role="status" data-testid="sign-in-waiting">
        <Spinner size={36} onSolid={false} />
        <div>
          <div className={styles['cardName']}>{m.session_waiting_for({ host: session.platform.signInHost })}</div>
          <div className={styles['remaining']} aria-live="off">
            {m.session_waiting_remaining({ time: remaining.text })}
          </div>
        </div>
      </div>
      <p className={styles['link']} tabIndex={0}>
        {session.link}
      </p>
      <div className={styles['buttons']}>
        <Button
          icon="copy"
          onPress={() => copyText(session.link)}
        >
          {m.session_copy_link()}
        </Button>
        <Button look="quiet" onPress={cancel} data-testid="sign-in-cancel">
          {m.action_cancel()}
        </Button>
      </div>
    </SessionPage>
  );
}
