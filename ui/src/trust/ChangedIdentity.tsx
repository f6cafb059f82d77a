/** Somebody in the conversation has a new identity: nothing is sent until the person has decided. */
import { useState } from 'react';
import { Button } from '../components/Button';
import { FailureNotice } from '../components/FailureNotice';
import { Notice } from '../components/Notice';
import type { ChangedIdentityView, ConversationView, Failure, TrustStep } from '../host/contract';
import { useDesk } from '../host/desk';
import { asFailure } from '../host/host';
import { m } from '../paraglide/messages';
import styles from './trust.module.css';

/** One after the other: who is first is decided first. */
export function ChangedIdentity({ view }: { view: ConversationView }) {
  const [first] = view.changed;
  return first ? <Change key={first.person.id} conversation={view.id} changed={first} /> : null;
}

function Change({ conversation, changed }: { conversation: string; changed: ChangedIdentityView }) {
  const { host } = useDesk();
  const [pending, setPending] = useState<TrustStep['step'] | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const { name, id } = changed.person;
  const ask = (trust: TrustStep) => {
    setPending(trust.step);
    setFailure(null);
    host.call({ type: 'trust', trust }).then(
      () => setPending(null),
      (thrown: unknown) => {
        setPending(null);
        setFailure(asFailure(thrown));
      },
    );
  };
  return (
    <div className={styles['changed']} role="status" data-testid="identity-changed">
      <Notice
        tone="warn"
        title={m.identity_changed({ name })}
        actions={
          <>
            <Button size="small" look="primary" icon="shield" isPending={pending === 'verify-person'} onPress={() => ask({ step: 'verify-person', person: id })} data-testid="identity-compare">
              {m.trust_compare()}
            </Button>
            <Button size="small" isPending={pending === 'accept-identity'} onPress={() => ask({ step: 'accept-identity', conversation, person: id })} data-testid="identity-accept">
              {m.identity_accept()}
            </Button>
          </>
        }
      >
        {changed.wasConfirmed ? m.identity_changed_confirmed() : m.identity_changed_text()}
      </Notice>
      {failure && <FailureNotice failure={failure} />}
    </div>
  );
}
