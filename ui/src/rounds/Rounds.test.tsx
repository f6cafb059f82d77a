import { act, fireEvent, waitFor, within } from '@testing-library/react';
import { describe, expect, test, vi } from 'vitest';
import type { Place } from '../host/contract';
import { brunnengold, lerchenhain, silbertal, sonnkaya, weidenlohe } from '../messages/examples';
import { callOf, inRound, people, round, rounds, running } from './examples';
import { ctrl, eachAnew, key, open } from './roundsPage.testing';
import { peopleShown } from './roundsView';

eachAnew();

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
