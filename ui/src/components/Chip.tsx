import type { ReactNode } from 'react';
import styles from './Chip.module.css';
import { classes } from './classes';
import { Icon, type IconName } from './icons';

export type Tone = 'plain' | 'ok' | 'warn' | 'danger' | 'accent' | 'present' | 'outline';

/** A state in a word, with a shape and a colour beside it. */
export function Chip({ tone = 'plain', icon, title, children, testId }: { tone?: Tone; icon?: IconName; title?: string | undefined; children: ReactNode; testId?: string }) {
  return (
    <span className={classes(styles['chip'], tone !== 'plain' && styles[tone])} title={title} data-testid={testId}>
      {icon && <Icon name={icon} size="xs" />}
      {children}
    </span>
  );
}
