import { act, cleanup, render } from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createPlaces, PlacesContext } from '../frame/place';
import type { ArrivalView } from '../host/contract';
import { createDesk, DeskContext } from '../host/desk';
import { memoryHost } from '../host/memory';
import { at } from '../stories/story';
import { Notices } from './Notices';

const sender = { id: '@sonnkaya:eschenau.example', name: 'Dr. Ayla Sonnkaya', initials: 'AS', own: false, ambiguous: false };
const arrival: ArrivalView = { conversation: '!a:eschenau.example', kind: 'person', sender: null, count: 1, mention: false, invitation: false, call: false };

function open() {
  const fixture = at({ screen: 'today' });
  const host = memoryHost(fixture);
  const desk = createDesk(host, fixture.start);
  const places = createPlaces(desk, fixture.start.place);
  render(
    <DeskContext value={desk}>
      <PlacesContext value={places}>
        <Notices />
      </PlacesContext>
    </DeskContext>,
  );
  const shown = () => host.asked.filter((request) => request.type === 'show-notice').map(({ title, body, conversation }) => ({ title, body, conversation }));
  const arrive = (more: Partial<ArrivalView>) => act(() => host.send({ type: 'messages-arrived', value: { ...arrival, ...more } }));
  return { host, places, shown, arrive };
}

let focused = false;
beforeEach(() => {
  focused = false;
  vi.spyOn(document, 'hasFocus').mockImplementation(() => focused);
});
afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

describe('a notice outside the window', () => {
  test('says that a message arrived, and where a click leads', () => {
    const { arrive, shown } = open();
    arrive({});
    expect(shown()).toEqual([{ title: 'Neue Nachricht', body: null, conversation: '!a:eschenau.example' }]);
  });

  test('speaks of a case without a name', () => {
    const { arrive, shown } = open();
    arrive({ kind: 'case', sender, count: 3 });
    expect(shown()).toEqual([{ title: 'Neue Nachricht in einem Fall', body: '3 Nachrichten', conversation: '!a:eschenau.example' }]);
  });

  test('names who wrote where the settings let it', () => {
    const { arrive, shown } = open();
    arrive({ sender });
    expect(shown()[0]?.title).toBe('Neue Nachricht von Dr. Ayla Sonnkaya');
  });

  test('of a call says that a round has begun, and who calls where the settings let it', () => {
    const { arrive, shown } = open();
    const call = { call: true, count: 2 };
    arrive({ ...call, conversation: null, kind: null });
    arrive({ ...call, kind: 'case', sender });
    arrive({ ...call, kind: 'group', sender });
    arrive({ ...call, sender });
    expect(shown()).toEqual([
      { title: 'Eine Runde hat begonnen', body: null, conversation: null },
      ...['Eine Runde zu einem Fall hat begonnen', 'Dr. Ayla Sonnkaya hat eine Runde begonnen', 'Dr. Ayla Sonnkaya ruft an'].map((title) => ({ title, body: null, conversation: arrival.conversation })),
    ]);
  });

  test('is not shown to who looks at the window', () => {
    const { arrive, shown } = open();
    focused = true;
    arrive({});
    expect(shown()).toEqual([]);
  });

  test('leads to its conversation when it is clicked', () => {
    const { host, places } = open();
    act(() => host.send({ type: 'conversation-wanted', value: { conversation: '!a:eschenau.example' } }));
    expect(places.place.get()).toEqual({ screen: 'messages', conversation: '!a:eschenau.example' });
  });
});
