import type { ReactNode } from 'react';
import { Icon } from '../components/icons';
import { m } from '../paraglide/messages';
import styles from './Settings.module.css';

/** A setting. One that IT has fixed keeps its value visible, with the reason. */
export function PolicyRow({ name, text, fixed, value, children }: { name: string; text?: string; fixed?: boolean; value?: string; children?: ReactNode }) {
  return (
    <div className={styles['row']}>
      <div className={styles['rowWords']}>
        <div className={styles['rowName']}>{name}</div>
        {text !== undefined && <div className={styles['rowText']}>{text}</div>}
        {fixed === true && (
          <span className={styles['fixed']}>
            <Icon name="locked" size="xs" />
            {m.settings_fixed()}
          </span>
        )}
      </div>
      {fixed === true ? (
        <span className={styles['fixedValue']}>
          {value}
          <Icon name="locked" size="s" />
        </span>
      ) : (
        children
      )}
    </div>
  );
}
