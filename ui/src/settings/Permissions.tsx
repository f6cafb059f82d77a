/** Who may write first: "alle außer …" or "niemand außer …". Kept by the homeserver, so every change waits for its word. */
import { type SubmitEvent, useEffect, useState } from 'react';
import { announce } from '../components/announce';
import { Button } from '../components/Button';
import { FailureNotice } from '../components/FailureNotice';
import { Field } from '../components/Field';
import { Segment } from '../components/Segment';
import { Skeleton } from '../components/Skeleton';
import { Switch } from '../components/Switch';
import type { EverybodyMay, Failure, PermissionsView } from '../host/contract';
import { type Load, useDesk } from '../host/desk';
import { asFailure, ask } from '../host/host';
import { m } from '../paraglide/messages';
import { PolicyRow } from './PolicyRow';
import styles from './Permissions.module.css';

export function Permissions() {
  const { host } = useDesk();
  const [load, setLoad] = useState<Load<PermissionsView>>(() => ({ state: 'waiting', since: performance.now() }));
  const [attempt, setAttempt] = useState(0);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [pending, setPending] = useState(false);
  const [typed, setTyped] = useState('');

  useEffect(() => {
    let current = true;
    setLoad({ state: 'waiting', since: performance.now() });
    ask(host, { type: 'open-permissions' }, 'permissions').then(
      (value) => current && setLoad({ state: 'here', value }),
      (thrown: unknown) => current && setLoad({ state: 'failed', failure: asFailure(thrown) }),
    );
    return () => {
      current = false;
    };
  }, [host, attempt]);

  if (load.state === 'waiting') return <Skeleton what={m.permissions_title()} rows={3} since={load.since} retry={() => setAttempt(attempt + 1)} />;
  if (load.state === 'failed') return <FailureNotice failure={load.failure} subject={m.permissions_title()} retry={() => setAttempt(attempt + 1)} />;

  const permissions = load.value;
  const change = (changed: Partial<PermissionsView>, said: string) => {
    if (pending) return;
    setPending(true);
    setFailure(null);
    ask(host, { type: 'change-permissions', permissions: { ...permissions, ...changed } }, 'permissions').then(
      (value) => {
        setPending(false);
        setTyped('');
        setLoad({ state: 'here', value });
        announce(said, 'polite');
      },
      (thrown: unknown) => {
        setPending(false);
        setFailure(asFailure(thrown));
      },
    );
  };
  const blocked = permissions.everybody === 'not-invite';
  const wrong = failure?.code === 'invalid-input';
  const add = (event: SubmitEvent) => {
    event.preventDefault();
    const exception = typed.trim();
    if (exception !== '') change({ exceptions: [...permissions.exceptions, exception] }, m.permissions_added({ name: exception }));
  };
  const ways: { id: EverybodyMay; label: string }[] = [
    { id: 'invite', label: m.permissions_everybody() },
    { id: 'not-invite', label: m.permissions_nobody() },
  ];
  const list = blocked ? m.permissions_allowed() : m.permissions_blocked();
  return (
    <div data-testid="permissions" aria-busy={pending}>
      <PolicyRow name={m.permissions_title()} text={m.permissions_text()}>
        <Segment label={m.permissions_title()} value={permissions.everybody} options={ways} onChange={(everybody) => change({ everybody }, m.permissions_saved())} />
      </PolicyRow>
      <PolicyRow name={blocked ? m.permissions_insured_allowed() : m.permissions_insured_blocked()} text={m.permissions_insured_text()}>
        <Switch
          label={blocked ? m.permissions_insured_allowed() : m.permissions_insured_blocked()}
          on={permissions.insured}
          onChange={(insured) => change({ insured }, m.permissions_saved())}
          testId="permissions-insured"
        />
      </PolicyRow>
      {failure && !wrong && <FailureNotice failure={failure} />}
      <div className={styles['exceptions']}>
        <h3 className={styles['title']}>{list}</h3>
        {permissions.exceptions.length === 0 ? (
          <p className={styles['none']}>{m.permissions_none()}</p>
        ) : (
          <ul className={styles['list']} aria-label={list}>
            {permissions.exceptions.map((exception) => (
              <li key={exception} className={styles['item']}>
                <span className={styles['name']}>{exception}</span>
                <span className={styles['kind']}>{exception.startsWith('@') ? m.permissions_person() : m.permissions_house()}</span>
                <Button
                  size="small"
                  icon="close"
                  aria-label={m.permissions_remove({ name: exception })}
                  onPress={() => change({ exceptions: permissions.exceptions.filter((one) => one !== exception) }, m.permissions_removed({ name: exception }))}
                >
                  {m.permissions_remove_short()}
                </Button>
              </li>
            ))}
          </ul>
        )}
        <form className={styles['add']} onSubmit={add}>
          <Field
            label={m.permissions_add()}
            hint={m.permissions_add_hint()}
            error={wrong ? m.permissions_add_wrong() : undefined}
            value={typed}
            onChange={(value) => {
              setTyped(value);
              setFailure(null);
            }}
            testId="permissions-add"
          />
          <Button type="submit" icon="plus" isPending={pending} isDisabled={typed.trim() === ''} data-testid="permissions-add-press">
            {m.permissions_add_press()}
          </Button>
        </form>
      </div>
    </div>
  );
}
