/** "Neu": whom to write to. One person leads to the conversation with them, several make a group with a name. */
import { useEffect, useId, useRef, useState } from 'react';
import { announce } from '../components/announce';
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
import type { Failure, SenderView } from '../host/contract';
import { type Load, useDesk } from '../host/desk';
import { asFailure, ask } from '../host/host';
import { m } from '../paraglide/messages';
import styles from './NewConversation.module.css';

type Way = 'person' | 'group';
interface Found {
  people: readonly SenderView[];
  more: boolean;
}

/** Typing pauses before the homeserver is asked. */
const pauseMillis = 250;
const addressForm = /^@[^\s:]+:[^\s:]+(?::\d+)?$/u;

/** A whole address can be written to without being found: other houses' people are in no list of this homeserver. */
function withAddress(words: string, people: readonly SenderView[]): readonly SenderView[] {
  const address = words.trim();
  if (!addressForm.test(address) || people.some((person) => person.id === address)) return people;
  return [...people, { id: address, name: address, initials: '@', own: false, ambiguous: false }];
}

/** `about`: the case that it belongs to, with a name for it that names nobody. */
export function NewConversation({ about, close }: { about?: { patient: string; name: string }; close: () => void }) {
  const { host } = useDesk();
  const places = usePlaces();
  const ids = useId();
  const [words, setWords] = useState('');
  const [way, setWay] = useState<Way>(about ? 'group' : 'person');
  const [chosen, setChosen] = useState<readonly SenderView[]>([]);
  const [name, setName] = useState(about?.name ?? '');
  const [current, setCurrent] = useState(0);
  const [found, setFound] = useState<Load<Found> | null>(null);
  const [pending, setPending] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [again, setAgain] = useState(0);
  const list = useRef<HTMLDivElement>(null);
  const asked = words.trim();

  useEffect(() => {
    if (asked === '') {
      setFound(null);
      return undefined;
    }
    let current = true;
    const timer = window.setTimeout(() => {
      setFound((before) => (before?.state === 'here' ? before : { state: 'waiting', since: performance.now() }));
      ask(host, { type: 'find-people', words: asked }, 'people').then(
        (value) => {
          if (!current) return;
          setFound({ state: 'here', value });
          announce(value.people.length === 0 ? m.chat_new_nobody() : m.chat_new_found({ count: value.people.length }), 'polite');
        },
        (thrown: unknown) => {
          if (current) setFound({ state: 'failed', failure: asFailure(thrown) });
        },
      );
    }, pauseMillis);
    return () => {
      current = false;
      window.clearTimeout(timer);
    };
  }, [host, asked, again]);

  const people = asked === '' ? [] : withAddress(words, found?.state === 'here' ? found.value.people : []);
  const at = Math.min(current, Math.max(0, people.length - 1));
  useEffect(() => {
    list.current?.querySelector('[aria-selected=true], [data-current]')?.scrollIntoView({ block: 'nearest' });
  }, [at, people.length]);

  const begin = (whom: readonly SenderView[], title: string | null) => {
    if (pending) return;
    setPending(true);
    setFailure(null);
    ask(host, { type: 'begin-conversation', people: whom.map((person) => person.id), name: title, case: about?.patient ?? null }, 'begun').then(
      ({ conversation, refused }) => {
        close();
        if (refused.length > 0) {
          const names = whom.filter((person) => refused.includes(person.id)).map((person) => person.name);
          toast({ text: m.chat_new_refused({ names: names.join(', ') }) });
        }
        // Once the dialog has given the focus back, so that the composer may take it.
        if (!about) window.setTimeout(() => places.go({ screen: 'messages', conversation }), 0);
      },
      (thrown: unknown) => {
        setPending(false);
        setFailure(asFailure(thrown));
      },
    );
  };
  const isChosen = (person: SenderView) => chosen.some((one) => one.id === person.id);
  const choose = (person: SenderView | undefined) => {
    if (!person) return;
    if (way === 'person') begin([person], null);
    else setChosen(isChosen(person) ? chosen.filter((one) => one.id !== person.id) : [...chosen, person]);
  };
  const ready = way === 'group' && chosen.length > 0 && name.trim() !== '';

  return (
    <Dialog title={about ? m.dock_begin_title() : m.chat_new_title()} titleHidden width={660} high onClose={close} testId="new-conversation">
      <SearchLine
        label={m.chat_new_search()}
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
        {!about && (
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
        {found?.state === 'waiting' && <Skeleton what={m.chat_new_people()} rows={3} since={found.since} />}
        {found?.state === 'failed' && <FailureNotice failure={found.failure} retry={() => setAgain(again + 1)} />}
        {asked === '' && <p className={styles['none']}>{m.chat_new_hint()}</p>}
        {asked !== '' && found?.state === 'here' && people.length === 0 && <p className={styles['none']}>{m.chat_new_nobody_text()}</p>}
        <div id={`${ids}-list`} role="listbox" aria-label={m.chat_new_people()} aria-multiselectable={way === 'group'} ref={list} hidden={people.length === 0}>
          {people.map((person, index) => (
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
              <span className={styles['avatar']} aria-hidden>
                {person.initials}
              </span>
              <span className={styles['words']}>
                <span className={styles['name']}>{person.name}</span>
                {/* Two people may have one name: the address tells them apart. */}
                {person.name !== person.id && <span className={styles['address']}>{person.id}</span>}
              </span>
              {way === 'group' ? isChosen(person) && <Icon name="ok" /> : index === at && <Kbd keys="enter" />}
            </div>
          ))}
        </div>
        {found?.state === 'here' && found.value.more && asked !== '' && <p className={styles['none']}>{m.chat_new_more()}</p>}
      </div>
      {way === 'group' && (
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
        <span className={styles['grow']} />
        {way === 'group' ? (
          <Button look="primary" isPending={pending} isDisabled={!ready} onPress={() => begin(chosen, name.trim())} data-testid="new-conversation-begin">
            {about ? m.dock_begin() : m.chat_new_begin()}
          </Button>
        ) : (
          <span>{m.chat_new_where()}</span>
        )}
      </SearchFoot>
    </Dialog>
  );
}
