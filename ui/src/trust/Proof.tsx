/** What a homeserver does only once it knows who asks: by the password of the account, or in the browser. */
import { type ReactNode, useState } from 'react';
import { FailureNotice } from '../components/FailureNotice';
import { Field } from '../components/Field';
import { Notice } from '../components/Notice';
import type { Failure, ProofGiven, ProofWantedView, TrustStep } from '../host/contract';
import { useDesk } from '../host/desk';
import { asFailure } from '../host/host';
import { m } from '../paraglide/messages';

interface Proving {
  /** Asks, or asks again with what was typed. */
  go: () => void;
  pending: boolean;
  /** Whether there is enough to ask with. */
  ready: boolean;
  /** The browser has been opened, and the person comes back from it. */
  browser: boolean;
  fields: ReactNode;
}

export function useProof(step: (proof: ProofGiven | null) => TrustStep, done: () => void): Proving {
  const { host } = useDesk();
  const [wanted, setWanted] = useState<ProofWantedView | null>(null);
  const [password, setPassword] = useState('');
  const [pending, setPending] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const go = () => {
    if (pending) return;
    setPending(true);
    setFailure(null);
    const proof: ProofGiven | null = wanted === null ? null : wanted.way === 'password' ? { way: 'password', session: wanted.session, password } : { way: 'browser', session: wanted.session };
    host.call({ type: 'trust', trust: step(proof) }).then(
      (reply) => {
        setPending(false);
        setPassword('');
        if (reply.type === 'proof-wanted') setWanted(reply.value);
        else done();
      },
      (thrown: unknown) => {
        setPending(false);
        // What was begun may have expired: the next attempt begins anew.
        setWanted(null);
        setPassword('');
        setFailure(asFailure(thrown));
      },
    );
  };
  const byPassword = wanted?.way === 'password';
  return {
    go,
    pending,
    ready: !byPassword || password !== '',
    browser: wanted?.way === 'browser',
    fields: (
      <>
        {failure && <FailureNotice failure={failure} />}
        {byPassword && (
          <div onKeyDown={(event) => event.key === 'Enter' && event.target instanceof HTMLInputElement && password !== '' && go()}>
            <Field label={m.proof_password()} hint={m.proof_password_hint()} type="password" value={password} onChange={setPassword} error={wanted.again && password === '' ? m.proof_wrong() : undefined} autoFocus testId="proof-password" />
          </div>
        )}
        {wanted?.way === 'browser' && <Notice icon="out">{wanted.again ? m.proof_browser_again() : m.proof_browser()}</Notice>}
      </>
    ),
  };
}
