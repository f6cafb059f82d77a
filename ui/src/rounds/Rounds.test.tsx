import { act, cleanup, fireEvent, render, waitFor } from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { LiveRegions } from '../components/announce';
import { createPlaces, PlacesContext } from '../frame/place';
import type { Place, Reply, Request, RoundStep, RoundView } from '../host/contract';
import { createDesk, DeskContext } from '../host/desk';
import { memoryHost } from '../host/memory';
import type { RoundsFixture } from '../host/memoryRounds';
import { useStore } from '../host/store';
import { useKeyDispatcher } from '../keys/keys';
import { brunnengold, falkenried, lerchenhain, silbertal, sonnkaya } from '../messages/examples';
import { at } from '../stories/story';
import { inRound, people, presentedBy, round, rounds, running, watched } from './examples';
import { Pictures } from './Pictures';
import { RoundBar } from './RoundBar';
import { RoundButton } from './RoundButton';
import { Rounds } from './Rounds';
import { look, peopleShown } from './roundsView';

/** The screen of rounds and the bar, as the frame puts them together. */
async function open(fixture: RoundsFixture, more: { place?: Place; answer?: (request: Request) => Reply | { code: 'round-refused' | 'no-rounds'; detail: string } | undefined } = {}) {
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
        <main>
          {place.screen === 'rounds' ? <Rounds /> : <RoundButton conversation="!steinklee" name="Fall 3" mayBegin stays={place.screen === 'case'} />}
          <input data-testid="field" />
        </main>
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
  const change = (more: Partial<RoundView>) => act(() => host.send({ type: 'rounds-changed', value: { offered: true, running: [], round: round(more) } }));
  const spoken = (how: 'polite' | 'assertive') => page.baseElement.querySelector(`[aria-live=${how}].visually-hidden`)?.textContent ?? '';
  const press = (id: string) => act(() => void fireEvent.click(page.getByTestId(id)));
  return { page, host, desk, places, steps, change, spoken, press };
}

const key = (name: string, init: KeyboardEventInit = {}) => fireEvent.keyDown(document.activeElement ?? document.body, { key: name, ...init });
const ctrl = { ctrlKey: true };

beforeEach(() => {
  look.set('gallery');
  peopleShown.set(null);
});
afterEach(cleanup);

