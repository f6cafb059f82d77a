/** A file as a card: what it is, how far it is, what can be done with it. */
import type { ReactNode } from 'react';
import { classes } from '../components/classes';
import { Icon, type IconName } from '../components/icons';
import { nameParts } from '../host/fileKinds';
import { m } from '../paraglide/messages';
import styles from './Files.module.css';

export function FileCard({
  icon,
  picture,
  side,
  name,
  aside,
  about,
  tone = 'plain',
  mark,
  progress,
  actions,
  children,
  ...rest
}: {
  icon: IconName;
  /** In place of the icon. */
  picture?: ReactNode;
  /** Along the whole card, in place of both. */
  side?: ReactNode;
  name: string;
  /** At the end of the name's line. */
  aside?: string | undefined;
  about?: ReactNode;
  tone?: 'plain' | 'warn' | 'danger';
  /** Before the words about it. */
  mark?: IconName | undefined;
  /** A part of one; null while the whole is not known. */
  progress?: number | null;
  actions?: ReactNode;
  children?: ReactNode;
  'data-testid'?: string;
  'data-state'?: string;
  'data-percent'?: number;
}) {
  const content = (
    <>
      <div className={styles['cardRow']}>
        {side === undefined &&
          (picture ?? (
            <span className={styles['cardIcon']}>
              <Icon name={icon} />
            </span>
          ))}
        <div className={styles['cardWords']}>
          <div className={styles['cardName']}>
            <FileName name={name} />
            {aside !== undefined && <span className={styles['cardAside']}>{aside}</span>}
          </div>
          {progress !== undefined && <Progress part={progress} label={m.file_progress({ name })} />}
          {about !== undefined && about !== '' && (
            <p className={classes(styles['cardAbout'], tone !== 'plain' && styles[tone])}>
              {mark !== undefined && <Icon name={mark} size="s" />}
              <span>{about}</span>
            </p>
          )}
        </div>
        {actions !== undefined && <div className={styles['cardActions']}>{actions}</div>}
      </div>
      {children}
    </>
  );
  return side === undefined ? (
    <div className={styles['card']} {...rest}>
      {content}
    </div>
  ) : (
    <div className={classes(styles['card'], styles['sided'])} {...rest}>
      {side}
      <div className={styles['beside']}>{content}</div>
    </div>
  );
}

/** A long name is cut before its ending: what a file is stays readable. */
export function FileName({ name }: { name: string }) {
  const { stem, ending } = nameParts(name);
  return (
    <b className={styles['name']} title={name} dir="ltr">
      <span className={styles['stem']}>{stem}</span>
      {ending}
    </b>
  );
}

export function Progress({ part, label }: { part: number | null; label: string }) {
  const value = part === null ? undefined : Math.floor(part * 100);
  return (
    <div className={styles['progress']} role="progressbar" aria-label={label} aria-valuemin={0} aria-valuemax={100} aria-valuenow={value}>
      <div className={styles['progressDone']} style={{ transform: `scaleX(${part ?? 0})` }} />
    </div>
  );
}
