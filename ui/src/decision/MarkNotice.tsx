/** "Vorgemerkt": what stands in the place of the signature while it waits, and what is said when the mark is withdrawn. */

import { useState } from 'react';
import { Button } from '../components/Button';
import { FailureNotice } from '../components/FailureNotice';
import { Kbd } from '../components/Kbd';
import { Notice } from '../components/Notice';
import type { DecisionView, Failure } from '../host/contract';
import { useDesk } from '../host/desk';
import { asFailure, ask } from '../host/host';
import { dateTime } from '../i18n/format';
import { m } from '../paraglide/messages';
import styles from './Decision.module.css';
import { markFields, type StandingMark } from './marks';

export type MarkActions = { confirm: () => void; withdraw: () => void };

export function MarkedNotice({ mark: { state, by, at }, actions, focused }: { mark: StandingMark; actions: MarkActions; focused: boolean }) {
  return (
    <>
      <Notice tone="warn" icon="clock" title={m.decision_marked()}>
        <p data-testid="marked-by">{m.decision_marked_by({ name: by, at: dateTime(at) })}</p>
        <p role="status" data-testid="mark" data-state={state}>
          {state === 'ready' ? m.decision_mark_ready() : m.decision_mark_waits()}
        </p>
      </Notice>
      <div className={styles['sign']}>
        {state === 'ready' && (
          <Button look="primary" size="large" wide icon="sign" onPress={actions.confirm} data-testid="confirm-mark">
            {m.decision_mark_confirm()}
          </Button>
        )}
        <Button wide autoFocus={focused} onPress={actions.withdraw} data-testid="withdraw-mark">
          {m.decision_mark_withdraw()}
        </Button>
        {state === 'ready' && (
          <p className={styles['hint']}>
            <Kbd keys="mod+u" />
          </p>
        )}
      </div>
    </>
  );
}

/** Said until the person says that they know. Its button goes with it, so that `takeFocus` is called before. */
export function WithdrawnNotice({ view: { patient, mark, draft, signature }, takeFocus }: { view: DecisionView; takeFocus: () => void }) {
  const desk = useDesk();
  const [failure, setFailure] = useState<Failure>();
  if (mark?.state !== 'withdrawn') return null;
  const known = () => {
    setFailure(undefined);
    ask(desk.host, { type: 'withdraw-mark', patient }, 'decision').then(
      (answer) => {
        takeFocus();
        desk.takeDecision(answer);
      },
      (error: unknown) => {
        setFailure(asFailure(error));
      },
    );
  };
  const words = { at: dateTime(mark.at), fields: markFields(mark.fields, draft) };
  return (
    <>
      {failure !== undefined && <FailureNotice failure={failure} />}
      <Notice
        tone="warn"
        title={m.decision_mark_gone()}
        actions={
          <Button size="small" onPress={known} data-testid="mark-known">
            {m.decision_mark_known()}
          </Button>
        }
      >
        <p role="status" data-testid="mark" data-state="withdrawn">
          {signature === null ? m.decision_mark_gone_what(words) : m.decision_mark_gone_signed(words)}
        </p>
      </Notice>
    </>
  );
}