describe('entering', () => {
  test('asks first, without a microphone step, and shows the round', async () => {
    const { page, steps, press } = await open(rounds({ running }));
    press('enter-!steinklee');
    await waitFor(() => page.getByText(/Ihr Mikrofon ist beim Betreten aus/u));
    await waitFor(() => page.getByTestId('device-camera'));
    press('enter');
    await waitFor(() => page.getByTestId('gallery'));
    expect(steps().filter((one) => !['open-pictures', 'check', 'end-check'].includes(one.step))).toEqual([{ step: 'open-devices' }, { step: 'enter', conversation: '!steinklee', camera: true }]);
  });

  test('hears the own voice on a meter, plays a tone, and closes the microphone with the dialog', async () => {
    const { page, steps, press } = await open(rounds({ running }));
    press('enter-!steinklee');
    await waitFor(() => expect(page.getByTestId('meter-said').textContent).toBe('Das Mikrofon hört Sie.'));
    expect(page.getByRole('meter', { name: 'Pegel des Mikrofons' }).getAttribute('aria-valuenow')).toBe('42');
    press('play-tone');
    press('listen');
    await waitFor(() => expect(steps()).toContainEqual({ step: 'check', listen: true }));
    expect(steps()).toContainEqual({ step: 'play-tone' });
    fireEvent.keyDown(document.activeElement ?? document.body, { key: 'Escape' });
    await waitFor(() => expect(steps().at(-1)).toEqual({ step: 'end-check' }));
  });

  test('is possible without being seen', async () => {
    const { page, steps, press } = await open(rounds({ running }));
    press('enter-!steinklee');
    await waitFor(() => page.getByTestId('enter-without'));
    press('enter-without');
    await waitFor(() => expect(steps()).toContainEqual({ step: 'enter', conversation: '!steinklee', camera: false }));
  });

  test('says what is missing, and is possible nevertheless', async () => {
    const { page, steps, press } = await open(rounds({ running }, { devices: { microphones: [], speakers: [], cameras: [{ id: 'test', name: null, chosen: false }] } }));
    press('enter-!steinklee');
    await waitFor(() => page.getByText('Kein Mikrofon gefunden'));
    expect([page.queryByTestId('device-microphone'), page.queryByTestId('enter-without')]).toEqual([null, null]);
    press('enter');
    await waitFor(() => expect(steps()).toContainEqual({ step: 'enter', conversation: '!steinklee', camera: false }));
  });

  test('leaves the other round first', async () => {
    const { page, steps, press } = await open(rounds({ round: round({ conversation: '!auenwald', name: 'Fall 1' }), running }), { place: { screen: 'messages', conversation: '!steinklee' } });
    press('round-enter');
    await waitFor(() => page.getByTestId('enter-without'));
    page.getByText(/Sie sind noch in der Runde „Fall 1“/u);
    press('enter');
    await waitFor(() => expect(steps().filter((one) => one.step === 'leave' || one.step === 'enter')).toEqual([{ step: 'leave' }, { step: 'enter', conversation: '!steinklee', camera: true }]));
  });

  test('that is refused says so in the dialog, and the dialog stays', async () => {
    const { page, press, places } = await open(rounds({ running }), { place: { screen: 'today' }, answer: (request) => (request.type === 'round' && request.round.step === 'enter' ? { code: 'round-refused', detail: '403' } : undefined) });
    press('round-enter');
    await waitFor(() => page.getByTestId('enter-without'));
    press('enter');
    await waitFor(() => page.getByText('Der Server der Runde hat Sie nicht eingelassen.'));
    expect(places.place.get().screen).toBe('today');
  });

  test('from a case stays in the case', async () => {
    const place: Place = { screen: 'case', patient: 'pat-steinklee', tab: 'overview' };
    const { page, press, places } = await open(rounds({ running }), { place });
    press('round-enter');
    await waitFor(() => page.getByTestId('enter-without'));
    press('enter');
    await waitFor(() => page.getByTestId('round-bar'));
    expect(places.place.get()).toEqual(place);
  });
});

describe('the way from a conversation', () => {
  const conversation: Place = { screen: 'messages', conversation: '!steinklee' };

  test('begins, enters or leads back, by what there is', async () => {
    const { page, host } = await open(rounds(), { place: conversation });
    expect(page.getByTestId('round-begin').getAttribute('aria-label')).toBe('Runde beginnen');
    act(() => host.send({ type: 'rounds-changed', value: { offered: true, running, round: null } }));
    expect(page.getByTestId('round-enter').textContent).toBe('Runde betreten · 6');
    act(() => host.send({ type: 'rounds-changed', value: { offered: true, running, round: round() } }));
    expect(page.getByTestId('round-to').textContent).toBe('Zur Runde');
  });

  test('is not there where no rounds are offered', async () => {
    const { page } = await open(rounds({ offered: false }), { place: conversation });
    expect(page.queryByTestId('round-begin')).toBeNull();
  });
});

describe('the keys of a round', () => {
  test('switch microphone, camera and hand also from a text field', async () => {
    const { page, steps, change } = await open(rounds({ round: round() }), { place: { screen: 'today' } });
    act(() => page.getByTestId('field').focus());
    key('d', ctrl);
    key('e', ctrl);
    key('H', { ...ctrl, shiftKey: true });
    const wanted: RoundStep[] = [
      { step: 'set-microphone', on: true },
      { step: 'set-camera', on: false },
      { step: 'set-hand', up: true },
    ];
    expect(steps().filter((one) => one.step !== 'open-pictures')).toEqual(wanted);
    change({ microphone: { state: 'on', device: 'x' }, camera: { state: 'off' }, people: people(3).map((one) => (one.here ? { ...one, hand: 1 } : one)) });
    key('d', ctrl);
    key('H', { ...ctrl, shiftKey: true });
    expect(steps().slice(-2)).toEqual([
      { step: 'set-microphone', on: false },
      { step: 'set-hand', up: false },
    ]);
  });

  test('held let one talk, and end with the first key that comes up', async () => {
    const { steps } = await open(rounds({ round: round() }));
    key(' ', ctrl);
    key(' ', { ...ctrl, repeat: true });
    expect(steps().filter((one) => one.step === 'set-microphone')).toEqual([{ step: 'set-microphone', on: true }]);
    fireEvent.keyUp(window, { key: ' ' });
    fireEvent.keyUp(window, { key: 'Control' });
    expect(steps().filter((one) => one.step === 'set-microphone')).toEqual([
      { step: 'set-microphone', on: true },
      { step: 'set-microphone', on: false },
    ]);
  });

  test('held do not switch off a microphone that was on', async () => {
    const { steps } = await open(rounds({ round: round({ microphone: { state: 'on', device: 'x' } }) }));
    key(' ', ctrl);
    fireEvent.keyUp(window, { key: ' ' });
    expect(steps().filter((one) => one.step === 'set-microphone')).toEqual([]);
  });

  test('end when the window is left with them down', async () => {
    const { steps } = await open(rounds({ round: round() }));
    key(' ', ctrl);
    fireEvent.blur(window);
    expect(steps().filter((one) => one.step === 'set-microphone').at(-1)).toEqual({ step: 'set-microphone', on: false });
  });

  test('do nothing where no round goes on', async () => {
    const { steps } = await open(rounds({ running }));
    key('d', ctrl);
    expect(steps()).toEqual([]);
  });
});

