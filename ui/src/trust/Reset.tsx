/** A new identity: the last resort when neither the recovery key nor another device is left. */
import { useState } from 'react';
import { Button } from '../components/Button';
import { Checkbox } from '../components/Checkbox';
import { Dialog } from '../components/Dialog';
import { Notice } from '../components/Notice';
import { toast } from '../components/toasts';
import type { ProofGiven, TrustStep } from '../host/contract';
import { m } from '../paraglide/messages';
import { useProof } from './Proof';
import styles from './trust.module.css';

const step = (proof: ProofGiven | null): TrustStep => ({ step: 'reset-identity', proof });

export function ResetDialog({ close }: { close: () => void }) {
  const [sure, setSure] = useState(false);
  const proof = useProof(step, () => {
    toast({ text: m.reset_done(), icon: 'key' });
    close();
  });
  return (
    <Dialog
      title={m.reset_title()}
      width={560}
      onClose={() => !proof.pending && close()}
      testId="reset"
      foot={
        <>
          <Button onPress={() => !proof.pending && close()} data-testid="reset-leave">
            {m.action_cancel()}
          </Button>
          <Button look="danger" isPending={proof.pending} isDisabled={!sure || !proof.ready} onPress={proof.go} data-testid="reset-now">
            {proof.browser ? m.proof_done() : m.reset_now()}
          </Button>
        </>
      }
    >
      <div className={styles['text']}>
        <Notice tone="warn" title={m.reset_lost()}>
          {m.reset_lost_text()}
        </Notice>
        <p>{m.reset_others()}</p>
        <Checkbox checked={sure} onChange={setSure} testId="reset-sure">
          {m.reset_sure()}
        </Checkbox>
        {proof.fields}
      </div>
    </Dialog>
  );
}
