import { act, cleanup, fireEvent, render, type RenderResult, waitFor, within } from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { LiveRegions } from '../components/announce';
import { createPlaces, PlacesContext } from '../frame/place';
import type { Place, Reply, Request, RoundAdvice, RoundStep, RoundView } from '../host/contract';
import { createDesk, DeskContext } from '../host/desk';
import { memoryHost } from '../host/memory';
import type { RoundsFixture } from '../host/memoryRounds';
import { useStore } from '../host/store';
import { useKeyDispatcher } from '../keys/keys';
import { brunnengold, falkenried, lerchenhain, silbertal, sonnkaya, weidenlohe } from '../messages/examples';
import { at } from '../stories/story';
import { callOf, inRound, people, presentedBy, round, rounds, running, screenOf, surfaces, watched, way } from './examples';
import { Pictures } from './Pictures';
import { Calls } from './Calls';
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

const key = (name: string, init: KeyboardEventInit = {}) => fireEvent.keyDown(document.activeElement ?? document.body, { key: name, ...init });
const ctrl = { ctrlKey: true };

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

describe('entering', () => {
  test('asks first, without a microphone step, and shows the round', async () => {
    const { page, steps, press } = await open(rounds({ running }));
    press('enter-!steinklee');
    await waitFor(() => page.getByText(/Ihr Mikrofon ist beim Betreten aus/u));
    await waitFor(() => page.getByTestId('device-camera'));
    press('enter');
    await waitFor(() => page.getByTestId('gallery'));
    expect(steps().filter((one) => !['open-pictures', 'check', 'check-camera', 'end-check'].includes(one.step))).toEqual([{ step: 'open-devices' }, { step: 'enter', conversation: '!steinklee', camera: true }]);
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
    const { page, steps, press } = await open(rounds({ running }, { devices: { microphones: [], speakers: [], cameras: [{ id: 'test-card', name: null, chosen: false }] } }));
    press('enter-!steinklee');
    await waitFor(() => page.getByText('Kein Mikrofon gefunden'));
    expect([page.queryByTestId('device-microphone'), page.queryByTestId('enter-without')]).toEqual([null, null]);
    expect([page.getByTestId('device-camera').textContent, page.getByTestId('lacks-camera').textContent]).toEqual(['Keine', 'Keine Kamera gefundenDie anderen sehen Ihre Initialen. Schließen Sie eine Kamera an, um gesehen zu werden.']);
    press('enter');
    await waitFor(() => expect(steps()).toContainEqual({ step: 'enter', conversation: '!steinklee', camera: false }));
  });

  test('with a test picture in the place of a camera says what the others see', async () => {
    const { page, steps, press } = await open(rounds({ running }, { devices: { microphones: [], speakers: [], cameras: [{ id: 'test-card', name: null, chosen: true }] } }));
    press('enter-!steinklee');
    await waitFor(() => page.getByTestId('enter-without'));
    expect([page.getByTestId('device-camera').textContent, page.getByTestId('lacks-camera').textContent]).toEqual(['Testbild', 'Keine Kamera gefundenDie anderen sehen ein Testbild. Schließen Sie eine Kamera an, um selbst gesehen zu werden.']);
    press('enter');
    await waitFor(() => expect(steps()).toContainEqual({ step: 'enter', conversation: '!steinklee', camera: true }));
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
    act(() => host.send({ type: 'rounds-changed', value: { offered: true, running, calls: [], round: null } }));
    expect(page.getByTestId('round-enter').textContent).toBe('Runde betreten · 6');
    act(() => host.send({ type: 'rounds-changed', value: { offered: true, running, calls: [], round: round() } }));
    expect(page.getByTestId('round-to').textContent).toBe('Zur Runde');
  });

  test('is not there where no rounds are offered', async () => {
    const { page } = await open(rounds({ offered: false }), { place: conversation });
    expect(page.queryByTestId('round-begin')).toBeNull();
  });
});

