import { m } from '../paraglide/messages';
import styles from './ReadOnly.module.css';

/** What somebody else has chosen, where this person may not choose. */
export function ReadOnly({ label, children }: { label: string; children: string | undefined }) {
  return (
    <span className={styles['value']} data-unset={children === undefined}>
      <span className="visually-hidden">{label} </span>
      {children ?? m.decision_nothing()}
    </span>
  );
}
