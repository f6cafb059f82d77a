/** Who is in a conversation, and whether it is certain that they are. */
import { useState } from 'react';
import { Button } from '../components/Button';
import { classes } from '../components/classes';
import { Dialog } from '../components/Dialog';
import { FailureNotice } from '../components/FailureNotice';
import { Icon } from '../components/icons';
import type { ConversationView, Failure, SenderView } from '../host/contract';
import { useDesk } from '../host/desk';
import { asFailure } from '../host/host';
import { houseOf } from '../messages/mentions';
import { m } from '../paraglide/messages';
import styles from './trust.module.css';

type Trust = 'self' | 'confirmed' | 'known' | 'changed';

function trustOf(view: ConversationView, person: SenderView): Trust {
  if (person.own) return 'self';
  if (view.changed.some((one) => one.person.id === person.id)) return 'changed';
  return view.confirmed.includes(person.id) ? 'confirmed' : 'known';
}

const words: Record<Trust, () => string> = {
  self: m.people_self,
  confirmed: m.people_confirmed,
  known: m.people_known,
  changed: m.people_changed,
};

export function PeopleDialog({ view, close }: { view: ConversationView; close: () => void }) {
  return (
    <Dialog title={m.people_title()} width={560} onClose={close} testId="people" foot={<Button onPress={close}>{m.action_close()}</Button>}>
      <People view={view} compared={close} />
    </Dialog>
  );
}

/** `compared` is told when a comparison has begun, which has a dialog of its own. */
export function People({ view, compared }: { view: ConversationView; compared: () => void }) {
  const { host } = useDesk();
  const [pending, setPending] = useState<string | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const compare = (person: SenderView) => {
    setPending(person.id);
    setFailure(null);
    const begun = () => {
      setPending(null);
      compared();
    };
    host.call({ type: 'trust', trust: { step: 'verify-person', person: person.id } }).then(begun, (thrown: unknown) => {
      setPending(null);
      setFailure(asFailure(thrown));
    });
  };
  // Pressed twice: the first press asks.
  const [asked, setAsked] = useState<string | null>(null);
  const [removing, setRemoving] = useState<string | null>(null);
  const remove = (person: SenderView) => {
    if (asked !== person.id) {
      setAsked(person.id);
      return;
    }
    setRemoving(person.id);
    setFailure(null);
    const done = () => {
      setRemoving(null);
      setAsked(null);
    };
    host.call({ type: 'remove-from-conversation', conversation: view.id, person: person.id }).then(done, (thrown: unknown) => {
      done();
      setFailure(asFailure(thrown));
    });
  };
  return (
    <>
      {failure && <FailureNotice failure={failure} />}
      <div className={styles['text']}>
        <p className={styles['quiet']}>{m.people_lead()}</p>
        <ul className={styles['devices']}>
          {view.members.map((person) => {
            const trust = trustOf(view, person);
            return (
              <li className={styles['device']} key={person.id} data-testid={`person-${person.id}`}>
                <span className={styles['avatar']} aria-hidden>
                  {person.initials}
                </span>
                <div className={styles['deviceWords']}>
                  <div className={styles['deviceName']}>{person.name}</div>
                  <div className={classes(styles['trust'], trust === 'confirmed' && styles['ok'], trust === 'changed' && styles['warn'])}>
                    {trust !== 'self' && <Icon name={trust === 'changed' ? 'warn' : trust === 'confirmed' ? 'shield' : 'question'} size="xs" />}
                    {words[trust]()}
                  </div>
                  <div className={styles['quiet']}>{person.ambiguous ? person.id : houseOf(person.id)}</div>
                </div>
                {view.mayRemove && !person.own && (
                  <Button size="small" isPending={removing === person.id} aria-label={m.people_remove_named({ name: person.name })} onPress={() => remove(person)} data-testid={`remove-${person.id}`}>
                    {asked === person.id ? m.people_remove_sure() : m.people_remove()}
                  </Button>
                )}
                {(trust === 'known' || trust === 'changed') && view.membership.state === 'joined' && (
                  <Button size="small" isPending={pending === person.id} aria-label={m.trust_compare_with({ name: person.name })} onPress={() => compare(person)} data-testid={`compare-${person.id}`}>
                    {m.trust_compare()}
                  </Button>
                )}
              </li>
            );
          })}
        </ul>
      </div>
    </>
  );
}
