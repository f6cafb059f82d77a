/** Settings, "Geräte": where the account is signed in to chat, and ending that. */
import { useCallback, useEffect, useState } from 'react';
import { Button } from '../components/Button';
import { classes } from '../components/classes';
import { Dialog } from '../components/Dialog';
import { Empty } from '../components/Empty';
import { FailureNotice } from '../components/FailureNotice';
import { Field } from '../components/Field';
import { Icon } from '../components/icons';
import { Notice } from '../components/Notice';
import { Skeleton } from '../components/Skeleton';
import { toast } from '../components/toasts';
import type { DevicesView, Failure, OwnDeviceView, TrustStep } from '../host/contract';
import { isChatOffered, type Load, useDesk } from '../host/desk';
import { asFailure, ask } from '../host/host';
import { useStore } from '../host/store';
import { useNow } from '../i18n/clock';
import { moment } from '../i18n/format';
import { m } from '../paraglide/messages';
import { useProof } from './Proof';
import styles from './trust.module.css';
import { deviceName, deviceTrustWords } from './trustWords';

export function Devices() {
  const desk = useDesk();
  const chat = useStore(desk.chat);
  const [load, setLoad] = useState<Load<DevicesView>>(() => ({ state: 'waiting', since: performance.now() }));
  const [attempt, setAttempt] = useState(0);
  const [renaming, setRenaming] = useState<OwnDeviceView | null>(null);
  const [ending, setEnding] = useState<OwnDeviceView | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const compared = chat.state === 'here' && chat.value.comparison?.state.state === 'done';
  const again = useCallback(() => setAttempt((before) => before + 1), []);
  const offered = isChatOffered(chat);
  useEffect(() => {
    if (!offered) return undefined;
    let current = true;
    ask(desk.host, { type: 'trust', trust: { step: 'open-devices' } }, 'devices').then(
      (value) => current && setLoad({ state: 'here', value }),
      (thrown: unknown) => current && setLoad({ state: 'failed', failure: asFailure(thrown) }),
    );
    return () => {
      current = false;
    };
  }, [desk, attempt, compared, offered]);

  if (!offered) {
    return (
      <Empty icon="chat" title={m.chat_absent()}>
        {m.chat_absent_text()}
      </Empty>
    );
  }
  const verify = (device: OwnDeviceView) => {
    setFailure(null);
    // This one asks any of the others; another one is asked by its name.
    desk.host.call({ type: 'trust', trust: { step: 'verify-device', device: device.this ? null : device.id } }).catch((thrown: unknown) => setFailure(asFailure(thrown)));
  };
  return (
    <>
      <p className={styles['lead']}>{m.device_lead()}</p>
      {failure && <FailureNotice failure={failure} />}
      {load.state === 'waiting' && <Skeleton what={m.settings_devices()} rows={3} since={load.since} retry={again} />}
      {load.state === 'failed' && <FailureNotice failure={load.failure} retry={again} />}
      {load.state === 'here' && (
        <ul className={styles['devices']} data-testid="devices">
          {load.value.devices.map((device) => (
            <DeviceRow key={device.id} device={device} confirmable={isConfirmable(device, load.value.devices)} verify={() => verify(device)} rename={() => setRenaming(device)} end={() => setEnding(device)} />
          ))}
        </ul>
      )}
      {renaming && (
        <RenameDialog
          device={renaming}
          close={(changed) => {
            setRenaming(null);
            if (changed) again();
          }}
        />
      )}
      {ending && (
        <EndDialog
          device={ending}
          close={(changed) => {
            setEnding(null);
            if (changed) again();
          }}
        />
      )}
    </>
  );
}

/** A comparison is worth something beside a device that is confirmed already. */
function isConfirmable(device: OwnDeviceView, all: readonly OwnDeviceView[]): boolean {
  return device.trust === 'unconfirmed' && all.some((other) => other.id !== device.id && other.trust === 'confirmed');
}

