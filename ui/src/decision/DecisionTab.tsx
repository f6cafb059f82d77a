/** The screen "Beschluss": written, signed, or being amended. */

import { useEffect, useState, type ReactNode } from 'react';
import { FailureNotice } from '../components/FailureNotice';
import { Skeleton } from '../components/Skeleton';
import type { DecisionEntryView, DecisionView } from '../host/contract';
import { useDesk } from '../host/desk';
import { useStore } from '../host/store';
import { m } from '../paraglide/messages';
import styles from './Decision.module.css';
import { DecisionForm } from './DecisionForm';
import { EarlierDecision, EarlierDecisions } from './EarlierDecisions';
import { SignedDecision } from './SignedDecision';

/** The decision that is open, and above it the way to the earlier ones of the case. */
export function DecisionTab({ patient }: { patient: string }) {
  return <Tab key={patient} patient={patient} />;
}

function Tab({ patient }: { patient: string }) {
  const desk = useDesk();
  const record = useStore(desk.caseView);
  const [read, setRead] = useState<DecisionEntryView>();
  const [left, setLeft] = useState<string>();
  if (read !== undefined) {
    const back = () => {
      setLeft(read.id);
      setRead(undefined);
    };
    return <EarlierDecision key={read.id} patient={patient} entry={read} back={back} />;
  }
  return (
    <>
      {record.state === 'here' && record.value.patient === patient && (
        <EarlierDecisions part={record.value.decisions} left={left} read={setRead} retry={() => { desk.openCase(patient); }} />
      )}
      <Current patient={patient} />
    </>
  );
}

function Current({ patient }: { patient: string }) {
  const desk = useDesk();
  const decision = useStore(desk.decision);
  useEffect(() => {
    desk.openDecision(patient);
  }, [desk, patient]);

  switch (decision.state) {
    case 'waiting':
      return (
        <Page>
          <Skeleton what={m.decision_decision()} since={decision.since} rows={6} retry={() => { desk.openDecision(patient); }} />
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
    case 'countersigning':
      return view.signature === null ? <Page /> : <SignedDecision view={view} />;
  }
}
