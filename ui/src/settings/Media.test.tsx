import { act, cleanup, fireEvent, render, waitFor } from '@testing-library/react';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { App } from '../App';
import type { Failure, Place, Reply, Request, RoundDevicesView, RoundStep } from '../host/contract';
import { createDesk } from '../host/desk';
import { memoryHost } from '../host/memory';
import type { RoundsFixture } from '../host/memoryRounds';
import { devices, round, rounds } from '../rounds/examples';
import { falkenried } from '../stories/people';
import { at } from '../stories/story';

/** The whole program, at the section. */
async function open(fixture: RoundsFixture, more: { place?: Place; answer?: (request: Request) => Reply | Failure | undefined } = {}) {
  const start = at(more.place ?? { screen: 'settings' }, { rounds: fixture, ...(more.answer ? { answer: more.answer } : {}) });
  const host = memoryHost(start);
  const desk = createDesk(host, start.start);
  const page = render(<App desk={desk} place={start.start.place} />);
  await waitFor(() => expect(desk.rounds.get().state).toBe('here'));
  const press = (id: string) => act(() => void fireEvent.click(page.getByTestId(id)));
  if (more.place === undefined) {
    press('settings-media');
    await waitFor(() => page.getByText('Ihre Stimme'));
  }
  const steps = () => host.asked.flatMap((request): RoundStep[] => (request.type === 'round' ? [request.round] : []));
  const asked = (step: RoundStep['step']) => steps().filter((one) => one.step === step).length;
  const checks = () => asked('check') + asked('check-camera');
  const pass = (millis: number) => act(() => vi.advanceTimersByTimeAsync(millis));
  return { page, host, desk, press, steps, asked, checks, pass };
}

const seen = (state: 'visible' | 'hidden') =>
  act(() => {
    vi.spyOn(document, 'visibilityState', 'get').mockReturnValue(state);
    document.dispatchEvent(new window.Event('visibilitychange'));
  });

