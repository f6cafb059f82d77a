import { act, fireEvent, waitFor } from '@testing-library/react';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { RoundAdvice, RoundStep } from '../host/contract';
import { sonnkaya } from '../messages/examples';
import { callOf, people, round, rounds, running, way } from './examples';
import { ctrl, eachAnew, key, open } from './roundsPage.testing';
import { peopleShown } from './roundsView';

eachAnew();

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
