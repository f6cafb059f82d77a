import type { ReactNode } from 'react';
import styles from './Empty.module.css';
import { Icon, type IconName } from './icons';

/** Nothing here: one icon, one sentence, one next step. */
export function Empty({ icon = 'ok', title, children, actions }: { icon?: IconName; title: string; children?: ReactNode; actions?: ReactNode }) {
  return (
    <div className={styles['empty']}>
      <Icon name={icon} size="l" />
      <div className={styles['title']}>{title}</div>
      {children !== undefined && <div className={styles['text']}>{children}</div>}
      {actions !== undefined && <div className={styles['actions']}>{actions}</div>}
    </div>
  );
}

/** The same in one line, for a part of a screen. */
export function EmptyLine({ icon, children }: { icon: IconName; children: ReactNode }) {
  return (
    <p className={styles['line']}>
      <Icon name={icon} size="s" />
      <span>{children}</span>
    </p>
  );
}
