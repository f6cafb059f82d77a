/** What a list could not be made from: each source once, and never as if there were nothing. */
import type { Failure, GapView, ListSource } from '../host/contract';
import { m } from '../paraglide/messages';
import { EmptyLine } from './Empty';
import { FailureNotice } from './FailureNotice';
import styles from './Gaps.module.css';

const sourceWord: Record<ListSource, () => string> = {
  agenda: m.source_agenda,
  order: m.source_order,
  cases: m.source_cases,
  diagnoses: m.source_diagnoses,
  stages: m.source_stages,
  decisions: m.source_decisions,
  people: m.source_people,
  names: m.source_names,
  documents: m.source_documents,
  studies: m.source_studies,
  histology: m.source_histology,
  genes: m.source_genes,
  reports: m.source_reports,
  procedures: m.case_therapies,
  medication: m.case_medication,
  'adverse-events': m.source_adverse_events,
  course: m.kind_course,
};

export function Gaps({ gaps, retry }: { gaps: readonly GapView[]; retry: () => void }) {
  // One fault of the platform is told once, with all that it took.
  const failures = new Map<string, { failure: Failure; sources: string[] }>();
  for (const { source, state } of gaps) {
    if (state.state !== 'failed') continue;
    const known = failures.get(state.failure.code) ?? { failure: state.failure, sources: [] };
    known.sources.push(sourceWord[source]());
    failures.set(state.failure.code, known);
  }
  if (gaps.length === 0) return null;
  return (
    <div className={styles['gaps']} data-testid="gaps">
      {gaps.map(({ source, state }) => {
        const what = sourceWord[source]();
        switch (state.state) {
          case 'denied':
            return (
              <EmptyLine key={source} icon="locked">
                {m.state_denied({ what })}
              </EmptyLine>
            );
          case 'absent':
            return (
              <EmptyLine key={source} icon="info">
                {m.state_absent({ what })}
              </EmptyLine>
            );
          case 'ready':
          case 'empty':
            return (
              <EmptyLine key={source} icon="warn">
                {m.state_partly({ what })}
              </EmptyLine>
            );
          case 'failed':
          case 'loading':
            return null;
          default: {
            const unknown: never = state;
            return unknown;
          }
        }
      })}
      {[...failures.values()].map(({ failure, sources }) => (
        <FailureNotice key={failure.code} failure={failure} subject={sources.join(', ')} retry={retry} tone="warn" />
      ))}
    </div>
  );
}
