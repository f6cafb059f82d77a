import { act, cleanup, render, waitFor } from '@testing-library/react';
import { afterEach, describe, expect, test } from 'vitest';
import { createPlaces, PlacesContext } from '../frame/place';
import type { DraftEntryView } from '../host/contract';
import { createDesk, DeskContext } from '../host/desk';
import { memoryHost } from '../host/memory';
import { today } from '../stories/lists';
import { at } from '../stories/story';
import { Today } from './Today';

afterEach(cleanup);

async function open() {
  const first = today.drafts[0];
  if (first === undefined) throw new Error('the example has a draft');
  const drafts: DraftEntryView[] = [
    { ...first, patient: 'a', mark: null },
    { ...first, patient: 'b', mark: 'standing' },
    { ...first, patient: 'c', mark: 'withdrawn' },
  ];
  const fixture = at({ screen: 'today' }, { today: { ...today, drafts } });
  const host = memoryHost(fixture);
  const desk = createDesk(host, fixture.start);
  const page = render(
    <DeskContext value={desk}>
      <PlacesContext value={createPlaces(desk, fixture.start.place)}>
        <Today />
      </PlacesContext>
    </DeskContext>,
  );
  await waitFor(() => page.getByTestId('draft-a'));
  const words = (patient: string) => page.getByTestId(`draft-${patient}`).textContent;
  return { host, words };
}

describe('drafts', () => {
  test('say what is marked for signing and what no longer is, and call nothing signed', async () => {
    const { words } = await open();
    expect(words('a')).toContain('Beschluss, noch nicht gezeichnet');
    expect(words('b')).toContain('Beschluss, vorgemerkt zum Zeichnen');
    expect(words('c')).toContain('Beschluss, Vormerkung aufgehoben');
  });

  test('ask to confirm only while the platform answers', async () => {
    const { host, words } = await open();
    expect(words('b')).toContain('wartet auf Ihre Bestätigung');
    expect(words('a') + words('c')).not.toContain('wartet auf Ihre Bestätigung');
    act(() => {
      host.send({ type: 'connection-changed', value: { state: 'offline', since: '2026-11-24T13:30:00+01:00' } });
    });
    expect(words('b')).not.toContain('wartet auf Ihre Bestätigung');
  });
});