function DeviceRow({ device, confirmable, verify, rename, end }: { device: OwnDeviceView; confirmable: boolean; verify: () => void; rename: () => void; end: () => void }) {
  const now = useNow(60_000);
  const name = deviceName(device);
  const { words, tone } = deviceTrustWords(device);
  return (
    <li className={styles['device']} data-testid={`device-${device.id}`}>
      <Icon name="monitor" />
      <div className={styles['deviceWords']}>
        <div className={styles['deviceName']}>
          {name}
          {device.this && <span className={styles['this']}>{m.device_this()}</span>}
        </div>
        <div className={classes(styles['trust'], tone === 'ok' && styles['ok'], tone === 'warn' && styles['warn'])}>
          <Icon name={tone === 'warn' ? 'question' : 'shield'} size="xs" />
          {words}
        </div>
        {device.lastSeen !== null && !device.this && <div className={styles['quiet']}>{m.device_seen({ time: moment(device.lastSeen, now) })}</div>}
      </div>
      <div className={styles['buttons']}>
        {confirmable && (
          <Button size="small" icon="shield" aria-label={m.device_confirm_named({ name })} onPress={verify} data-testid={`device-confirm-${device.id}`}>
            {m.device_confirm()}
          </Button>
        )}
        <Button size="small" aria-label={m.device_rename_named({ name })} onPress={rename} data-testid={`device-rename-${device.id}`}>
          {m.device_rename()}
        </Button>
        {!device.this && (
          <Button size="small" icon="signOut" aria-label={m.device_end_named({ name })} onPress={end} data-testid={`device-end-${device.id}`}>
            {m.device_end()}
          </Button>
        )}
      </div>
    </li>
  );
}

function RenameDialog({ device, close }: { device: OwnDeviceView; close: (changed: boolean) => void }) {
  const { host } = useDesk();
  const [name, setName] = useState(device.name ?? '');
  const [pending, setPending] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const keep = () => {
    if (name.trim() === '' || pending) return;
    setPending(true);
    setFailure(null);
    host.call({ type: 'trust', trust: { step: 'rename-device', device: device.id, name } }).then(
      () => close(true),
      (thrown: unknown) => {
        setPending(false);
        setFailure(asFailure(thrown));
      },
    );
  };
  return (
    <Dialog
      title={m.device_rename_title()}
      width={480}
      onClose={() => !pending && close(false)}
      testId="device-rename"
      foot={
        <>
          <Button onPress={() => !pending && close(false)}>{m.action_cancel()}</Button>
          <Button look="primary" isPending={pending} isDisabled={name.trim() === ''} onPress={keep} data-testid="device-rename-keep">
            {m.device_rename()}
          </Button>
        </>
      }
    >
      {failure && <FailureNotice failure={failure} />}
      <div onKeyDown={(event) => event.key === 'Enter' && event.target instanceof HTMLInputElement && keep()}>
        <Field label={m.device_name()} hint={m.device_name_hint()} value={name} onChange={setName} maxLength={100} autoFocus testId="device-rename-input" />
      </div>
    </Dialog>
  );
}

function EndDialog({ device, close }: { device: OwnDeviceView; close: (changed: boolean) => void }) {
  const step = useCallback((proof: Extract<TrustStep, { step: 'end-device' }>['proof']): TrustStep => ({ step: 'end-device', device: device.id, proof }), [device.id]);
  const proof = useProof(step, () => {
    toast({ text: m.device_ended({ name: deviceName(device) }), icon: 'signOut' });
    close(true);
  });
  return (
    <Dialog
      title={m.device_end_title({ name: deviceName(device) })}
      width={520}
      onClose={() => !proof.pending && close(false)}
      testId="device-end"
      foot={
        <>
          <Button onPress={() => !proof.pending && close(false)}>{m.action_cancel()}</Button>
          <Button look="danger" icon="signOut" isPending={proof.pending} isDisabled={!proof.ready} onPress={proof.go} data-testid="device-end-now">
            {proof.browser ? m.proof_done() : m.device_end()}
          </Button>
        </>
      }
    >
      <div className={styles['text']}>
        <p>{m.device_end_text()}</p>
        {device.trust === 'confirmed' && <Notice icon="key">{m.device_end_key()}</Notice>}
        {proof.fields}
      </div>
    </Dialog>
  );
}
