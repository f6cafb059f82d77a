/** Asks the directory and the homeserver while somebody types. What one of them says does not wait for the other. */
import { useCallback, useEffect, useState } from 'react';
import { announce } from '../components/announce';
import type { DirectoryView, FoundPeopleView } from '../host/contract';
import { type Load, useDesk } from '../host/desk';
import { asFailure, ask } from '../host/host';
import { m } from '../paraglide/messages';
import { type ContactGroup, contactGroups } from './contacts';

/** Typing pauses before anybody is asked. */
const pauseMillis = 250;

interface Contacts {
  groups: ContactGroup[];
  directory: Load<DirectoryView> | null;
  people: Load<FoundPeopleView> | null;
  /** Asks both again. */
  retry: () => void;
}

export function useContacts(words: string): Contacts {
  const { host } = useDesk();
  const [again, setAgain] = useState(0);
  const asked = words.trim();
  const askDirectory = useCallback((typed: string) => ask(host, { type: 'search-directory', words: typed }, 'directory'), [host]);
  const askPeople = useCallback((typed: string) => ask(host, { type: 'find-people', words: typed }, 'people'), [host]);
  const [directory, directoryFor] = useAsked(asked, again, askDirectory);
  const [people, peopleFor] = useAsked(asked, again, askPeople);
  const groups = contactGroups(asked, directory?.state === 'here' ? directory.value : null, people?.state === 'here' ? people.value : null);
  const count = groups.reduce((sum, group) => sum + group.contacts.length, 0);
  const settled = asked !== '' && directoryFor === asked && peopleFor === asked;
  useEffect(() => {
    if (settled) announce(count === 0 ? m.chat_new_nobody() : m.chat_new_found({ count }), 'polite');
  }, [settled, asked, count]);
  return { groups, directory, people, retry: () => setAgain(again + 1) };
}

/** The newest answer, and the words that it answers. What was found for fewer letters stays until there is better. */
function useAsked<T>(words: string, again: number, question: (words: string) => Promise<T>): [Load<T> | null, string] {
  const [answer, setAnswer] = useState<{ load: Load<T> | null; words: string }>({ load: null, words: '' });
  useEffect(() => {
    if (words === '') {
      setAnswer({ load: null, words: '' });
      return undefined;
    }
    let current = true;
    const timer = window.setTimeout(() => {
      setAnswer((before) => (before.load?.state === 'here' ? before : { load: { state: 'waiting', since: performance.now() }, words: '' }));
      question(words).then(
        (value) => current && setAnswer({ load: { state: 'here', value }, words }),
        (thrown: unknown) => current && setAnswer({ load: { state: 'failed', failure: asFailure(thrown) }, words }),
      );
    }, pauseMillis);
    return () => {
      current = false;
      window.clearTimeout(timer);
    };
  }, [words, again, question]);
  return words === '' ? [null, ''] : [answer.load, answer.words];
}
