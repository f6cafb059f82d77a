import { cleanup, fireEvent, render, waitFor } from '@testing-library/react';
import { afterEach, describe, expect, test } from 'vitest';
import { LiveRegions } from '../components/announce';
import { createPlaces, PlacesContext } from '../frame/place';
import type { ComparisonEnd, ComparisonView, Failure, Request, TrustStep } from '../host/contract';
import { createDesk, DeskContext } from '../host/desk';
import { memoryHost } from '../host/memory';
import { chat, chatView, steinklee } from '../messages/examples';
import { at } from '../stories/story';
import { Comparison } from './Comparison';
import { Devices } from './Devices';
import { PeopleDialog } from './People';
import { ResetDialog } from './Reset';
import { sasEmoji } from './sasEmoji';

const colleague = steinklee.members[3]!;
const device = { id: 'HIER', name: 'Konsil, Linux', this: true, trust: 'confirmed', lastSeen: null } as const;
const tablet = { id: 'TABLETT', name: 'Tablet', this: false, trust: 'confirmed', lastSeen: null } as const;

function open(part: 'comparison' | 'devices' | 'people' | 'reset', comparison: ComparisonView | null = null, answer?: (request: Request) => Failure | undefined) {
  const fixture = at({ screen: 'messages', conversation: null }, { chat: { ...chat, trust: { devices: [device, tablet], password: 'richtig' }, view: chatView({ comparison }) }, ...(answer ? { answer } : {}) });
  const host = memoryHost(fixture);
  const desk = createDesk(host, fixture.start);
  const places = createPlaces(desk, fixture.start.place);
  desk.openChat();
  const page = render(
    <DeskContext value={desk}>
      <PlacesContext value={places}>
        <Comparison />
        {part === 'devices' && <Devices />}
        {part === 'people' && <PeopleDialog view={{ ...steinklee, confirmed: [steinklee.members[1]!.id] }} close={() => undefined} />}
        {part === 'reset' && <ResetDialog close={() => undefined} />}
        <LiveRegions />
      </PlacesContext>
    </DeskContext>,
  );
  const asked = (step: TrustStep['step']) => host.asked.filter((request): request is Extract<Request, { type: 'trust' }> => request.type === 'trust' && request.trust.step === step);
  return { page, asked };
}

const from = (state: ComparisonView['state'], byThem: boolean): ComparisonView => ({ id: 'one', with: { who: 'person', person: colleague }, byThem, state });

afterEach(cleanup);

