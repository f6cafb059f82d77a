import { PartView } from '../components/PartView';
import type { CaseView } from '../host/contract';
import { dateTime } from '../i18n/format';
import { m } from '../paraglide/messages';
import styles from './case.module.css';
import { newestLabTime } from './caseView';
import { LabTable } from './LabTable';
import { Section } from './Section';

export function Laboratory({ view, retry }: { view: CaseView; retry: () => void }) {
  const newest = view.laboratory.state === 'ready' ? newestLabTime(view.laboratory.value) : null;
  return (
    <div className={styles['scroll']}>
      <div className={styles['narrowPage']}>
        <Section title={m.case_tab_laboratory()} aside={newest === null ? undefined : m.lab_newest({ at: dateTime(newest) })}>
          <PartView part={view.laboratory} rows={10} words={{ what: m.case_what_laboratory(), empty: m.case_empty_laboratory() }} retry={retry}>
            {(series) => <LabTable series={series} dates trendWidth={200} />}
          </PartView>
        </Section>
      </div>
    </div>
  );
}
