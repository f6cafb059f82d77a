import type { ReactNode } from 'react';
import styles from './case.module.css';

/** A part of a case under its title. */
export function Section({ title, aside, children, testId }: { title: string; aside?: ReactNode; children: ReactNode; testId?: string }) {
  return (
    <section data-testid={testId}>
      <div className={styles['sectionHead']}>
        <h2 className={styles['sectionTitle']}>{title}</h2>
        {aside !== undefined && <span className={styles['sectionAside']}>{aside}</span>}
      </div>
      {children}
    </section>
  );
}
