import { Dialog } from '../components/Dialog';
import { EmptyLine } from '../components/Empty';
import { Icon } from '../components/icons';
import { toastHistory } from '../components/toasts';
import { useStore } from '../host/store';
import { time } from '../i18n/format';
import { m } from '../paraglide/messages';
import styles from './Messages.module.css';

/** "Meldungen": every short message since the start. */
export function Messages({ onClose }: { onClose: () => void }) {
  const messages = useStore(toastHistory);
  return (
    <Dialog title={m.frame_messages()} width={480} onClose={onClose} testId="messages">
      {messages.length === 0 ? (
        <EmptyLine icon="ok">{m.messages_none()}</EmptyLine>
      ) : (
        <ul>
          {messages.map((one) => (
            <li className={styles['line']} key={one.id}>
              <Icon name={one.icon ?? 'ok'} size="s" />
              <span className={styles['words']}>{one.text}</span>
              <span className={styles['time']}>{time(new Date(one.at).toISOString())}</span>
            </li>
          ))}
        </ul>
      )}
    </Dialog>
  );
}