describe('a comparison', () => {
  // The specification's table, "SAS method: emoji": first, last, and two in between.
  test('shows the pictures of the specification at their places', () => {
    expect(sasEmoji).toHaveLength(64);
    expect([0, 11, 38, 63].map((place) => sasEmoji[place]?.picture)).toEqual(['🐶', '🐢', '⌛', '📌']);
    expect(new Set(sasEmoji.map((one) => one.picture)).size).toBe(64);
  });

  test('asked for by somebody waits in a line until it is taken', async () => {
    const { page, asked } = open('comparison', from({ state: 'asked' }, true));
    await page.findByTestId('comparison-asked');
    expect(page.queryByTestId('comparison')).toBeNull();
    fireEvent.click(page.getByTestId('comparison-accept'));
    await page.findByTestId('comparison-emoji');
    expect(asked('accept-verification')).toHaveLength(1);
  });

  test('says what was seen, and a difference trusts nobody', async () => {
    const { page, asked } = open('comparison', from({ state: 'comparing', emoji: [7, 13, 29, 40, 47, 51, 63], numbers: [4718, 1923, 8236] }, false));
    const list = await page.findByTestId('comparison-emoji');
    expect([...list.children].map((one) => one.textContent)).toEqual(['🐰Hase', '🐙Oktopus', '❤️Herz', '🎁Geschenk', '🔑Schlüssel', '🚂Zug', '📌Stecknadel']);
    fireEvent.click(page.getByTestId('comparison-turn'));
    expect(page.getByTestId('comparison-numbers').textContent).toBe('471819238236');
    fireEvent.click(page.getByTestId('comparison-other'));
    await page.findByText('Es war nicht dasselbe: Niemand wurde bestätigt');
    expect(asked('compare-verification').map((request) => request.trust)).toEqual([{ step: 'compare-verification', same: false }]);
  });

  test('that ended before anybody looked is forgotten without a word', async () => {
    const { page, asked } = open('comparison', from({ state: 'ended', end: 'timeout' }, true));
    await waitFor(() => expect(asked('leave-verification')).toHaveLength(1));
    expect(page.queryByTestId('comparison')).toBeNull();
  });

  test.each<[ComparisonEnd, string, string]>([
    ['mismatch', 'Es war nicht dasselbe: Niemand wurde bestätigt', 'Schreiben Sie nichts Vertrauliches'],
    ['cancelled', 'Sie haben abgebrochen', 'Niemand wurde bestätigt.'],
    ['refused', `${colleague.name} hat abgebrochen`, 'Niemand wurde bestätigt.'],
    ['timeout', 'Es hat zu lange gedauert', 'Halten Sie beide Geräte bereit'],
    ['elsewhere', 'Ein anderes Ihrer Geräte hat übernommen', 'Machen Sie dort weiter.'],
    ['failed', 'Die beiden Geräte haben sich nicht verstanden', 'Niemand wurde bestätigt.'],
  ])('that ended by %s says why and what to do', async (end, what, next) => {
    const { page } = open('comparison', from({ state: 'ended', end }, false));
    const dialog = await page.findByTestId('comparison');
    expect([dialog.textContent.includes(what), dialog.textContent.includes(next)]).toEqual([true, true]);
  });

  test('begins beside a person who is not confirmed', async () => {
    const { page, asked } = open('people');
    await page.findByTestId('people');
    expect(page.queryByTestId(`compare-${steinklee.members[1]!.id}`)).toBeNull();
    fireEvent.click(page.getByTestId(`compare-${colleague.id}`));
    await waitFor(() => expect(asked('verify-person')).toHaveLength(1));
  });
});

test('a device is signed out once the homeserver knows who asks', async () => {
  const { page, asked } = open('devices');
  fireEvent.click(await page.findByTestId('device-end-TABLETT'));
  fireEvent.click(await page.findByTestId('device-end-now'));
  const type = async (text: string) => fireEvent.change(await page.findByTestId('proof-password'), { target: { value: text } });
  await type('falsch');
  fireEvent.click(page.getByTestId('device-end-now'));
  await page.findByText('Das Kennwort ist falsch.');
  await type('richtig');
  fireEvent.click(page.getByTestId('device-end-now'));
  await waitFor(() => expect(page.queryByTestId('device-TABLETT')).toBeNull());
  expect(asked('end-device').map(({ trust }) => (trust.step === 'end-device' ? trust.proof : null))).toEqual([
    null,
    { way: 'password', session: 'proof', password: 'falsch' },
    { way: 'password', session: 'proof', password: 'richtig' },
  ]);
});

test('a proof that cannot be given here is said in words that fit a device and an identity', async () => {
  const refuse = (request: Request): Failure | undefined => (request.type === 'trust' && (request.trust.step === 'end-device' || request.trust.step === 'reset-identity') ? { code: 'proof-impossible', detail: '' } : undefined);
  const words = 'Der Nachrichtendienst verlangt dafür eine Bestätigung, die er hier nicht zulässt.';
  const { page } = open('devices', null, refuse);
  fireEvent.click(await page.findByTestId('device-end-TABLETT'));
  fireEvent.click(await page.findByTestId('device-end-now'));
  await page.findByText(words);
  await page.findByText('Ihre IT kann es in der Verwaltung der Nachrichten für Sie tun.', { exact: false });
  expect(page.queryByTestId('proof-password')).toBeNull();
  cleanup();
  const reset = open('reset', null, refuse).page;
  for (const box of reset.queryAllByRole('checkbox')) fireEvent.click(box);
  fireEvent.click(await reset.findByTestId('reset-now'));
  await reset.findByText(words);
  await reset.findByText('Ihre IT kann es in der Verwaltung der Nachrichten für Sie tun.', { exact: false });
});
