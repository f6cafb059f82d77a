/** Whom one can write to, from all places that were asked: services first, then people, then an address as it was typed. */
import type { DirectoryEntryView, DirectoryView, FoundPeopleView, Part } from '../host/contract';

export interface Contact {
  /** Matrix user id. */
  id: string;
  name: string;
  initials: string;
  kind: 'service' | 'person' | 'address';
  /** What there is to say of it, in the order to show. */
  about: readonly string[];
}

export interface ContactGroup {
  kind: Contact['kind'];
  contacts: readonly Contact[];
}

const addressForm = /^@[^\s:]+:[^\s:]+(?::\d+)?$/u;

/** A whole address can be written to without being found: not everybody is in a list. */
export function typedAddress(words: string): string | null {
  const address = words.trim();
  return addressForm.test(address) ? address : null;
}

export function contactGroups(words: string, directory: DirectoryView | null, found: FoundPeopleView | null): ContactGroup[] {
  const services = listed(directory?.services, 'service');
  const people = listed(directory?.people, 'person');
  const known = new Set([...services, ...people].map((contact) => contact.id));
  for (const person of found?.people ?? []) {
    if (known.has(person.id)) continue;
    known.add(person.id);
    people.push({ id: person.id, name: person.name, initials: person.initials, kind: 'person', about: [person.id] });
  }
  const address = typedAddress(words);
  const typed: Contact[] = address === null || known.has(address) ? [] : [{ id: address, name: address, initials: '@', kind: 'address', about: [] }];
  const groups: ContactGroup[] = [
    { kind: 'service', contacts: services },
    { kind: 'person', contacts: people },
    { kind: 'address', contacts: typed },
  ];
  return groups.filter((group) => group.contacts.length > 0);
}

function listed(part: Part<DirectoryEntryView[]> | undefined, kind: 'service' | 'person'): Contact[] {
  if (part?.state !== 'ready') return [];
  const seen = new Set<string>();
  const contacts: Contact[] = [];
  for (const entry of part.value) {
    for (const address of entry.addresses) {
      // Two services may share one account.
      if (seen.has(address.id)) continue;
      seen.add(address.id);
      contacts.push({ id: address.id, name: entry.name, initials: entry.initials, kind, about: about(entry, address.name) });
    }
  }
  return contacts;
}

function about(entry: DirectoryEntryView, answers: string | null): string[] {
  const house = entry.organization !== null && !entry.name.includes(entry.organization) ? entry.organization : null;
  // A house that bears its city in its name needs it no second time.
  const place = entry.place !== null && ![entry.name, house ?? ''].some((text) => text.includes(entry.place ?? '')) ? entry.place : null;
  return [answers, ...entry.specialties.slice(0, 2), house, place].filter((text) => text !== null);
}
