/** What is to be said about the case of a conversation: one that cannot be opened, or several. */
import { useState } from 'react';
import { Button } from '../components/Button';
import { FailureNotice } from '../components/FailureNotice';
import { Notice } from '../components/Notice';
import { Bar } from '../components/Bar';
import { usePlaces } from '../frame/place';
import type { ConversationView, Failure } from '../host/contract';
import { useDesk } from '../host/desk';
import { asFailure } from '../host/host';
import { m } from '../paraglide/messages';
import { caseWords } from './caseOf';
import styles from './CaseBar.module.css';

export function CaseBar({ view }: { view: ConversationView }) {
  const [only, ...others] = view.cases;
  if (!only) return null;
  if (others.length > 0) return <Contested view={view} />;
  if (only.access.access === 'open' || only.access.access === 'unknown') return null;
  return (
    <Bar icon="info" testId="conversation-case">
      {caseWords(only)}
    </Bar>
  );
}

/** People say different things: nothing is followed until somebody decides. */
function Contested({ view }: { view: ConversationView }) {
  const { host } = useDesk();
  const places = usePlaces();
  const [pending, setPending] = useState<string | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const decide = (patient: string) => {
    setPending(patient);
    setFailure(null);
    host.call({ type: 'link-case', conversation: view.id, patient }).then(
      () => setPending(null),
      (thrown: unknown) => {
        setPending(null);
        setFailure(asFailure(thrown));
      },
    );
  };
  return (
    <div className={styles['contested']} data-testid="conversation-cases">
      <Notice tone="warn" title={m.chat_case_several()}>
        <p>{view.mayLink ? m.chat_case_several_decide() : m.chat_case_several_ask()}</p>
        <ul className={styles['cases']}>
          {view.cases.map((one, at) => {
            const known = one.access.access === 'open' ? one.access : null;
            return (
              <li key={known?.patient ?? at}>
                <span className={styles['name']}>{caseWords(one)}</span>
                {known && (
                  <Button size="small" onPress={() => places.openCase(known.patient)} data-testid={`case-open-${known.patient}`}>
                    {m.chat_case_open()}
                  </Button>
                )}
                {known && view.mayLink && (
                  <Button size="small" look="primary" isPending={pending === known.patient} onPress={() => decide(known.patient)} data-testid={`case-decide-${known.patient}`}>
                    {m.chat_case_decide()}
                  </Button>
                )}
              </li>
            );
          })}
        </ul>
      </Notice>
      {failure && <FailureNotice failure={failure} />}
    </div>
  );
}