afterEach(() => {
  cleanup();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Nothing is open, and nothing opens again. */
async function closes({ checks, asked, pass }: Awaited<ReturnType<typeof open>>) {
  vi.useFakeTimers();
  await pass(300);
  const before = checks();
  expect(asked('end-check')).toBe(1);
  await pass(5000);
  expect([checks(), asked('end-check')]).toEqual([before, 1]);
}

describe('camera and sound in the settings', () => {
  test('stand between appearance and images, and open nothing where arrow keys pass by', async () => {
    const { page } = await open(rounds());
    const tab = page.getByTestId('settings-media');
    const tabs = page.getAllByRole('tab').map((one) => one.getAttribute('data-testid'));
    expect(tabs.slice(1, 4)).toEqual(['settings-appearance', 'settings-media', 'settings-images']);
    const enter = () => {
      fireEvent.keyDown(document.activeElement ?? document.body, { key: 'Enter' });
      fireEvent.keyUp(document.activeElement ?? document.body, { key: 'Enter' });
    };
    act(() => page.getByTestId('settings-appearance').focus());
    enter();
    fireEvent.keyDown(document.activeElement ?? document.body, { key: 'ArrowDown' });
    expect([document.activeElement, tab.getAttribute('aria-selected')]).toEqual([tab, 'false']);
    enter();
    expect(tab.getAttribute('aria-selected')).toBe('true');
  });

  test('say when they are open, move a meter, play a tone and the own voice', async () => {
    const { page, steps, press } = await open(rounds());
    page.getByText(/Kamera und Mikrofon sind nur offen, solange Sie diese Seite sehen/u);
    await waitFor(() => expect(page.getByTestId('meter-said').textContent).toBe('Das Mikrofon hört Sie.'));
    page.getByTestId('sight');
    press('play-tone');
    press('listen');
    await waitFor(() => expect(steps()).toContainEqual({ step: 'check', listen: true }));
    expect(steps()).toContainEqual({ step: 'play-tone' });
  });

  test('are closed with the section', async () => {
    const opened = await open(rounds());
    await waitFor(() => expect(opened.checks()).toBeGreaterThan(1));
    opened.press('settings-images');
    await closes(opened);
  });

  test('are closed with the settings, which begin anew at their first section', async () => {
    const opened = await open(rounds());
    await waitFor(() => expect(opened.checks()).toBeGreaterThan(1));
    opened.press('rail-today');
    await closes(opened);
    opened.press('rail-settings');
    expect(opened.page.getByTestId('settings-person').getAttribute('aria-selected')).toBe('true');
  });

  test.each(['locked', 'signed-out'] as const)('are closed where the desk is %s', async (state) => {
    const opened = await open(rounds());
    await waitFor(() => expect(opened.checks()).toBeGreaterThan(1));
    const failure = null;
    const value = state === 'locked' ? ({ state, person: falkenried, since: '2026-11-24T13:36:00+01:00', waiting: false, link: null, failure, inRound: false } as const) : ({ state, address: null, addressFixed: false, failure } as const);
    act(() => opened.host.send({ type: 'session-changed', value }));
    await closes(opened);
  });

  test('are closed behind a hidden window, and opened again when it is seen', async () => {
    const opened = await open(rounds());
    await waitFor(() => expect(opened.checks()).toBeGreaterThan(1));
    seen('hidden');
    await closes(opened);
    const before = opened.asked('open-devices');
    await opened.pass(10_000);
    expect(opened.asked('open-devices')).toBe(before);
    const last = opened.checks();
    seen('visible');
    await opened.pass(300);
    expect(opened.checks()).toBeGreaterThan(last);
  });

  test('are chosen at once, and the program’s answer is what is shown', async () => {
    const { page, steps } = await open(rounds());
    await waitFor(() => page.getByTestId('device-microphone'));
    expect(page.getByTestId('device-microphone').textContent).toBe('Jabra Evolve2 40');
    act(() => page.getByTestId('device-microphone').focus());
    fireEvent.keyDown(document.activeElement ?? document.body, { key: 'ArrowLeft' });
    await waitFor(() => expect(page.getByTestId('device-microphone').textContent).toBe('Standard des Systems'));
    expect(steps()).toContainEqual({ step: 'choose-device', what: 'microphone', device: 'default' });
  });

  test('say what is missing, and check nothing of it', async () => {
    const { page, asked } = await open(rounds({}, { devices: { microphones: [], speakers: [], cameras: [{ id: 'test-card', name: null, chosen: false }] } }));
    await waitFor(() => page.getByTestId('lacks-microphone'));
    expect(['lacks-speaker', 'lacks-camera', 'meter', 'play-tone', 'sight'].map((id) => page.queryByTestId(id) !== null)).toEqual([true, true, false, false, false]);
    expect([asked('check'), asked('check-camera')]).toEqual([0, 0]);
  });

  test('that the operating system forbids say so, and what to do', async () => {
    const { page } = await open(rounds({}, { sight: { camera: { state: 'stopped', why: 'device-denied' }, picture: null } }), {
      answer: (request) => (request.type === 'round' && request.round.step === 'check' ? { type: 'round-check', value: { microphone: { state: 'stopped', why: 'device-denied' }, level: 0 } } : undefined),
    });
    await waitFor(() => expect(page.getByTestId('meter').textContent).toContain('Ihr Betriebssystem gibt Konsil das Mikrofon nicht frei. Erlauben Sie es'));
    await waitFor(() => expect(page.getByTestId('sight-said').textContent).toContain('Ihr Betriebssystem gibt Konsil die Kamera nicht frei.Erlauben Sie es'));
  });

  test('that cannot be listed say so, and are looked for again', async () => {
    let fails = true;
    const { page } = await open(rounds(), { answer: (request) => (fails && request.type === 'round' && request.round.step === 'open-devices' ? { code: 'internal', detail: '' } : undefined) });
    const again = await waitFor(() => page.getByRole('button', { name: 'Erneut versuchen' }));
    fails = false;
    act(() => void fireEvent.click(again));
    await waitFor(() => page.getByTestId('device-speaker'));
  });

  test('that are plugged in or out are listed by themselves and said once', async () => {
    let there: RoundDevicesView = { ...devices, microphones: devices.microphones.slice(0, 1), speakers: devices.speakers.slice(0, 1) };
    const { page, pass } = await open(rounds(), { answer: (request) => (request.type === 'round' && request.round.step === 'open-devices' ? { type: 'round-devices', value: there } : undefined) });
    await waitFor(() => page.getByTestId('device-microphone'));
    expect(page.queryByTestId('device-news')).toBeNull();
    vi.useFakeTimers();
    there = devices;
    // The next look was set up before the clock stood still.
    seen('hidden');
    seen('visible');
    await pass(100);
    const spoken = () => [...page.baseElement.querySelectorAll('[aria-live=polite].visually-hidden')].map((one) => one.textContent).join('');
    expect([page.getByTestId('device-news').textContent, spoken()]).toEqual(['Neu angeschlossen: Jabra Evolve2 40.', 'Neu angeschlossen: Jabra Evolve2 40.']);
    there = { ...devices, cameras: devices.cameras.slice(1) };
    await pass(3100);
    expect(page.getByTestId('device-news').textContent).toBe('Nicht mehr da: Integrierte Kamera.');
    page.getByTestId('lacks-camera');
  });

  test('show the keys that a round has', async () => {
    const { page } = await open(rounds());
    for (const words of ['Mikrofon ein oder aus', 'Sprechen, solange gehalten', 'Kamera ein oder aus']) page.getByText(words);
  });
});

describe('while a round goes on, camera and sound in the settings', () => {
  const inRound = round({ microphone: { state: 'on', device: 'Jabra Evolve2 40' }, camera: { state: 'off' } });

  test('say what is used there, and check nothing', async () => {
    const { page, checks, pass } = await open(rounds({ round: inRound }));
    await waitFor(() => page.getByTestId('device-camera'));
    page.getByText('Sie sind in der Runde „Fall 3“');
    page.getByText('In der Runde eingeschaltet: Jabra Evolve2 40');
    page.getByText('In der Runde ausgeschaltet');
    expect(page.queryByText(/Kamera und Mikrofon sind nur offen/u)).toBeNull();
    expect(['meter', 'play-tone', 'sight'].map((id) => page.queryByTestId(id))).toEqual([null, null, null]);
    vi.useFakeTimers();
    await pass(3000);
    expect(checks()).toBe(0);
  });

  test('are changed in the round, and lead to it and to how it is connected', async () => {
    const { page, steps, press } = await open(rounds({ round: inRound }));
    await waitFor(() => page.getByTestId('device-speaker'));
    act(() => page.getByTestId('device-speaker').focus());
    fireEvent.keyDown(document.activeElement ?? document.body, { key: 'ArrowLeft' });
    await waitFor(() => expect(steps()).toContainEqual({ step: 'choose-device', what: 'speaker', device: 'default' }));
    press('media-way');
    await waitFor(() => page.getByTestId('way-facts'));
    fireEvent.keyDown(document.activeElement ?? document.body, { key: 'Escape' });
    await waitFor(() => expect(page.queryByTestId('way-dialog')).toBeNull());
    press('media-to-round');
    await waitFor(() => page.getByTestId('rounds'));
  });

  test('are checked again when it is over, and not before', async () => {
    const { page, host, checks } = await open(rounds({ round: round({ phase: { phase: 'entering', doing: 'joining' }, since: null, people: [] }) }));
    await waitFor(() => page.getByTestId('device-camera'));
    expect([page.queryByTestId('media-way'), checks()]).toEqual([null, 0]);
    act(() => host.send({ type: 'rounds-changed', value: { offered: true, running: [], calls: [], round: null } }));
    await waitFor(() => expect(checks()).toBeGreaterThan(1));
    page.getByText(/Kamera und Mikrofon sind nur offen/u);
  });
});

describe('the way to camera and sound', () => {
  const today: Place = { screen: 'today' };

  test('begins at the next board', async () => {
    const { page, press } = await open(rounds(), { place: today });
    await waitFor(() => page.getByTestId('check-media'));
    press('check-media');
    expect(page.getByTestId('settings-media').getAttribute('aria-selected')).toBe('true');
  });

  test('is found by its name', async () => {
    const { page } = await open(rounds(), { place: today });
    fireEvent.keyDown(document.body, { key: 'k', ctrlKey: true });
    const line = await waitFor(() => page.getByTestId('palette-input'));
    fireEvent.change(line, { target: { value: 'Kamera' } });
    const choice = await waitFor(() => page.getByTestId('palette-settings-media'));
    expect(choice.textContent).toContain('Kamera und Ton prüfen');
    act(() => void fireEvent.click(choice));
    await waitFor(() => expect(page.getByTestId('settings-media').getAttribute('aria-selected')).toBe('true'));
  });

  test('is not offered where no rounds are held', async () => {
    const { page } = await open(rounds({ offered: false }), { place: today });
    await waitFor(() => page.getByTestId('board-card'));
    expect(page.queryByTestId('check-media')).toBeNull();
  });
});