describe('the bar', () => {
  test('leaves with one press, and is gone', async () => {
    const { page, steps, press } = await open(rounds({ round: round() }), { place: { screen: 'today' } });
    press('leave');
    expect(steps()).toContainEqual({ step: 'leave' });
    await waitFor(() => expect(page.queryByTestId('round-bar')).toBeNull());
  });

  test('says why nothing is sent, what holds and what to do, and ends it', async () => {
    const { page, steps } = await open(rounds({ round: round({ microphone: { state: 'stopped', why: 'device-denied' } }) }), { place: { screen: 'today' } });
    const line = page.getByTestId('microphone-stopped');
    expect(line.textContent).toContain('Ihr Betriebssystem gibt Konsil das Mikrofon nicht frei. Sie hören und sehen die anderen weiterhin. Erlauben Sie es');
    act(() => void fireEvent.click([...line.querySelectorAll('button')].at(-1)!));
    expect(steps().at(-1)).toEqual({ step: 'set-microphone', on: false });
  });

  test('says what was refused', async () => {
    const { page, press } = await open(rounds({ round: round() }), { answer: (request) => (request.type === 'round' && request.round.step === 'set-hand' ? { code: 'no-rounds', detail: '' } : undefined) });
    press('round-hand');
    await waitFor(() => page.getByTestId('round-failure'));
  });

  test('on another screen says that the round is over, and why', async () => {
    const { page, spoken, change } = await open(rounds({ round: round() }), { place: { screen: 'today' } });
    change({ phase: { phase: 'ended', why: { end: 'removed' } } });
    expect(page.getByTestId('round-bar').textContent).toContain('Sie wurden aus der Runde oder aus dem Gespräch entfernt.');
    expect(spoken('assertive')).toBe('Sie wurden aus der Runde oder aus dem Gespräch entfernt.');
  });
});

