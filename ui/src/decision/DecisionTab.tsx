/** The screen "Beschluss": written, signed, or being amended. */

import { useEffect, type ReactNode } from 'react';
import { FailureNotice } from '../components/FailureNotice';
import { Skeleton } from '../components/Skeleton';
import type { DecisionView } from '../host/contract';
import { useDesk } from '../host/desk';
import { useStore } from '../host/store';
import { m } from '../paraglide/messages';
import styles from './Decision.module.css';
import { DecisionForm } from './DecisionForm';
import { SignedDecision } from './SignedDecision';

export function DecisionTab({ patient }: { patient: string }) {
  const desk = useDesk();
  const decision = useStore(desk.decision);
  useEffect(() => {
    desk.openDecision(patient);
  }, [desk, patient]);

  switch (decision.state) {
    case 'waiting':
      return (
        <Page>
          <Skeleton what={m.decision_decision()} since={decision.since} rows={6} />
        </Page>
      );
    case 'failed':
      return (
        <Page>
          <FailureNotice
            failure={decision.failure}
            retry={() => {
              desk.openDecision(patient);
            }}
          />
        </Page>
      );
    case 'here':
      // A draft carries its patient's id and is never shown under another one's banner.
      return decision.value.patient === patient ? <Decision key={patient} view={decision.value} /> : <Page />;
  }
}

function Page({ children }: { children?: ReactNode }) {
  return <div className={styles['page']}>{children}</div>;
}

function Decision({ view }: { view: DecisionView }) {
  switch (view.stage) {
    case 'draft':
    case 'signing':
    case 'amending':
      return <DecisionForm key={String(view.signature?.revision ?? 0)} view={view} />;
    case 'signed':
      return view.signature === null ? <Page /> : <SignedDecision view={view} signature={view.signature} />;
  }
}
