import { useState } from 'react';
import { Button } from '../components/Button';
import { Dialog } from '../components/Dialog';
import { FailureNotice } from '../components/FailureNotice';
import { m } from '../paraglide/messages';
import styles from './Rounds.module.css';
import { useStep } from './useStep';

/** Hearing and seeing somebody whose device their owner has not confirmed is a decision, and says what it means. */
export function AllowDialog({ person, name, close }: { person: string; name: string; close: () => void }) {
  const { take, failure } = useStep();
  const [pending, setPending] = useState(false);
  const allow = () => {
    setPending(true);
    void take({ step: 'allow', person }).then((done) => (done ? close() : setPending(false)));
  };
  return (
    <Dialog
      title={m.round_allow_title({ name })}
      width={500}
      onClose={close}
      testId="allow-dialog"
      foot={
        <>
          <Button onPress={close} autoFocus data-testid="allow-not">
            {m.round_allow_not()}
          </Button>
          <Button look="primary" isPending={pending} onPress={allow} data-testid="allow-do">
            {m.round_allow_do()}
          </Button>
        </>
      }
    >
      {failure && <FailureNotice failure={failure} />}
      <div className={styles['paragraphs']}>
        <p>{m.round_allow_text({ name })}</p>
        <p>{m.round_allow_better({ name })}</p>
      </div>
    </Dialog>
  );
}
