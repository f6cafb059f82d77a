/** What will be signed, in full and exactly, before anything is signed; then waiting for the browser. */

import { useCallback, useEffect, useRef, useState } from 'react';
import { BrowserLink } from '../components/BrowserLink';
import { Button } from '../components/Button';
import { Dialog } from '../components/Dialog';
import { FailureNotice } from '../components/FailureNotice';
import { Skeleton } from '../components/Skeleton';
import { Spinner } from '../components/Spinner';
import type { DecisionView, Failure, PayloadLineView, PersonChoiceView, SigningPreviewView } from '../host/contract';
import { useDesk } from '../host/desk';
import { asFailure, ask } from '../host/host';
import { m } from '../paraglide/messages';
import { comesBack } from './marks';
import { checksumGroups, payloadGroups } from './payload';
import styles from './SigningDialog.module.css';
import { groupWord, isNothing, pathWord, payloadValueWord } from './words';

export function SigningDialog({
  view,
  confirmed,
  marked,
  close,
}: {
  view: DecisionView;
  /** Hash of what the person has marked, if this dialog is to confirm it: exactly that is signed without another question. */
  confirmed?: string | undefined;
  /** The person has marked it. */
  marked?: () => void;
  close: () => void;
}) {
  const desk = useDesk();
  const { patient, stage } = view;
  const [preview, setPreview] = useState<SigningPreviewView>();
  const [failure, setFailure] = useState<Failure>();
  const [pending, setPending] = useState(false);
  const [marking, setMarking] = useState(false);
  const [tried, setTried] = useState(false);
  const waiting = stage === 'signing' || stage === 'countersigning';

  const begin = useCallback(
    (sha256: string) => {
      setFailure(undefined);
      setPending(true);
      setTried(true);
      desk.host.call({ type: 'sign-decision', patient, sha256 }).catch((error: unknown) => {
        setPending(false);
        setFailure(asFailure(error));
      });
    },
    [desk, patient],
  );

  // What it was opened for, whatever becomes of the mark meanwhile.
  const [confirming] = useState(confirmed);
  useEffect(() => {
    let current = true;
    ask(desk.host, { type: 'preview-signing', patient }, 'signing-preview').then(
      (answer) => {
        if (!current) return;
        setPreview(answer);
        if (answer.outOfReach === null && answer.sha256 === confirming) begin(answer.sha256);
      },
      (error: unknown) => {
        if (current) setFailure(asFailure(error));
      },
    );
    return () => {
      current = false;
    };
  }, [desk, patient, confirming, begin]);

  // The browser was left or refused: the draft is a draft again, and the preview may be signed anew.
  const wasWaiting = useRef(waiting);
  useEffect(() => {
    if (wasWaiting.current && !waiting) setPending(false);
    wasWaiting.current = waiting;
  }, [waiting]);

  const outOfReach = preview?.outOfReach ?? undefined;
  // What a former attempt failed of says nothing about this one.
  const told = failure ?? (tried && !waiting && !pending ? (view.failure ?? undefined) : undefined);
  const why = outOfReach ?? (told !== undefined && comesBack(told) ? told : undefined);
  const canMark = preview !== undefined && stage === 'draft' && confirming === undefined && !pending && why !== undefined;
  const mark = () => {
    if (preview === undefined) return;
    setFailure(undefined);
    setMarking(true);
    ask(desk.host, { type: 'mark-decision', patient, sha256: preview.sha256 }, 'decision').then(
      (answer) => {
        marked?.();
        desk.takeDecision(answer);
        close();
      },
      (error: unknown) => {
        setMarking(false);
        setFailure(asFailure(error));
      },
    );
  };
  const cancel = () => {
    if (waiting || pending) desk.host.call({ type: 'cancel-signing', patient }).catch(() => undefined);
    close();
  };

  return (
    <Dialog
      title={title(view, outOfReach !== undefined)}
      width={820}
      onClose={cancel}
      testId="signing-dialog"
      foot={
        <>
          <Button onPress={cancel} data-testid="cancel-signing">
            {waiting ? m.decision_cancel_signing() : m.decision_back()}
          </Button>
          {canMark && (
            <Button {...(outOfReach === undefined ? {} : { look: 'primary' as const })} icon="clock" isPending={marking} onPress={mark} data-testid="mark-decision">
              {m.decision_mark()}
            </Button>
          )}
          {preview !== undefined && !waiting && outOfReach === undefined && (
            <Button
              look="primary"
              icon="sign"
              isPending={pending}
              onPress={() => {
                begin(preview.sha256);
              }}
              data-testid="sign-as"
            >
              {m.decision_sign_as({ name: preview.signer })}
            </Button>
          )}
        </>
      }
    >
      {told !== undefined && <FailureNotice failure={told} />}
      {outOfReach !== undefined && told === undefined && <FailureNotice failure={outOfReach} tone="warn" />}
      {canMark && (
        <p className={styles['intro']} data-testid="mark-what">
          {m.decision_mark_what()}
        </p>
      )}
      {waiting && (
        <div className={styles['waiting']} role="status" data-testid="waiting-for-browser">
          <Spinner onSolid={false} />
          <div>
            <b>{m.decision_waiting()}</b>
            <p>{m.decision_waiting_what()}</p>
            {view.link !== null && <BrowserLink link={view.link} hint />}
          </div>
        </div>
      )}
      {preview === undefined && failure === undefined && <Skeleton what={m.decision_preview()} rows={6} />}
      {preview !== undefined && <Preview preview={preview} people={view.people} />}
    </Dialog>
  );
}

function title({ signature, stage }: DecisionView, toMark: boolean): string {
  if (signature !== null && stage !== 'amending') return m.decision_countersign_preview();
  return toMark ? m.decision_mark_preview() : m.decision_preview();
}

function Preview({
  preview: { lines, canonical, sha256, outOfReach },
  people,
}: {
  preview: SigningPreviewView;
  people: readonly PersonChoiceView[];
}) {
  const names = new Map(people.map(({ role, name }) => [role, name]));
  return (
    <div className={styles['preview']} data-testid="signing-preview">
      <p className={styles['intro']}>{outOfReach === null ? m.decision_preview_what() : m.decision_mark_preview_what()}</p>
      {payloadGroups(lines).map(({ name, lines: own }) => (
        <section key={name} className={name === 'patient' ? styles['patient'] : styles['group']}>
          <h3>{groupWord(name)}</h3>
          <dl>
            {own.map((line) => (
              <Line key={line.path} line={line} names={names} />
            ))}
          </dl>
        </section>
      ))}
      <details className={styles['raw']}>
        <summary>{m.decision_raw()}</summary>
        <pre data-testid="canonical">{canonical}</pre>
      </details>
      <p className={styles['checksum']} data-testid="preview-sha256" title={sha256}>
        {m.decision_checksum({ checksum: checksumGroups(sha256) })}
      </p>
    </div>
  );
}

function Line({ line, names }: { line: PayloadLineView; names: ReadonlyMap<string, string> }) {
  const word = payloadValueWord(line, names);
  return (
    <div className={styles['line']} data-path={line.path}>
      <dt>{pathWord(line.path)}</dt>
      {isNothing(line) ? (
        <dd className={styles['nothing']}>{m.decision_nothing()}</dd>
      ) : (
        <dd>
          {word ?? line.value}
          {word !== undefined && word !== line.value && <span className={styles['code']}> {line.value}</span>}
        </dd>
      )}
    </div>
  );
}
