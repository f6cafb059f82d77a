/** A fault in its three parts: what happened, what is safe, what to do. */
import { useEffect, type ReactNode } from 'react';
import { noteForLog } from '../host/faults';
import type { Failure } from '../host/contract';
import { codeForIt, failureWords } from '../i18n/failure';
import { m } from '../paraglide/messages';
import { Button } from './Button';
import { copyText } from './copy';
import { Notice } from './Notice';
import styles from './FailureNotice.module.css';
import { RetryLine } from './retry';

export function FailureNotice({
  failure,
  subject,
  retry,
  until = null,
  actions,
  tone = 'danger',
}: {
  failure: Failure;
  /** What is not here because of it, where its place does not tell. */
  subject?: string;
  retry?: (() => void) | undefined;
  /** When it is asked for again by itself. */
  until?: number | null;
  actions?: ReactNode;
  tone?: 'danger' | 'warn';
}) {
  const words = failureWords(failure);
  const code = codeForIt(failure);
  useNoted(failure, code);
  return (
    <Notice
      tone={tone}
      title={subject === undefined ? words.what : `${m.state_failed_short({ what: subject })}. ${words.what}`}
      actions={
        retry || actions !== undefined ? (
          <>
            {retry && (
              <Button size="small" icon="reload" onPress={retry}>
                {m.action_retry()}
              </Button>
            )}
            {actions}
          </>
        ) : undefined
      }
      foot={<CodeForIt code={code} />}
    >
      <p>
        <b>{m.failure_safe_is()}</b> {words.safe}
      </p>
      <p className={styles['act']}>{words.act}</p>
      {until !== null && <RetryLine until={until} />}
    </Notice>
  );
}

/** The code under which IT finds the fault in the log; a press copies it. */
export function CodeForIt({ code }: { code: string }) {
  return (
    <span className={styles['code']}>
      {m.failure_code_for_it({ code })}
      <Button
        look="link"
        size="small"
        onPress={() => copyText(code)}
      >
        {m.action_copy()}
      </Button>
    </span>
  );
}

export function useNoted(failure: Failure, code: string): void {
  useEffect(() => {
    noteForLog(`shown ${code} ${failure.code}`);
  }, [failure.code, code]);
}
