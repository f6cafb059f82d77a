import { act, cleanup, render, waitFor } from '@testing-library/react';
import { afterEach, expect, test } from 'vitest';
import { App } from '../App';
import { createDesk } from '../host/desk';
import { memoryHost } from '../host/memory';
import { round, rounds } from '../rounds/examples';
import { falkenried } from '../stories/people';
import { at } from '../stories/story';

afterEach(cleanup);

const lockedSince = (inRound: boolean) => ({ state: 'locked', person: falkenried, since: '2026-11-24T13:02:00+01:00', waiting: false, link: null, failure: null, inRound }) as const;

async function lockedIn(name: string) {
  const start = at({ screen: 'today' }, { rounds: rounds({ round: round({ name }) }) });
  const host = memoryHost(start);
  const desk = createDesk(host, start.start);
  const page = render(<App desk={desk} place={start.start.place} />);
  await waitFor(() => page.getByTestId('round-bar'));
  await act(() => host.call({ type: 'lock' }));
  await waitFor(() => page.getByTestId('locked'));
  return { page, host };
}

test('the locked screen says that a round goes on without picture and microphone, and names neither it nor anybody in it', async () => {
  const { page } = await lockedIn('Fall Steinklee');
  expect(page.getByTestId('locked-round').textContent).toBe('Ihre Runde läuft weiter: ohne Ihr Bild, und Ihr Mikrofon ist aus.');
  expect(page.baseElement.textContent).not.toMatch(/Steinklee|Sonnkaya|Brunnengold/u);
});

test('a round that ends behind the lock is not said to go on', async () => {
  const { page, host } = await lockedIn('Fall 3');
  act(() => host.send({ type: 'session-changed', value: lockedSince(false) }));
  expect(page.queryByTestId('locked-round')).toBeNull();
});
