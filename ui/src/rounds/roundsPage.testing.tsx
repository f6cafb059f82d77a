/** What the facts about rounds share: the screen of rounds and the bar before a host in memory, and the keyboard. */
import { act, cleanup, fireEvent, render, waitFor } from '@testing-library/react';
import { afterEach, beforeEach, expect, vi } from 'vitest';
import { LiveRegions } from '../components/announce';
import { createPlaces, PlacesContext } from '../frame/place';
import type { Place, Reply, Request, RoundStep, RoundView } from '../host/contract';
import { createDesk, DeskContext } from '../host/desk';
import { memoryHost } from '../host/memory';
import type { RoundsFixture } from '../host/memoryRounds';
import { useStore } from '../host/store';
import { useKeyDispatcher } from '../keys/keys';
import { at } from '../stories/story';
import { round } from './examples';
import { Pictures } from './Pictures';
import { Calls } from './Calls';
import { RoundBar } from './RoundBar';
import { RoundButton } from './RoundButton';
import { Rounds } from './Rounds';
import { look, peopleShown } from './roundsView';

/** The screen of rounds and the bar, as the frame puts them together. */
export async function open(fixture: RoundsFixture, more: { place?: Place; answer?: (request: Request) => Reply | { code: 'round-refused' | 'no-rounds'; detail: string } | undefined } = {}) {
  const start = at(more.place ?? { screen: 'rounds' }, { rounds: fixture, ...(more.answer ? { answer: more.answer } : {}) });
  const host = memoryHost(start);
  const desk = createDesk(host, start.start);
  const places = createPlaces(desk, start.start.place);
  desk.openRounds();
  function Screen() {
    const place = useStore(places.place);
    useKeyDispatcher(true);
    return (
      <Pictures>
        <main tabIndex={-1}>
          {place.screen === 'rounds' ? <Rounds /> : <RoundButton conversation="!steinklee" name="Fall 3" mayBegin stays={place.screen === 'case'} />}
          <input data-testid="field" />
        </main>
        <Calls onScreen={place.screen === 'rounds'} stays={place.screen === 'case'} />
        <RoundBar onScreen={place.screen === 'rounds'} />
      </Pictures>
    );
  }
  const page = render(
    <DeskContext value={desk}>
      <PlacesContext value={places}>
        <Screen />
        <LiveRegions />
      </PlacesContext>
    </DeskContext>,
  );
  await waitFor(() => expect(desk.rounds.get().state).toBe('here'));
  const steps = () => host.asked.flatMap((request): RoundStep[] => (request.type === 'round' && request.round.step !== 'open-presented' ? [request.round] : []));
  const change = (more: Partial<RoundView>) => act(() => host.send({ type: 'rounds-changed', value: { offered: true, running: [], calls: [], round: round(more) } }));
  const spoken = (how: 'polite' | 'assertive') => page.baseElement.querySelector(`[aria-live=${how}].visually-hidden`)?.textContent ?? '';
  const press = (id: string) => act(() => void fireEvent.click(page.getByTestId(id)));
  return { page, host, desk, places, steps, change, spoken, press };
}

export const key = (name: string, init: KeyboardEventInit = {}) => fireEvent.keyDown(document.activeElement ?? document.body, { key: name, ...init });
export const ctrl = { ctrlKey: true };

/** Each fact begins with a round that nobody has looked at. */
export function eachAnew(): void {
  beforeEach(() => {
    look.set('gallery');
    peopleShown.set(null);
  });
  afterEach(() => {
    cleanup();
    // What failed may have left them.
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });
}
