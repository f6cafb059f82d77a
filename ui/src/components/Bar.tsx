import type { ReactNode } from 'react';
import styles from './Bar.module.css';
import { Icon, type IconName } from './icons';

/** One line across the top of what it is about, as long as it holds. */
export function Bar({ icon, children, action, testId, spoken = false }: { icon: IconName; children: ReactNode; action?: ReactNode; testId: string; spoken?: boolean }) {
  return (
    <div className={styles['bar']} role={spoken ? 'status' : undefined} data-testid={testId}>
      <Icon name={icon} size="s" />
      <span className={styles['words']}>{children}</span>
      {action}
    </div>
  );
}
