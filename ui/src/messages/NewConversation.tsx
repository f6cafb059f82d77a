/** "Neu": whom to write to: a service or a person of the directory, somebody of the own house, or an address. One person leads to the conversation with them, several make a group with a name. */
import { useEffect, useId, useRef, useState } from 'react';
import { Button } from '../components/Button';
import { Dialog } from '../components/Dialog';
import { FailureNotice } from '../components/FailureNotice';
import { Field } from '../components/Field';
import { Icon } from '../components/icons';
import { Kbd } from '../components/Kbd';
import { Notice } from '../components/Notice';
import { SearchFoot, SearchLine } from '../components/SearchLine';
import { Segment } from '../components/Segment';
import { Skeleton } from '../components/Skeleton';
import { toast } from '../components/toasts';
import { usePlaces } from '../frame/place';
import type { ConversationView, Failure } from '../host/contract';
import { useDesk } from '../host/desk';
import { asFailure, ask } from '../host/host';
import { m } from '../paraglide/messages';
import { conversationTitle } from './caseOf';
import { ContactCards } from './ContactCards';
import type { Contact, ContactGroup } from './contacts';
import { DirectoryState } from './DirectoryState';
import styles from './NewConversation.module.css';
import { useContacts } from './useContacts';

type Way = 'person' | 'group';
type Chosen = Pick<Contact, 'id' | 'name'>;

const titles: Record<ContactGroup['kind'], () => string> = {
  service: m.directory_services,
  person: m.chat_new_people,
  address: m.directory_address,
};

