import type { ReactNode } from 'react';
import { classes } from './classes';
import { Icon, type IconName } from './icons';
import styles from './Notice.module.css';

type NoticeTone = 'plain' | 'ok' | 'warn' | 'danger' | 'accent';

const icons: Record<NoticeTone, IconName> = { plain: 'info', ok: 'ok', warn: 'warn', danger: 'danger', accent: 'info' };

/** Something to know, in its place. A fault is announced; the rest waits to be read. */
export function Notice({
  tone = 'plain',
  icon,
  title,
  children,
  actions,
  foot,
}: {
  tone?: NoticeTone;
  icon?: IconName;
  title?: ReactNode;
  children?: ReactNode;
  actions?: ReactNode;
  foot?: ReactNode;
}) {
  return (
    <div className={classes(styles['notice'], tone !== 'plain' && styles[tone])} role={tone === 'danger' ? 'alert' : undefined}>
      <Icon name={icon ?? icons[tone]} />
      <div className={styles['body']}>
        {title !== undefined && <div className={styles['title']}>{title}</div>}
        {children !== undefined && <div className={styles['text']}>{children}</div>}
        {actions !== undefined && <div className={styles['actions']}>{actions}</div>}
        {foot !== undefined && <div className={styles['code']}>{foot}</div>}
      </div>
    </div>
  );
}
