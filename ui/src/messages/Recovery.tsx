/** The recovery key: shown once, or asked for, so that older messages can be read on a new device. */
import { useState } from 'react';
import { Button } from '../components/Button';
import { Checkbox } from '../components/Checkbox';
import { copyText } from '../components/copy';
import { Dialog } from '../components/Dialog';
import { FailureNotice } from '../components/FailureNotice';
import { Field } from '../components/Field';
import { Notice } from '../components/Notice';
import { toast } from '../components/toasts';
import type { Failure, RecoveryView } from '../host/contract';
import { useDesk, usePerson } from '../host/desk';
import { asFailure, ask } from '../host/host';
import { failureWords } from '../i18n/failure';
import { useNow } from '../i18n/clock';
import { longDate } from '../i18n/format';
import { m } from '../paraglide/messages';
import { ResetDialog } from '../trust/Reset';
import styles from './Recovery.module.css';

/** What there is to do, above the list; nothing when all is well. */
export function RecoveryNotice({ recovery, start }: { recovery: RecoveryView; start: () => void }) {
  if (recovery !== 'set-up' && recovery !== 'key-needed') return null;
  const setUp = recovery === 'set-up';
  return (
    <div className={styles['notice']} data-testid="recovery-notice">
      <Notice
        icon="key"
        title={setUp ? m.chat_recovery_none() : m.chat_recovery_needed()}
        actions={
          <Button size="small" onPress={start} data-testid="recovery-start">
            {setUp ? m.chat_recovery_make() : m.chat_recovery_enter()}
          </Button>
        }
      >
        {setUp ? m.chat_recovery_none_text() : m.chat_recovery_needed_text()}
      </Notice>
    </div>
  );
}

export function RecoveryDialog({ kind, close }: { kind: 'set-up' | 'key-needed'; close: () => void }) {
  const [lost, setLost] = useState(false);
  if (kind === 'set-up') return <SetUp close={close} />;
  return lost ? <ResetDialog close={close} /> : <Enter close={close} lose={() => setLost(true)} />;
}

/** Makes the key and shows it once. It does not close before the person has said that the key is safe. */
function SetUp({ close }: { close: () => void }) {
  const { host } = useDesk();
  const person = usePerson();
  const now = useNow(60_000);
  const [key, setKey] = useState<string | null>(null);
  const [kept, setKept] = useState(false);
  const [asked, setAsked] = useState(false);
  const [pending, setPending] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);

  const make = () => {
    setPending(true);
    setFailure(null);
    ask(host, { type: 'set-up-recovery' }, 'recovery-key').then(
      (view) => {
        setPending(false);
        setKey(view.key);
      },
      (thrown: unknown) => {
        setPending(false);
        setFailure(asFailure(thrown));
      },
    );
  };
  const leave = () => {
    if (key !== null && !kept) setAsked(true);
    else if (!pending) close();
  };
  return (
    <Dialog
      title={m.chat_recovery_title()}
      width={560}
      onClose={leave}
      testId="recovery-dialog"
      foot={
        key === null ? (
          <>
            <Button onPress={leave}>{m.chat_recovery_later()}</Button>
            <Button look="primary" icon="key" isPending={pending} onPress={make} data-testid="recovery-make">
              {m.chat_recovery_make()}
            </Button>
          </>
        ) : (
          <Button look="primary" onPress={leave} data-testid="recovery-done">
            {m.chat_recovery_done()}
          </Button>
        )
      }
    >
      {failure && <FailureNotice failure={failure} />}
      {key === null ? (
        <div className={styles['text']}>
          <p>{m.chat_recovery_what()}</p>
          <p>{m.chat_recovery_where()}</p>
        </div>
      ) : (
        <div className={styles['text']}>
          <p>{m.chat_recovery_once()}</p>
          <div className={styles['sheet']} data-testid="recovery-key">
            <p className={styles['sheetHead']}>
              {m.chat_recovery_sheet({ name: person?.name ?? '', date: longDate(now) })}
            </p>
            <p className={styles['key']} aria-label={m.chat_recovery_key()}>
              {key.split(/\s+/u).map((group, at) => (
                <span key={at}>{group} </span>
              ))}
            </p>
          </div>
          <div className={styles['buttons']}>
            <Button icon="print" onPress={() => window.print()}>
              {m.chat_recovery_print()}
            </Button>
            <Button icon="copy" onPress={() => copyText(key)}>
              {m.action_copy()}
            </Button>
          </div>
          <Checkbox checked={kept} onChange={setKept} testId="recovery-kept">
            {m.chat_recovery_kept()}
          </Checkbox>
          <p className={styles['ask']} role="status">
            {asked && !kept ? m.chat_recovery_ask() : ''}
          </p>
        </div>
      )}
    </Dialog>
  );
}

/** The key first, then another device; a new identity only when both are lost. */
function Enter({ close, lose }: { close: () => void; lose: () => void }) {
  const { host } = useDesk();
  const [key, setKey] = useState('');
  const [pending, setPending] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const wrong = failure?.code === 'recovery-key-wrong' ? failureWords(failure) : null;
  const open = () => {
    if (key.trim() === '' || pending) return;
    setPending(true);
    setFailure(null);
    host.call({ type: 'recover', key }).then(
      () => {
        toast({ text: m.chat_recovery_opened(), icon: 'key' });
        close();
      },
      (thrown: unknown) => {
        setPending(false);
        setFailure(asFailure(thrown));
      },
    );
  };
  const confirm = () => {
    setFailure(null);
    // What goes on has a dialog of its own.
    host.call({ type: 'trust', trust: { step: 'verify-device', device: null } }).then(close, (thrown: unknown) => setFailure(asFailure(thrown)));
  };
  return (
    <Dialog
      title={m.chat_recovery_enter_title()}
      width={560}
      onClose={() => !pending && close()}
      testId="recovery-dialog"
      foot={
        <>
          <Button onPress={() => !pending && close()}>{m.action_cancel()}</Button>
          <Button look="primary" icon="key" isPending={pending} isDisabled={key.trim() === ''} onPress={open} data-testid="recovery-open">
            {m.chat_recovery_open()}
          </Button>
        </>
      }
    >
      {failure && !wrong && <FailureNotice failure={failure} />}
      <div
        className={styles['text']}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && event.target instanceof HTMLInputElement) open();
        }}
      >
        <p>{m.chat_recovery_enter_text()}</p>
        <Field
          label={m.chat_recovery_key()}
          hint={m.chat_recovery_hint()}
          value={key}
          onChange={(value) => {
            setKey(value);
            setFailure(null);
          }}
          error={wrong === null ? undefined : `${wrong.what} ${wrong.safe} ${wrong.act}`}
          autoFocus
          large
          testId="recovery-input"
        />
        <div className={styles['buttons']}>
          <Button icon="monitor" isDisabled={pending} onPress={confirm} data-testid="recovery-other-device">
            {m.chat_recovery_other()}
          </Button>
          <Button look="link" isDisabled={pending} onPress={lose} data-testid="recovery-lost">
            {m.chat_recovery_lost()}
          </Button>
        </div>
      </div>
    </Dialog>
  );
}
