import { FailureNotice } from '../components/FailureNotice';
import { Mark } from '../components/icons';
import type { Failure, SettingsView } from '../host/contract';
import { useAppearance } from '../i18n/appearance';
import { speak } from '../i18n/language';
import { m } from '../paraglide/messages';
import styles from './session.module.css';

/** A fault before there is a desk: the program itself could not start, and nobody's settings can be read. */
export function StartFailed({ failure, look, retry }: { failure: Failure; look: Pick<SettingsView, 'theme' | 'language' | 'fontSize'>; retry: () => void }) {
  speak(look.language);
  useAppearance(look);
  return (
    <main className={styles['locked']} data-testid="start-failed">
      <div className={styles['lockedColumn']}>
        <Mark size={44} />
        <h1 className={styles['lockedTitle']}>{m.session_start_failed()}</h1>
        <div className={styles['lockedActions']}>
          <FailureNotice failure={failure} retry={retry} />
        </div>
      </div>
    </main>
  );
}
