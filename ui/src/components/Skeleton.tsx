import { useEffect, useState, type ReactNode } from 'react';
import { m } from '../paraglide/messages';
import { Button } from './Button';
import styles from './Skeleton.module.css';

const marks = [300, 2000, 8000] as const;
const widths = ['62%', '48%', '70%', '55%', '40%', '66%'];

/** The last of the moments at which something is said of a wait, in milliseconds since it began; 0 before the first. */
export function useWaited(since: number | undefined): 0 | 300 | 2000 | 8000 {
  const [begun] = useState(() => since ?? performance.now());
  const [waited, setWaited] = useState(() => performance.now() - begun);
  useEffect(() => {
    const next = marks.find((mark) => mark > waited);
    if (next === undefined) return undefined;
    const timer = window.setTimeout(() => setWaited(performance.now() - begun), Math.max(20, next - waited + 5));
    return () => window.clearTimeout(timer);
  }, [begun, waited]);
  return marks.findLast((mark) => mark <= waited) ?? 0;
}

/**
 * Waiting: nothing for 300 ms, then the shape of what comes; from 2 s what is being loaded, from 8 s why it takes
 * long and what can be done.
 */
export function Skeleton({ rows = 3, what, since, retry, actions }: { rows?: number; what: string; since?: number; retry?: (() => void) | undefined; actions?: ReactNode }) {
  const waited = useWaited(since);
  if (waited < 300) return <div aria-busy="true" />;
  return (
    <div className={styles['skeleton']} aria-busy="true" data-testid="skeleton">
      {Array.from({ length: rows }, (_, at) => (
        <span className={styles['row']} key={at} aria-hidden>
          <span className={styles['bone']} style={{ width: widths[at % widths.length] }} />
          <span className={`${styles['bone']} ${styles['end']}`} />
        </span>
      ))}
      {waited >= 2000 && (
        <p className={styles['words']} role="status">
          {waited >= 8000 ? m.state_loading_long({ what }) : m.state_loading({ what })}
        </p>
      )}
      {waited >= 8000 && (retry !== undefined || actions !== undefined) && (
        <div className={styles['retry']}>
          {retry !== undefined && (
            <Button size="small" icon="reload" onPress={retry}>
              {m.action_retry()}
            </Button>
          )}
          {actions}
        </div>
      )}
    </div>
  );
}