describe('in the round', () => {
  test('hands are a queue in their order, with their places on the tiles', async () => {
    peopleShown.set(true);
    const { page } = await open(rounds({ round: round({ people: [...people(1), inRound(sonnkaya, { hand: 2 }), inRound(brunnengold), inRound(silbertal, { hand: 1 })] }) }));
    expect([...page.getByTestId('hands').querySelectorAll('b')].map((one) => one.textContent)).toEqual(['1 · Silbertal', '2 · Sonnkaya']);
    expect(page.getByTestId(`tile-${inRound(silbertal).id}`).textContent).toContain('Wortmeldung 1');
  });

  test('nobody is seen whose key is missing, and each says why', async () => {
    const states = ['coming', 'missing', 'unconfirmed', 'failed', 'unassigned'] as const;
    const senders = [sonnkaya, brunnengold, silbertal, lerchenhain, inRound(sonnkaya).person];
    const shown = states.map((state, place) => inRound(senders[place]!, { key: state, id: state, speaking: true }));
    const { page } = await open(rounds({ round: round({ people: [...people(1), ...shown] }) }));
    const words = states.map((state) => page.getByTestId(`tile-${state}`).querySelector('b')?.textContent);
    expect(words).toEqual(['tritt gerade ein', 'Schlüssel fehlt noch', 'Gerät nicht bestätigt', 'nicht zu entschlüsseln', 'nicht zuzuordnen']);
    expect(states.map((state) => page.getByTestId(`tile-${state}`).querySelector('canvas'))).toEqual([null, null, null, null, null]);
  });

  test('a device that its owner has not confirmed is allowed after a question', async () => {
    const person = inRound(silbertal, { key: 'unconfirmed', id: 'silbertal' });
    const { page, steps, press } = await open(rounds({ round: round({ people: [...people(1), person] }) }));
    press('allow-silbertal');
    expect(page.getByTestId('allow-dialog').textContent).toContain('Silbertal hat dieses Gerät nicht bestätigt.');
    expect(steps().some((one) => one.step === 'allow')).toBe(false);
    press('allow-do');
    await waitFor(() => expect(page.queryByTestId('allow-dialog')).toBeNull());
    expect(steps()).toContainEqual({ step: 'allow', person: 'silbertal' });
  });

  test('the others turn grey after five seconds without a way, and this person does not', async () => {
    const { page, change } = await open(rounds({ round: round({ people: people(2) }) }));
    vi.useFakeTimers();
    change({ people: people(2), phase: { phase: 'reconnecting', attempt: 1 } });
    const away = () => [...page.getByTestId('gallery').children].map((tile) => tile instanceof HTMLElement && tile.dataset['away'] !== undefined);
    act(() => void vi.advanceTimersByTime(4900));
    expect(away()).toEqual([false, false]);
    act(() => void vi.advanceTimersByTime(200));
    expect(away()).toEqual([true, false]);
    vi.useRealTimers();
  });

  test('comings and goings are told together', async () => {
    const { spoken, change } = await open(rounds({ round: round({ people: people(2) }) }));
    vi.useFakeTimers();
    change({ people: people(3) });
    change({ people: people(4) });
    act(() => void vi.advanceTimersByTime(5000));
    expect(spoken('polite')).toBe('In der Runde: Sonnkaya, Brunnengold');
    vi.useRealTimers();
  });

  test('a hand of somebody else is told at once', async () => {
    const { spoken, change } = await open(rounds({ round: round({ people: people(3) }) }));
    change({ people: people(3).map((one) => (one.person === sonnkaya ? { ...one, hand: 1 } : one)) });
    expect(spoken('polite')).toBe('Sonnkaya meldet sich zu Wort');
  });
});

describe('images that somebody shows', () => {
  const images: Place = { screen: 'case', patient: 'pat-auenwald', tab: 'images' };
  const shown = { presenting: presentedBy(sonnkaya), mayPresent: false };

  test('take whoever looks at the round to them, once', async () => {
    const { places, change, spoken } = await open(rounds({ round: round() }));
    change(shown);
    expect(places.place.get()).toEqual(images);
    expect(spoken('polite')).toBe('Sonnkaya zeigt Bilder');
    act(() => places.go({ screen: 'rounds' }));
    change({ ...shown, microphone: { state: 'off' } });
    expect(places.place.get()).toEqual({ screen: 'rounds' });
  });

  test('are offered to whoever reads elsewhere', async () => {
    const { page, places, change, press } = await open(rounds({ round: round() }), { place: { screen: 'today' } });
    change(shown);
    expect(places.place.get()).toEqual({ screen: 'today' });
    expect(page.getByTestId('round-shown').textContent).toBe('Sonnkaya zeigt BilderMitsehen');
    press('see-shown');
    expect(places.place.get()).toEqual(images);
    expect(page.queryByTestId('round-shown')).toBeNull();
  });

  test('of another case are a question, and nobody is taken anywhere', async () => {
    const { page, places, change, press, steps } = await open(rounds({ round: round() }));
    change({ presenting: presentedBy(sonnkaya, { case: { state: 'asking', number: 4 } }), mayPresent: false });
    expect(places.place.get()).toEqual({ screen: 'rounds' });
    expect(page.getByTestId('round-shown').textContent).toContain('Sonnkaya zeigt einen anderen Fall als den dieses Gesprächs.');
    press('open-shown-case');
    await waitFor(() => expect(steps()).toContainEqual({ step: 'open-presented-case', number: 4 }));
  });

  test('that cannot be opened say so', async () => {
    const { page, change } = await open(rounds({ round: round() }));
    change({ presenting: presentedBy(sonnkaya, { case: { state: 'closed', number: 1, failure: { code: 'not-allowed', detail: '' } } }), mayPresent: false });
    expect(page.getByTestId('round-shown').textContent).toContain('Sonnkaya zeigt einen Fall, den Sie nicht öffnen können.');
  });

  test('are shown with what each of the others sees of them', async () => {
    const watching = [watched(lerchenhain, null), watched(sonnkaya, 'loading', 87, 135), watched(brunnengold, 'no-access')];
    const { page, press } = await open(rounds({ round: round({ people: people(4), presenting: presentedBy(falkenried, { watching }) }) }));
    press('people-toggle');
    const said = page.getByTestId('round-people').textContent;
    for (const words of ['zeigt Bilder', 'sieht mit', 'lädt 87 von 135', 'kann den Fall nicht öffnen']) expect(said).toContain(words);
  });

  test('end by the bar, from wherever one reads', async () => {
    const { page, press, steps } = await open(rounds({ round: round({ presenting: presentedBy(falkenried) }) }), { place: { screen: 'today' } });
    expect(page.getByTestId('round-shown').textContent).toContain('Sie zeigen Bilder');
    press('stop-shown');
    await waitFor(() => expect(page.queryByTestId('round-shown')).toBeNull());
    expect(steps()).toContainEqual({ step: 'stop-presenting' });
  });
});

