import { describe, expect, test } from 'vitest';
import type { DirectoryEntryView, DirectoryView } from '../host/contract';
import { contactGroups, typedAddress } from './contacts';

const entry = (change: Partial<DirectoryEntryView>): DirectoryEntryView => ({
  id: 'HealthcareService/1',
  name: 'Tumorboard',
  initials: 'UE',
  organization: null,
  place: null,
  specialties: [],
  addresses: [{ id: '@board:e.example', name: null, bot: false }],
  ...change,
});
const view = (services: DirectoryEntryView[], people: DirectoryEntryView[]): DirectoryView => ({
  services: { state: 'ready', value: services, more: false },
  people: { state: 'ready', value: people, more: false },
  partial: false,
});
const sender = (id: string, name: string) => ({ id, name, initials: 'X', own: false, ambiguous: false });

describe('whom one can write to', () => {
  test('is services first, then people, each once', () => {
    const ilva = entry({ id: 'PractitionerRole/1', name: 'Ilva Rotdornhain', addresses: [{ id: '@ilva:e.example', name: null, bot: false }] });
    const groups = contactGroups('x', view([entry({})], [ilva]), { people: [sender('@ilva:e.example', 'Ilva'), sender('@own:h.example', 'Eigen')], more: false });
    expect(groups.map((group) => [group.kind, group.contacts.map((one) => one.id)])).toEqual([
      ['service', ['@board:e.example']],
      ['person', ['@ilva:e.example', '@own:h.example']],
    ]);
    expect(groups[1]?.contacts[0]?.name).toBe('Ilva Rotdornhain');
  });

  test('says who answers, specialty, house and place, and nothing twice', () => {
    const one = entry({
      organization: 'Universitätsklinikum Erlenstadt',
      place: 'Erlenstadt',
      specialties: ['Onkologie', 'Genetik', 'Drittes'],
      addresses: [
        { id: '@a:e.example', name: 'Anmeldestelle', bot: false },
        { id: '@b:e.example', name: 'Sekretariat', bot: false },
      ],
    });
    const contacts = contactGroups('x', view([one], []), null)[0]?.contacts ?? [];
    expect(contacts.map((contact) => contact.about)).toEqual([
      ['Anmeldestelle', 'Onkologie', 'Genetik', 'Universitätsklinikum Erlenstadt'],
      ['Sekretariat', 'Onkologie', 'Genetik', 'Universitätsklinikum Erlenstadt'],
    ]);
    const named = entry({ name: 'Tumorboard, Klinik X', organization: 'Klinik X', place: 'Ahornbach' });
    expect(contactGroups('x', view([named], []), null)[0]?.contacts[0]?.about).toEqual(['Ahornbach']);
  });

  test('is an address as it was typed, whatever the directory says', () => {
    expect(typedAddress(' @a:b.example:8448 ')).toBe('@a:b.example:8448');
    expect(typedAddress('a:b.example')).toBeNull();
    const failed: DirectoryView = { services: { state: 'denied' }, people: { state: 'failed', failure: { code: 'platform-unreachable', detail: '' } }, partial: false };
    expect(contactGroups('@a:b.example', failed, null)).toEqual([{ kind: 'address', contacts: [{ id: '@a:b.example', name: '@a:b.example', initials: '@', kind: 'address', about: [] }] }]);
  });
});