describe('a call', () => {
  const soon = (seconds: number) => new Date(Date.now() + 1000 * seconds).toISOString();
  const group = callOf(sonnkaya, { until: soon(3600) });
  const direct = callOf(brunnengold, { conversation: '!brunnengold', name: brunnengold.name, direct: true, until: soon(3600) });
  const third = callOf(silbertal, { conversation: '!auenwald', name: 'Fall 1', until: soon(3600) });
  const today = { place: { screen: 'today' } } as const;
  const lines = (page: Awaited<ReturnType<typeof open>>['page']) => page.queryAllByTestId('round-call').map((one) => one.querySelector('span')?.textContent);

  test('stands in a line, is told once, and takes no focus', async () => {
    const { page, host, spoken } = await open(rounds({ running }), today);
    act(() => page.getByTestId('field').focus());
    act(() => host.send({ type: 'rounds-changed', value: { offered: true, running, calls: [group], round: null } }));
    expect(lines(page)).toEqual(['Sonnkaya hat eine Runde begonnen: Fall 3']);
    page.getByRole('region', { name: 'Rufe zu Runden' });
    expect(spoken('polite')).toBe('Sonnkaya hat eine Runde begonnen: Fall 3');
    expect(document.activeElement).toBe(page.getByTestId('field'));
    act(() => host.send({ type: 'rounds-changed', value: { offered: true, running, calls: [{ ...group }, direct], round: null } }));
    expect(spoken('polite')).toBe('Brunnengold ruft Sie an');
    expect(lines(page)).toEqual(['Sonnkaya hat eine Runde begonnen: Fall 3', 'Brunnengold ruft Sie an']);
  });

  test('names nothing but a person while others see this screen', async () => {
    const { page, host, spoken } = await open(rounds({ running, round: round({ screen: { state: 'on', device: null } }) }), today);
    act(() => host.send({ type: 'rounds-changed', value: { offered: true, running, calls: [group], round: round({ screen: { state: 'on', device: null } }) } }));
    expect(lines(page)).toEqual(['Sonnkaya hat eine Runde begonnen']);
    expect(spoken('polite')).toBe('Sonnkaya hat eine Runde begonnen');
    expect(page.getByTestId('round-calls').innerHTML).not.toContain('Fall 3');
  });

  test('is answered by one key, also from a text field, and stays in the case', async () => {
    const place: Place = { screen: 'case', patient: 'pat-auenwald', tab: 'overview' };
    const { page, steps, places, press } = await open(rounds({ running, calls: [group] }), { place });
    act(() => page.getByTestId('field').focus());
    key('J', { ...ctrl, shiftKey: true });
    await waitFor(() => page.getByTestId('enter-without'));
    expect(page.getByTestId('round-before').textContent).toContain('Fall 3');
    press('enter');
    await waitFor(() => expect(page.queryByTestId('round-calls')).toBeNull());
    expect(steps()).toContainEqual({ step: 'enter', conversation: '!steinklee', camera: true });
    expect(places.place.get()).toEqual(place);
  });

  test('says what is left for it, and the dialog outlives it', async () => {
    const { page, host, press } = await open(rounds({ running, calls: [group], round: round({ conversation: '!auenwald', name: 'Fall 1' }) }), today);
    press('call-enter');
    await waitFor(() => page.getByTestId('enter-without'));
    page.getByText(/Sie sind noch in der Runde „Fall 1“/u);
    act(() => host.send({ type: 'rounds-changed', value: { offered: true, running, calls: [], round: null } }));
    expect([page.queryByTestId('round-calls'), page.queryByTestId('round-before') === null]).toEqual([null, false]);
  });

  test('is declined with one press, and the focus is not lost', async () => {
    const { page, steps, press } = await open(rounds({ running, calls: [group] }), today);
    act(() => page.getByTestId('call-decline').focus());
    press('call-decline');
    await waitFor(() => expect(page.queryByTestId('round-calls')).toBeNull());
    expect(steps()).toEqual([{ step: 'decline', conversation: '!steinklee' }]);
    await waitFor(() => expect(document.activeElement?.tagName).toBe('MAIN'));
  });

  test('that could not be declined says so, and stays', async () => {
    const { page, press } = await open(rounds({ running, calls: [group] }), { ...today, answer: (request) => (request.type === 'round' && request.round.step === 'decline' ? { code: 'no-rounds', detail: '' } : undefined) });
    press('call-decline');
    await waitFor(() => page.getByTestId('call-failure'));
    page.getByTestId('round-call');
  });

  test('is over once its time is', async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    const { page } = await open(rounds({ running, calls: [{ ...group, until: soon(3) }] }), today);
    page.getByTestId('round-call');
    act(() => void vi.advanceTimersByTime(4000));
    expect(page.queryByTestId('round-calls')).toBeNull();
    vi.useRealTimers();
  });

  test('is one of at most two lines, and the others are reached', async () => {
    const { page, places, press } = await open(rounds({ running, calls: [group, direct, third] }), today);
    expect([lines(page).length, page.getByTestId('calls-more').textContent]).toEqual([2, '+1 weitere']);
    press('calls-more');
    expect(places.place.get()).toEqual({ screen: 'rounds' });
  });

  test('is marked in the list of rounds that go on, and declined there', async () => {
    const { page, steps, press } = await open(rounds({ running, calls: [group] }));
    expect([page.getByTestId('call-chip').textContent, page.queryByTestId('round-calls')]).toEqual(['Sonnkaya ruft Sie', null]);
    press('call-decline');
    await waitFor(() => expect(page.queryByTestId('call-chip')).toBeNull());
    expect(steps()).toEqual([{ step: 'decline', conversation: '!steinklee' }]);
  });
});