describe('moderating', () => {
  const led = { moderates: true, people: people(4).map((one) => (one.person === sonnkaya ? { ...one, hand: 1 } : one)) };

  test('mutes, lowers a hand and removes after a question, by the list of people', async () => {
    const { steps, press } = await open(rounds({ round: round(led) }));
    const about = `about-${inRound(sonnkaya).id}`;
    press('people-toggle');
    for (const entry of ['mute', 'lower-hand']) {
      press(about);
      press(`menu-${entry}`);
    }
    press(about);
    press('menu-remove');
    expect(steps().some((one) => one.step === 'remove')).toBe(false);
    press('remove-do');
    const person = inRound(sonnkaya).id;
    await waitFor(() => expect(steps()).toEqual(expect.arrayContaining([{ step: 'mute', person }, { step: 'lower-hand', person }, { step: 'remove', person }])));
  });

  test('is offered to nobody else', async () => {
    const { page, press } = await open(rounds({ round: round({ ...led, moderates: false }) }));
    press('people-toggle');
    press(`about-${inRound(sonnkaya).id}`);
    expect([...page.baseElement.querySelectorAll('[data-testid^=menu-]')].map((one) => one.getAttribute('data-testid'))).toEqual(['menu-volume']);
  });

  test('asks once whether the round is over, and a participant leaves with one click', async () => {
    const { page, steps, press, change } = await open(rounds({ round: round(led) }));
    press('leave');
    expect(steps()).not.toContainEqual({ step: 'leave' });
    press('end-for-all');
    await waitFor(() => expect(page.getByTestId('round-ended').textContent).toContain('Die Runde wurde für alle beendet.'));
    change({ moderates: false });
    press('leave');
    await waitFor(() => expect(steps()).toContainEqual({ step: 'leave' }));
  });
});

describe('the end', () => {
  test.each([
    ['removed', 'Sie wurden aus der Runde oder aus dem Gespräch entfernt.', false],
    ['closed', 'Die Runde wurde für alle beendet.', true],
    ['elsewhere', 'Sie haben die Runde an einem anderen Platz betreten.', true],
    ['lost', 'Die Verbindung zur Runde ließ sich nicht wiederherstellen.', true],
  ] as const)('by %s says why, and forgets the round', async (end, words, returns) => {
    const { page, steps, press } = await open(rounds({ round: round({ phase: { phase: 'ended', why: { end } } }) }));
    expect(page.getByTestId('round-ended').textContent).toContain(words);
    expect(page.queryByTestId('enter-again') !== null).toBe(returns);
    press('round-forget');
    await waitFor(() => expect(page.queryByTestId('round-ended')).toBeNull());
    expect(steps()).toEqual([{ step: 'leave' }]);
  });
});
