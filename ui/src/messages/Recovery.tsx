/** The recovery key: shown once, or asked for, so that older messages can be read on a new device. */
import { useState } from 'react';
import { Button } from '../components/Button';
import { Checkbox } from '../components/Checkbox';
import { classes } from '../components/classes';
import { copyText } from '../components/copy';
import { Dialog } from '../components/Dialog';
import { FailureNotice } from '../components/FailureNotice';
import { Field } from '../components/Field';
import { Notice } from '../components/Notice';
import { toast } from '../components/toasts';
import type { Failure, RecoveryKeyView, RecoveryView } from '../host/contract';
import { useDesk, usePerson, useSettings } from '../host/desk';
import { asFailure, ask } from '../host/host';
import { failureWords } from '../i18n/failure';
import { useNow } from '../i18n/clock';
import { longDate } from '../i18n/format';
import { m } from '../paraglide/messages';
import { ResetDialog } from '../trust/Reset';
import styles from './Recovery.module.css';
import { saveBlob } from './saveFile';

/** Whether IT has fixed that this computer keeps the key. */
function useKeptHere(): boolean {
  return useSettings().fixed.includes('recovery-key');
}

/** What there is to do, above the list; nothing when all is well. */
export function RecoveryNotice({ recovery, start }: { recovery: RecoveryView; start: () => void }) {
  const keptHere = useKeptHere();
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
        {setUp ? (keptHere ? m.chat_recovery_none_kept() : m.chat_recovery_none_text()) : m.chat_recovery_needed_text()}
      </Notice>
    </div>
  );
}

export function RecoveryDialog({ kind, close }: { kind: 'set-up' | 'key-needed'; close: () => void }) {
  const [lost, setLost] = useState(false);
  if (kind === 'set-up') return <SetUp close={close} />;
  return lost ? <ResetDialog close={close} /> : <Enter close={close} lose={() => setLost(true)} />;
}

/**
 * Makes the key and shows it once. It does not close before the person has said that the key is safe; where this computer
 * keeps it, nothing has to be written down and the key is for the paper alone.
 */
function SetUp({ close }: { close: () => void }) {
  const { host } = useDesk();
  const person = usePerson();
  const now = useNow(60_000);
  const keptHere = useKeptHere();
  const [made, setMade] = useState<RecoveryKeyView | null>(null);
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
        setMade(view);
      },
      (thrown: unknown) => {
        setPending(false);
        setFailure(asFailure(thrown));
      },
    );
  };
  const leave = () => {
    if (made !== null && !made.kept && !kept) setAsked(true);
    else if (!pending) close();
  };
  const head = m.chat_recovery_sheet({ name: person?.name ?? '', date: longDate(now) });
  return (
    <Dialog
      title={m.chat_recovery_title()}
      width={560}
      onClose={leave}
      testId="recovery-dialog"
      foot={
        made === null ? (
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
      {made === null ? (
        <div className={styles['text']}>
          <p>{keptHere ? m.chat_recovery_what_kept() : m.chat_recovery_what()}</p>
          <p>{keptHere ? m.chat_recovery_where_kept() : m.chat_recovery_where()}</p>
        </div>
      ) : made.kept ? (
        <div className={styles['text']} data-testid="recovery-kept-here">
          <Notice tone="ok" title={m.chat_recovery_kept_here()}>
            {m.chat_recovery_kept_here_text()}
          </Notice>
          <Sheet head={head} recoveryKey={made.key} paperOnly />
          <div className={styles['buttons']}>
            <PrintAndSave head={head} recoveryKey={made.key} />
          </div>
        </div>
      ) : (
        <div className={styles['text']}>
          <p>{m.chat_recovery_once()}</p>
          {keptHere && <Notice tone="warn">{m.chat_recovery_not_kept()}</Notice>}
          <Sheet head={head} recoveryKey={made.key} />
          <div className={styles['buttons']}>
            <PrintAndSave head={head} recoveryKey={made.key} />
            <Button icon="copy" onPress={() => copyText(made.key)}>
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

/** What is printed: the key, whose it is and when it was made. */
function Sheet({ head, recoveryKey, paperOnly = false }: { head: string; recoveryKey: string; paperOnly?: boolean }) {
  return (
    <div className={classes(styles['sheet'], paperOnly && styles['paperOnly'])} data-testid="recovery-key">
      <p className={styles['sheetHead']}>{head}</p>
      <p className={styles['key']} aria-label={m.chat_recovery_key()}>
        {recoveryKey.split(/\s+/u).map((group, at) => (
          <span key={at}>{group} </span>
        ))}
      </p>
    </div>
  );
}

function PrintAndSave({ head, recoveryKey }: { head: string; recoveryKey: string }) {
  const save = () => {
    const name = m.chat_recovery_file_name();
    saveBlob(new Blob([recoveryFile(head, recoveryKey)], { type: 'text/plain' }), name);
    toast({ text: m.chat_recovery_saved({ name }), icon: 'ok' });
  };
  return (
    <>
      <Button icon="print" onPress={() => window.print()}>
        {m.chat_recovery_print()}
      </Button>
      <Button icon="save" onPress={save} data-testid="recovery-save">
        {m.chat_recovery_save()}
      </Button>
    </>
  );
}

/** Lines as every editor takes them. */
export function recoveryFile(head: string, recoveryKey: string): string {
  return [head, '', recoveryKey, '', m.chat_recovery_file_text(), m.chat_recovery_file_where(), ''].join('\r\n');
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