describe('who does not come', () => {
  test('is told once, and stands at the end of the list of people', async () => {
    peopleShown.set(true);
    const { page, change, spoken } = await open(rounds({ round: round({ people: people(2) }) }));
    change({ people: people(2), declined: [brunnengold] });
    expect(spoken('polite')).toBe('Brunnengold kommt nicht');
    expect([...page.getByTestId('round-people').querySelectorAll('h3')].at(-1)?.textContent).toBe('Kommen nicht');
    expect(page.getByTestId('round-declined').textContent).toContain('Brunnengold');
    change({ people: people(2), declined: [brunnengold, silbertal] });
    expect(spoken('polite')).toBe('Silbertal kommt nicht');
  });

  test('is seen by whoever waits alone', async () => {
    const { page } = await open(rounds({ round: round({ people: people(1), declined: [brunnengold] }) }));
    expect(page.getByTestId('alone-declined').textContent).toBe('Brunnengold kommt nicht');
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

  test('below an open dialog open nothing, and still switch and end what others hear and see', async () => {
    peopleShown.set(true);
    const { page, steps, press, change } = await open(rounds({ round: round() }));
    press('round-devices');
    await waitFor(() => page.getByTestId('device-microphone'));
    key('N', { ...ctrl, shiftKey: true });
    key('E', { ...ctrl, shiftKey: true });
    expect([page.queryByTestId('way-dialog'), page.queryByTestId('share-dialog'), page.getAllByRole('dialog').length]).toEqual([null, null, 1]);
    key('d', ctrl);
    key('e', ctrl);
    key('H', { ...ctrl, shiftKey: true });
    const wanted: RoundStep[] = [
      { step: 'set-microphone', on: true },
      { step: 'set-camera', on: false },
      { step: 'set-hand', up: true },
    ];
    expect(steps().filter((one) => one.step.startsWith('set-'))).toEqual(wanted);
    change({ screen: { state: 'on', device: null } });
    key('E', { ...ctrl, shiftKey: true });
    expect(steps()).toContainEqual({ step: 'stop-sharing' });
    key('Escape');
    await waitFor(() => expect(page.queryByRole('dialog')).toBeNull());
    page.getByTestId('round-people');
  });

  test('do not answer a call below an open dialog, and do once it is closed', async () => {
    const call = callOf(sonnkaya, { until: new Date(Date.now() + 3_600_000).toISOString() });
    const { page, press } = await open(rounds({ running, calls: [call], round: round({ conversation: '!auenwald', name: 'Fall 1' }) }));
    press('round-way');
    await waitFor(() => page.getByTestId('way-facts'));
    key('J', { ...ctrl, shiftKey: true });
    key('Escape');
    await waitFor(() => expect(page.queryByRole('dialog')).toBeNull());
    expect(page.queryByTestId('round-before')).toBeNull();
    key('J', { ...ctrl, shiftKey: true });
    await waitFor(() => page.getByTestId('round-before'));
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

  test('each is named with what they are and where they work, as far as the directory knows', async () => {
    peopleShown.set(true);
    const { page } = await open(rounds({ round: round({ people: [...people(1), inRound(sonnkaya), inRound(weidenlohe), inRound(silbertal)] }) }));
    const tile = (who: typeof sonnkaya) => page.getByTestId(`tile-${inRound(who).id}`);
    expect(tile(sonnkaya).textContent).toContain('SonnkayaRadiologie · Klinikum Eschenfurt');
    expect(tile(weidenlohe).textContent).toContain('WeidenloheKreisklinik Wiesenbrück');
    expect(within(page.getByTestId('round-people')).getAllByText('Radiologie · Klinikum Eschenfurt')).toHaveLength(1);
    expect(tile(silbertal).textContent).not.toContain(' · ');
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

describe('sharing a screen', () => {
  /** The list stands a moment before what is in it. */
  const listed = (page: RenderResult) => waitFor(() => expect(within(page.getByTestId('surfaces')).getAllByRole('option').length).toBeGreaterThan(0));

  const elsewhere = { place: { screen: 'today' } as const };
  const shared = (steps: RoundStep[]) => steps.filter((one) => ['open-surfaces', 'share-surface', 'stop-sharing'].includes(one.step));
  const enter = () => {
    key('Enter');
    fireEvent.keyUp(document.activeElement ?? document.body, { key: 'Enter' });
  };

  test('goes by keys alone, chooses nothing beforehand, and needs one press to choose and one to share', async () => {
    const { page, steps } = await open(rounds({ round: round() }), elsewhere);
    act(() => page.getByTestId('field').focus());
    key('E', { ...ctrl, shiftKey: true });
    await waitFor(() => expect(document.activeElement?.closest('[role=listbox]')).not.toBeNull());
    expect(page.getAllByRole('option').map((one) => [one.getAttribute('data-testid'), one.getAttribute('aria-selected')])).toEqual(['slides', 'report', 'untitled', 'screen-1', 'screen-2'].map((id) => [`surface-${id}`, 'false']));
    expect(page.getByTestId('share-do').hasAttribute('disabled')).toBe(true);
    key('Home');
    key('ArrowRight');
    enter();
    expect(shared(steps())).toEqual([{ step: 'open-surfaces' }]);
    key('Enter', { repeat: true });
    enter();
    await waitFor(() => expect(page.queryByTestId('share-dialog')).toBeNull());
    expect(shared(steps())).toEqual([{ step: 'open-surfaces' }, { step: 'share-surface', surface: 'report' }]);
    await waitFor(() => expect(page.getByTestId('round-sharing').textContent).toContain('Sie teilen: Befundbericht Koloskopie'));
    key('E', { ...ctrl, shiftKey: true });
    await waitFor(() => expect(page.queryByTestId('round-sharing')).toBeNull());
    expect(shared(steps()).at(-1)).toEqual({ step: 'stop-sharing' });
  });

  test('says whom else it shows before anything is chosen', async () => {
    const { page, press } = await open(rounds({ round: round() }));
    press('round-share');
    await listed(page);
    const list = page.getByRole('listbox', { name: 'Bildschirm oder Fenster teilen' });
    const said = document.getElementById(list.getAttribute('aria-describedby') ?? '')?.textContent;
    expect(said).toContain('auch Namen anderer Patientinnen und Patienten');
    const heads = () => page.getAllByRole('group').map((one) => one.getAttribute('aria-labelledby')).filter((id) => id !== null).map((id) => document.getElementById(id)?.textContent);
    await waitFor(() => expect(heads()).toEqual(['Fenster', 'Bildschirme']));
    expect(page.getByTestId('surface-screen-2').textContent).toBe('Bildschirm 21920 × 1080');
    expect(page.getByTestId('surface-untitled').textContent).toBe('Fenster ohne Titel');
  });

  test('goes with a double click, and ends by the line, on whichever screen', async () => {
    const { page, places, steps, press, spoken } = await open(rounds({ round: round() }));
    press('round-share');
    await listed(page);
    act(() => void fireEvent.doubleClick(page.getByTestId('surface-screen-1')));
    await waitFor(() => expect(page.getByTestId('round-sharing').textContent).toContain('Sie teilen Ihren ganzen Bildschirm'));
    expect(spoken('polite')).toBe('Sie teilen Ihren Bildschirm');
    act(() => places.go({ screen: 'today' }));
    press('stop-sharing');
    await waitFor(() => expect(page.queryByTestId('round-sharing')).toBeNull());
    expect(shared(steps()).at(-1)).toEqual({ step: 'stop-sharing' });
    expect(spoken('polite')).toBe('Sie teilen nichts mehr');
    expect(document.activeElement?.getAttribute('data-testid')).toBe('round-share');
  });

  test('of a single screen calls it the whole screen', async () => {
    const { page, press } = await open(rounds({ round: round() }, { surfaces: { surfaces: surfaces.surfaces.slice(1, 2), hindered: null } }));
    press('round-share');
    await waitFor(() => expect(page.getByTestId('surface-screen-2').textContent).toBe('Ganzer Bildschirm1920 × 1080'));
  });

  test.each([
    ['no-device', 'An diesem Computer lassen sich Fenster und Bildschirme nicht teilen.', 'Wählen Sie bei der Anmeldung am Computer eine Sitzung mit „Xorg“'],
    ['device-denied', 'Ihr Betriebssystem gibt Konsil den Bildschirm nicht frei.', 'starten Sie Konsil neu.'],
  ] as const)('that is hindered (%s) says why, what holds and what to do', async (hindered, what, remedy) => {
    const { page, press } = await open(rounds({ round: round() }, { surfaces: { surfaces: [], hindered } }));
    press('round-share');
    await waitFor(() => page.getByTestId('share-hindered'));
    const said = page.getByTestId('share-hindered').textContent;
    for (const words of [what, 'Sicher ist: Die anderen sehen davon nichts.', remedy]) expect(said).toContain(words);
    expect(page.queryByTestId('share-do')).toBeNull();
  });

  test('where there is nothing says so, and looks again', async () => {
    const { page, press, steps } = await open(rounds({ round: round() }, { surfaces: { surfaces: [], hindered: null } }));
    press('round-share');
    await waitFor(() => page.getByText('Kein Fenster und kein Bildschirm gefunden'));
    press('surfaces-again');
    expect(shared(steps())).toEqual([{ step: 'open-surfaces' }, { step: 'open-surfaces' }]);
  });

  test('that is refused says so in the dialog, and the dialog stays', async () => {
    const { page, press } = await open(rounds({ round: round() }), { answer: (request) => (request.type === 'round' && request.round.step === 'share-surface' ? { code: 'round-refused', detail: '' } : undefined) });
    press('round-share');
    await listed(page);
    act(() => void fireEvent.doubleClick(page.getByTestId('surface-slides')));
    await waitFor(() => expect(page.getByTestId('share-dialog').textContent).toContain('Der Server der Runde hat Sie nicht eingelassen.'));
  });

  test('of a window that was closed says so, and leads to another one', async () => {
    const { page, press, change, steps, spoken } = await open(rounds({ round: round({ screen: { state: 'on', device: 'Fall.pptx' } }) }), elsewhere);
    expect(page.getByTestId('round-sharing').querySelector('b')?.textContent).toBe('Sie teilen: Fall.pptx');
    change({ screen: { state: 'stopped', why: 'device-lost' } });
    expect(page.queryByTestId('round-sharing')).toBeNull();
    expect(spoken('polite')).toBe('Das Fenster wurde geschlossen, oder der Bildschirm ist nicht mehr da.');
    const line = page.getByTestId('screen-stopped');
    press('share-again');
    await listed(page);
    key('Escape');
    await waitFor(() => expect(page.queryByTestId('share-dialog')).toBeNull());
    act(() => void fireEvent.click([...line.querySelectorAll('button')].at(-1)!));
    await waitFor(() => expect(page.queryByTestId('screen-stopped')).toBeNull());
    expect(shared(steps())).toEqual([{ step: 'open-surfaces' }, { step: 'stop-sharing' }]);
  });

  test('keeps pictures of it only as long as one chooses', async () => {
    const kept = new Set<string>();
    vi.stubGlobal('URL', class extends URL {
      static override createObjectURL() {
        const address = `blob:${String(kept.size)}`;
        kept.add(address);
        return address;
      }

      static override revokeObjectURL(address: string) {
        kept.delete(address);
      }
    });
    const pictures = surfaces.surfaces.map((one) => ({ ...one, preview: one.window ? '/9j/2Q==' : null }));
    const { page, press } = await open(rounds({ round: round() }, { surfaces: { surfaces: pictures, hindered: null } }));
    press('round-share');
    // Each picture comes after its place.
    await waitFor(() => expect([page.getByTestId('share-dialog').querySelectorAll('img[src^="blob:"]').length, kept.size]).toEqual([3, 3]));
    key('Escape');
    await waitFor(() => expect(page.queryByTestId('share-dialog')).toBeNull());
    expect(kept.size).toBe(0);
    vi.unstubAllGlobals();
  });
});

describe('a screen that somebody shares', () => {
  const shares = (...who: string[]) => people(5).map((one) => (who.includes(one.id) ? { ...one, screen: screenOf(40) } : one));
  const of = (sender: Parameters<typeof inRound>[0]) => inRound(sender).id;

  test('is at large until it ends or the person looks at the people, and then everything is as before', async () => {
    const { page, change, press, spoken } = await open(rounds({ round: round({ people: people(5) }) }));
    change({ people: shares(of(sonnkaya)) });
    expect(page.queryByTestId('gallery')).toBeNull();
    expect(page.getByRole('list', { name: 'Sprecher' }).textContent).toContain('Bildschirm von Sonnkaya');
    expect(spoken('polite')).toBe('Sonnkaya teilt den Bildschirm');
    press('segment-gallery');
    expect(page.getByTestId('gallery').firstElementChild?.textContent).toContain('Bildschirm von Sonnkaya');
    change({ people: people(5) });
    expect(page.getByTestId('gallery').children.length).toBe(5);
    change({ people: shares(of(sonnkaya)) });
    expect(page.queryByTestId('gallery')).toBeNull();
  });

  test('has the whole area when it is asked for', async () => {
    const { page, press } = await open(rounds({ round: round({ people: shares(of(sonnkaya)) }) }));
    expect(page.getAllByRole('list').length).toBe(2);
    press(`turn-${of(sonnkaya)}`);
    expect(page.getAllByRole('list').length).toBe(1);
    press(`turn-${of(sonnkaya)}`);
    expect(page.getAllByRole('list').length).toBe(2);
  });

  test('comes to the front where there are several', async () => {
    const { page, press } = await open(rounds({ round: round({ people: shares(of(sonnkaya), of(brunnengold)) }) }));
    press(`turn-${of(brunnengold)}`);
    expect(page.getByRole('list', { name: 'Sprecher' }).textContent).toContain('Bildschirm von Brunnengold');
  });

  test('that is one’s own is not, nor that of somebody whose device is not confirmed', async () => {
    const unconfirmed = shares(of(falkenried), of(sonnkaya)).map((one) => (one.person === sonnkaya ? { ...one, key: 'unconfirmed' as const } : one));
    const { page } = await open(rounds({ round: round({ people: unconfirmed }) }));
    expect([...page.getByTestId('gallery').children].filter((one) => one.getAttribute('data-testid')?.endsWith('-screen')).map((one) => one.textContent)).toEqual(['Ihr Bildschirm']);
  });

  test('is offered to whoever reads elsewhere', async () => {
    const { page, places, press } = await open(rounds({ round: round({ people: shares(of(sonnkaya)) }) }), { place: { screen: 'today' } });
    expect(page.getByTestId('round-shared').textContent).toBe('Sonnkaya teilt den BildschirmAnsehen');
    press('see-shared');
    expect(places.place.get()).toEqual({ screen: 'rounds' });
    expect(page.queryByTestId('round-shared')).toBeNull();
  });
});

describe('advice', () => {
  const elsewhere = { place: { screen: 'today' } as const };
  const loss = (percent: number): RoundAdvice => ({ advice: 'sends-with-loss', percent });
  const off = { camera: { state: 'off' } } as const;

  test.each<[RoundAdvice, string, string]>([
    [{ advice: 'speaks-while-muted' }, 'Ihr Mikrofon ist aus: Niemand hört Sie.', 'Niemand hört Sie'],
    [{ advice: 'microphone-silent' }, 'Ihr Mikrofon gibt keinen Ton. Ist es am Gerät stummgeschaltet?', 'Mikrofon ohne Ton'],
    [{ advice: 'echo' }, 'Andere hören sich durch Ihr Mikrofon selbst. Ein Headset hilft, oder ein leiserer Lautsprecher.', 'Andere hören ein Echo'],
    [{ advice: 'microphone-clips' }, 'Ihr Mikrofon übersteuert. Stellen Sie es leiser, oder gehen Sie etwas weiter weg.', 'Mikrofon zu laut'],
    [loss(7), 'Andere hören und sehen Sie mit 7\u00a0% Verlust. Ein Netzwerkkabel statt WLAN hilft. Ohne Kamera bleibt mehr für Ihre Stimme.', 'Sie kommen lückenhaft an'],
    [{ advice: 'hears-with-loss', percent: 12 }, '12\u00a0% von dem, was andere sagen, kommt nicht an. Ein Netzwerkkabel statt WLAN hilft.', 'Sie hören lückenhaft'],
    [{ advice: 'narrow-way' }, 'Ihre Leitung ist schmal: Ihr Bild wird kleiner gesendet. Ohne Kamera bleibt mehr für Ihre Stimme.', 'Leitung ist schmal'],
    [{ advice: 'few-pictures' }, 'Ihre Leitung ist schmal: Nicht alle Bilder kommen, damit Sie jede Stimme hören. Ein Netzwerkkabel statt WLAN hilft.', 'Nicht alle Bilder'],
  ])('%o says what is and what helps, in the round at full length and elsewhere in a word', async (advice, words, short) => {
    const { page, places, change, spoken } = await open(rounds({ round: round() }));
    change({ advice: [advice, { advice: 'narrow-way' }] });
    expect(page.getByTestId('round-advice').querySelector('span')?.textContent.trim()).toBe(words);
    expect(page.queryByTestId('advice-chip')).toBeNull();
    expect(spoken('polite')).toBe(words);
    act(() => places.go({ screen: 'today' }));
    expect([page.queryByTestId('round-advice'), page.getByTestId('advice-chip').textContent]).toEqual([null, short]);
  });

  test('that nobody hears this person switches the microphone on, and loses no focus', async () => {
    const { page, steps, press } = await open(rounds({ round: round({ advice: [{ advice: 'speaks-while-muted' }] }) }));
    const button = page.getByTestId('advice-microphone-on');
    expect(button.textContent).toBe('Mikrofon einschaltenStrgD');
    act(() => button.focus());
    press('advice-microphone-on');
    await waitFor(() => expect(page.queryByTestId('round-advice')).toBeNull());
    expect(steps()).toContainEqual({ step: 'set-microphone', on: true });
    await waitFor(() => expect(document.activeElement?.tagName).toBe('MAIN'));
  });

  test('on a silent microphone leads to another device, and back', async () => {
    const { page, press } = await open(rounds({ round: round({ advice: [{ advice: 'microphone-silent' }] }) }));
    act(() => page.getByTestId('advice-other-device').focus());
    press('advice-other-device');
    await waitFor(() => page.getByTestId('device-microphone'));
    fireEvent.keyDown(page.getByRole('dialog'), { key: 'Escape' });
    await waitFor(() => expect(page.queryByTestId('device-microphone')).toBeNull());
    await waitFor(() => expect(document.activeElement).toBe(page.getByTestId('advice-other-device')));
  });

  test.each<RoundAdvice>([loss(7), { advice: 'narrow-way' }])('%o switches the camera off, and speaks of none where none is on', async (advice) => {
    const { page, steps, press, change } = await open(rounds({ round: round({ advice: [advice] }) }));
    press('advice-camera-off');
    expect(steps()).toContainEqual({ step: 'set-camera', on: false });
    change({ ...off, advice: [advice] });
    expect(page.queryByTestId('advice-camera-off')).toBeNull();
    expect(page.getByTestId('round-advice').textContent).not.toContain('Kamera');
  });

  test('whose act was refused says so', async () => {
    const { page, press } = await open(rounds({ round: round({ advice: [loss(7)] }) }), { answer: (request) => (request.type === 'round' && request.round.step === 'set-camera' ? { code: 'no-rounds', detail: '' } : undefined) });
    press('advice-camera-off');
    await waitFor(() => page.getByTestId('advice-failure'));
  });

  test('is told once, not again when its number changes or a more urgent one goes, and again when it comes back', async () => {
    const { page, change, spoken } = await open(rounds({ round: round() }), elsewhere);
    const told = () => spoken('polite').replace(/\.? Ein .*$/u, '').trim();
    change({ advice: [loss(7)] });
    change({ advice: [loss(9)] });
    expect(told()).toBe('Andere hören und sehen Sie mit 7\u00a0% Verlust');
    change({ advice: [{ advice: 'echo' }, loss(9)] });
    expect(told()).toBe('Andere hören sich durch Ihr Mikrofon selbst');
    change({ advice: [loss(11)] });
    expect([told(), page.getByTestId('advice-chip').textContent]).toEqual(['Andere hören sich durch Ihr Mikrofon selbst', 'Sie kommen lückenhaft an']);
    change({ advice: [] });
    change({ advice: [loss(3)] });
    expect(told()).toBe('Andere hören und sehen Sie mit 3\u00a0% Verlust');
  });

  test('is acted on from wherever one reads, without leaving it', async () => {
    const { page, places, steps, press } = await open(rounds({ round: round({ advice: [{ advice: 'speaks-while-muted' }] }) }), elsewhere);
    press('advice-chip');
    expect([...page.baseElement.querySelectorAll('[data-testid^=menu-]')].map((one) => one.getAttribute('data-testid'))).toEqual(['menu-microphone-on', 'menu-way', 'menu-see-round']);
    press('menu-microphone-on');
    await waitFor(() => expect(page.queryByTestId('advice-chip')).toBeNull());
    expect(steps()).toContainEqual({ step: 'set-microphone', on: true });
    expect(places.place.get()).toEqual({ screen: 'today' });
  });

  test('stands in the place of the word about a weak connection, and is silent while there is none', async () => {
    const weak = people(3).map((one) => (one.here ? { ...one, line: 'weak' as const } : one));
    const { page, change } = await open(rounds({ round: round({ people: weak }) }));
    page.getByTestId('round-weak');
    change({ people: weak, advice: [loss(7)] });
    expect([page.queryByTestId('round-weak'), page.queryByTestId('round-advice') === null]).toEqual([null, false]);
    change({ people: weak, advice: [loss(7)], phase: { phase: 'reconnecting', attempt: 1 } });
    expect(page.queryByTestId('round-advice')).toBeNull();
  });
});

describe('the panel on the connection', () => {
  const asked = (steps: RoundStep[]) => steps.filter((one) => one.step === 'open-way').length;
  const facts = (page: Awaited<ReturnType<typeof open>>['page']) => [...page.getByTestId('way-facts').children].map((one) => [one.querySelector('dt')?.textContent, one.querySelector('dd')?.firstChild?.textContent]);

  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  test('says how sound and picture travel, in the notation of the language', async () => {
    const { page, press } = await open(rounds({ round: round() }));
    press('round-way');
    await waitFor(() => page.getByTestId('way-facts'));
    expect(facts(page)).toEqual([
      ['Weg', 'Direkt (UDP)'],
      ['Hin und zurück', '18\u00a0ms'],
      ['Sendet', '1,2\u00a0Mbit/s'],
      ['Empfängt', '6,4\u00a0Mbit/s'],
      ['Könnte senden', '4,1\u00a0Mbit/s'],
      ['Von Gesendetem verloren', '0,4\u00a0%'],
      ['Von Gehörtem ergänzt', '1,2\u00a0%'],
      ['Medienserver', 'medien.eschenland.example'],
    ]);
  });

  test('says what a way means, and what is not known', async () => {
    const { page, press } = await open(rounds({ round: round() }, { way: way({ path: 'tcp', roundTrip: null, carries: 0, sends: 640_000, hearsWithLoss: null }) }));
    press('round-way');
    await waitFor(() => page.getByTestId('way-facts'));
    expect(facts(page).map(([, value]) => value).slice(0, 7)).toEqual(['Direkt (TCP)', 'noch nicht gemessen', '640\u00a0kbit/s', '6,4\u00a0Mbit/s', 'noch nicht gemessen', '0,4\u00a0%', 'zuletzt hat niemand gesprochen']);
    expect(page.getByTestId('way-facts').textContent).toContain('Für die IT: UDP zum Medienserver freigeben.');
  });

  test('asks once a second while it is open, and never otherwise', async () => {
    const { page, steps, press } = await open(rounds({ round: round() }));
    vi.useFakeTimers();
    const pass = (millis: number) => act(() => vi.advanceTimersByTimeAsync(millis));
    await pass(5000);
    expect(asked(steps())).toBe(0);
    press('round-way');
    await pass(0);
    expect(asked(steps())).toBe(1);
    await pass(3000);
    expect(asked(steps())).toBe(4);
    key('Escape');
    await pass(0);
    expect(page.queryByTestId('way-dialog')).toBeNull();
    await pass(5000);
    expect(asked(steps())).toBe(4);
  });

  test('keeps the last answer when none comes, says so, and goes on asking', async () => {
    let fails = false;
    const { page, steps, press } = await open(rounds({ round: round() }), { answer: (request) => (fails && request.type === 'round' && request.round.step === 'open-way' ? { code: 'no-rounds', detail: '' } : undefined) });
    vi.useFakeTimers({ now: new Date('2026-11-24T13:36:05+01:00') });
    const pass = (millis: number) => act(() => vi.advanceTimersByTimeAsync(millis));
    press('round-way');
    await pass(0);
    fails = true;
    await pass(2000);
    expect(page.getByTestId('way-old').textContent).toBe('Die letzte Abfrage blieb ohne Antwort. Die Werte sind von 13:36:05.');
    expect(facts(page)[1]).toEqual(['Hin und zurück', '18\u00a0ms']);
    fails = false;
    await pass(1000);
    expect([page.getByTestId('way-old').textContent, asked(steps())]).toEqual(['', 4]);
  });

  test('copies the same as text, and names neither a person nor the round', async () => {
    const written: string[] = [];
    vi.stubGlobal('isSecureContext', true);
    vi.stubGlobal('navigator', { clipboard: { writeText: (text: string) => Promise.resolve(written.push(text)) } });
    const { page, press } = await open(rounds({ round: round({ name: 'Fall Steinklee, Milan' }) }));
    press('round-way');
    await waitFor(() => page.getByTestId('way-facts'));
    press('way-copy');
    await waitFor(() => expect(written.length).toBe(1));
    const [text = ''] = written;
    for (const [name, value] of facts(page)) expect(text).toContain(`${name ?? ''}: ${value ?? ''}`);
    const names = people(9).flatMap(({ person }) => person.name.split(/\W+/u)).filter((word) => word.length > 3);
    expect([...names, 'Steinklee', 'Milan'].filter((word) => text.includes(word))).toEqual([]);
  });

  test('opens by its key from wherever one reads, and from the own line in the list of people; the focus returns', async () => {
    peopleShown.set(true);
    const { page, places } = await open(rounds({ round: round() }));
    const own = page.getByTestId('way-own');
    act(() => own.focus());
    act(() => void fireEvent.click(own));
    await waitFor(() => expect(document.activeElement?.getAttribute('data-testid')).toBe('way-close'));
    key('Escape');
    await waitFor(() => expect(document.activeElement).toBe(own));
    act(() => places.go({ screen: 'today' }));
    act(() => page.getByTestId('field').focus());
    key('N', { ...ctrl, shiftKey: true });
    await waitFor(() => expect(page.getByTestId('way-dialog').contains(document.activeElement)).toBe(true));
    key('N', { ...ctrl, shiftKey: true });
    await waitFor(() => expect(document.activeElement).toBe(page.getByTestId('field')));
  });

  test('is closed with its round', async () => {
    const { page, press, change } = await open(rounds({ round: round() }));
    press('round-way');
    await waitFor(() => page.getByTestId('way-facts'));
    change({ phase: { phase: 'ended', why: { end: 'closed' } } });
    change({});
    expect(page.queryByTestId('way-dialog')).toBeNull();
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