/** `about`: the case that it belongs to, with a name for it that names nobody. `into`: a group that people are asked to. */
export function NewConversation({
  about,
  into,
  typed = '',
  close,
}: {
  about?: { patient: string; name: string };
  into?: ConversationView;
  /** What was already typed elsewhere. */
  typed?: string;
  close: () => void;
}) {
  const { host } = useDesk();
  const places = usePlaces();
  const ids = useId();
  const [words, setWords] = useState(typed);
  const [way, setWay] = useState<Way>(about || into ? 'group' : 'person');
  const [chosen, setChosen] = useState<readonly Chosen[]>([]);
  const [name, setName] = useState(about?.name ?? '');
  const [current, setCurrent] = useState(0);
  const [cards, setCards] = useState(false);
  const [pending, setPending] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const list = useRef<HTMLDivElement>(null);
  const asked = words.trim();

  const { groups: all, directory, people: found, retry } = useContacts(words);
  const here = new Set(into?.members.map((person) => person.id));
  const groups = all.map((group) => ({ ...group, contacts: group.contacts.filter((person) => !here.has(person.id)) })).filter((group) => group.contacts.length > 0);
  const people = groups.flatMap((group) => group.contacts);
  const at = Math.min(current, Math.max(0, people.length - 1));
  useEffect(() => {
    list.current?.querySelector('[aria-selected=true], [data-current]')?.scrollIntoView({ block: 'nearest' });
  }, [at, people.length]);

  const begin = (whom: readonly Chosen[], title: string | null) => {
    if (pending) return;
    setPending(true);
    setFailure(null);
    const people = whom.map((person) => person.id);
    ask(host, into ? { type: 'invite-to-conversation', conversation: into.id, people } : { type: 'begin-conversation', people, name: title, case: about?.patient ?? null }, 'begun').then(
      ({ conversation, refused }) => {
        close();
        if (refused.length > 0) {
          const names = whom.filter((person) => refused.includes(person.id)).map((person) => person.name);
          toast({ text: m.chat_new_refused({ names: names.join(', ') }) });
        }
        // Once the dialog has given the focus back, so that the composer may take it.
        if (!about && !into) window.setTimeout(() => places.go({ screen: 'messages', conversation }), 0);
      },
      (thrown: unknown) => {
        setPending(false);
        setFailure(asFailure(thrown));
      },
    );
  };
  const isChosen = (person: Chosen) => chosen.some((one) => one.id === person.id);
  const choose = (person: Chosen | undefined) => {
    if (!person) return;
    if (way === 'person') begin([person], null);
    else setChosen(isChosen(person) ? chosen.filter((one) => one.id !== person.id) : [...chosen, person]);
  };
  const hasDirectory = !(directory?.state === 'here' && directory.value.services.state === 'absent');
  const parts = directory?.state === 'here' ? [directory.value.services, directory.value.people] : [];
  const hasMore = asked !== '' && ((found?.state === 'here' && found.value.more) || parts.some((part) => part.state === 'ready' && part.more));
  if (cards) {
    return (
      <ContactCards
        write={(card) => {
          // Whatever becomes of it is said in the place where one writes to somebody.
          setCards(false);
          begin([{ id: card.address, name: card.name }], null);
        }}
        close={close}
      />
    );
  }
  const ready = way === 'group' && chosen.length > 0 && (into !== undefined || name.trim() !== '');

  return (
    <Dialog title={into ? m.chat_invite_title({ name: conversationTitle(into) }) : about ? m.dock_begin_title() : m.chat_new_title()} titleHidden width={660} high onClose={close} testId="new-conversation">
      <SearchLine
        label={hasDirectory ? m.directory_search() : m.chat_new_search()}
        value={words}
        onChange={(typed) => {
          setWords(typed);
          setCurrent(0);
        }}
        listId={`${ids}-list`}
        count={people.length}
        at={at}
        move={setCurrent}
        choose={(index) => choose(people[index])}
        erase={() => setChosen(chosen.slice(0, -1))}
        testId="new-conversation-search"
      >
        {!about && !into && (
          <Segment
            label={m.chat_new_way()}
            value={way}
            options={[
              { id: 'person', label: m.chat_new_person() },
              { id: 'group', label: m.chat_new_group() },
            ]}
            onChange={setWay}
          />
        )}
      </SearchLine>
      {way === 'group' && chosen.length > 0 && (
        <ul className={styles['chosen']} aria-label={m.chat_new_chosen()} data-testid="new-conversation-chosen">
          {chosen.map((person) => (
            <li key={person.id}>
              <Button size="small" icon="close" aria-label={m.chat_new_remove({ name: person.name })} onPress={() => choose(person)}>
                {person.name}
              </Button>
            </li>
          ))}
        </ul>
      )}
      {/* A tab stop, so that what does not fit can be scrolled without a mouse. */}
      <div className={styles['list']} tabIndex={0}>
        {/* A refusal names no cause, and neither does this. */}
        {failure?.code === 'not-allowed' && (
          <Notice tone="warn" title={m.chat_new_not_begun()}>
            <p>{m.chat_new_not_begun_text()}</p>
          </Notice>
        )}
        {failure && failure.code !== 'not-allowed' && <FailureNotice failure={failure} />}
        {people.length === 0 && found?.state === 'waiting' && <Skeleton what={m.chat_new_people()} rows={3} since={found.since} />}
        {found?.state === 'failed' && <FailureNotice failure={found.failure} retry={retry} />}
        {asked === '' && <p className={styles['none']}>{hasDirectory ? m.directory_hint() : m.chat_new_hint()}</p>}
        {asked !== '' && found?.state === 'here' && directory?.state === 'here' && people.length === 0 && <p className={styles['none']}>{m.chat_new_nobody_text()}</p>}
        <div id={`${ids}-list`} role="listbox" aria-label={m.directory_contacts()} aria-multiselectable={way === 'group'} ref={list} hidden={people.length === 0}>
          {groups.map((group, order) => {
            const first = groups.slice(0, order).reduce((sum, before) => sum + before.contacts.length, 0);
            return (
              <div key={group.kind} role="group" aria-labelledby={`${ids}-${group.kind}`} data-testid={`found-group-${group.kind}`}>
                <div id={`${ids}-${group.kind}`} role="presentation" className={styles['groupTitle']}>
                  {titles[group.kind]()}
                </div>
                {group.contacts.map((person, offset) => {
                  const index = first + offset;
                  return (
                    <div
                      key={person.id}
                      id={`${ids}-list-${index}`}
                      role="option"
                      aria-selected={way === 'group' ? isChosen(person) : index === at}
                      data-current={index === at ? '' : undefined}
                      className={styles['option']}
                      onPointerMove={() => setCurrent(index)}
                      onClick={() => choose(person)}
                      data-testid={`found-${person.id}`}
                    >
                      <span className={styles['avatar']} data-kind={person.kind} aria-hidden>
                        {person.initials}
                      </span>
                      <span className={styles['words']}>
                        <span className={styles['name']}>{person.name}</span>
                        {/* Two people may have one name: house, place or address tells them apart. */}
                        {person.about.length > 0 && <span className={styles['address']}>{person.about.join(m.directory_between())}</span>}
                      </span>
                      {way === 'group' ? isChosen(person) && <Icon name="ok" /> : index === at && <Kbd keys="enter" />}
                    </div>
                  );
                })}
              </div>
            );
          })}
        </div>
        {asked !== '' && <DirectoryState load={directory} retry={retry} />}
        {hasMore && <p className={styles['none']}>{m.chat_new_more()}</p>}
        {/* gemSpec_TI-M_Basis A_26347: what an invitation means is said before there is one. */}
        {people.length > 0 && (
          <div className={styles['inviting']} data-testid="inviting">
            <Notice>{m.directory_inviting()}</Notice>
          </div>
        )}
      </div>
      {way === 'group' && !into && (
        <div className={styles['group']}>
          <Field label={about ? m.dock_name_label() : m.chat_new_name()} hint={m.chat_new_name_hint()} value={name} onChange={setName} maxLength={100} testId="new-conversation-name" />
        </div>
      )}
      <SearchFoot>
        <span>
          <Kbd keys="arrowup" />
          <Kbd keys="arrowdown" /> {m.palette_hint_choose()}
        </span>
        <span>
          <Kbd keys="enter" /> {way === 'person' ? m.chat_new_write() : m.chat_new_add()}
        </span>
        <span className={styles['grow']}>{way === 'person' && (hasDirectory ? m.directory_where() : m.chat_new_where())}</span>
        {way === 'group' ? (
          <Button look="primary" isPending={pending} isDisabled={!ready} onPress={() => begin(chosen, name.trim())} data-testid="new-conversation-begin">
            {into ? m.chat_invite_now() : about ? m.dock_begin() : m.chat_new_begin()}
          </Button>
        ) : (
          <Button size="small" icon="person" onPress={() => setCards(true)} data-testid="contact-cards-press">
            {m.card_press()}
          </Button>
        )}
      </SearchFoot>
    </Dialog>
  );
}
