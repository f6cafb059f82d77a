import { FailureNotice } from '../components/FailureNotice';
import { Mark } from '../components/icons';
import type { Failure } from '../host/contract';
import styles from './session.module.css';

/** A fault before there is a desk: the program itself could not start. */
export function StartFailed({ failure, retry }: { failure: Failure; retry: () => void }) {
  return (
    <main className={styles['locked']}>
      <div className={styles['lockedColumn']}>
        <Mark size={44} />
        <div className={styles['lockedActions']}>
          <FailureNotice failure={failure} retry={retry} />
        </div>
      </div>
    </main>
  );
}
