import { act, cleanup, fireEvent, render, waitFor, within } from '@testing-library/react';
import { afterEach, describe, expect, test } from 'vitest';
import { LiveRegions } from '../components/announce';
import { createPlaces, PlacesContext } from '../frame/place';
import type { ConversationView, Failure, Reply, Request } from '../host/contract';
import { createDesk, DeskContext } from '../host/desk';
import { memoryHost } from '../host/memory';
import type { ChatFixture } from '../host/memoryChat';
import { instant } from '../i18n/format';
import { auenwaldCase } from '../stories/records';
import { at } from '../stories/story';
import { Chat } from './Chat';
import { chat, everyCard, falkenried, message, sonnkaya, steinklee } from './examples';
import { appointmentWords, typedAppointment, typedDay, typedTime } from './formWords';

const now = new Date('2026-11-24T13:36:00+01:00');
const here = '!steinklee';
const proposal = 'Terminvorschlag: 1.12.2099, 15:00 bis 15:40.';
const proposed = (id: string, year: number, by = sonnkaya) =>
  message(by, '2026-11-24T13:33:00+01:00', { type: 'form', form: { form: 'appointment', start: `${year}-12-01T15:00:00+01:00`, end: `${year}-12-01T15:40:00+01:00`, answers: [] }, case: null, text: proposal }, { id });
const appointment = proposed('termin', 2099);

async function open(view: Partial<ConversationView> = {}, more: { fixture?: Partial<ChatFixture>; answer?: (request: Request) => Reply | Failure | undefined } = {}) {
  const shown = { ...steinklee, lines: [appointment], ...view };
  const fixture = at({ screen: 'messages', conversation: here }, { chat: { ...chat, answers: {}, conversations: [shown], ...more.fixture }, ...(more.answer ? { answer: more.answer } : {}) });
  const host = memoryHost(fixture);
  const desk = createDesk(host, fixture.start);
  const places = createPlaces(desk, fixture.start.place);
  desk.openChat();
  const page = render(
    <DeskContext value={desk}>
      <PlacesContext value={places}>
        <Chat conversation={here} />
        <LiveRegions />
      </PlacesContext>
    </DeskContext>,
  );
  await waitFor(() => page.getByTestId('composer'));
  const asked = () => host.asked.filter((request) => request.type === 'form');
  const press = (id: string) => act(() => page.getByTestId(id).click());
  const choose = async (form: string) => {
    press('forms');
    await waitFor(() => page.getByTestId(`menu-form-${form}`));
    press(`menu-form-${form}`);
    await waitFor(() => page.getByTestId('form-dialog'));
  };
  return { page, places, asked, press, choose };
}

afterEach(cleanup);

describe('a proposed appointment', () => {
  test('is answered at its card, and the answer stands there', async () => {
    const { page, asked, press } = await open();
    const card = page.getByTestId('form-termin');
    expect(card.textContent).toContain('Dienstag, 1. Dezember 2099, 15:00 bis 15:40');
    expect(within(card).getByRole('group', { name: 'Antwort auf den Terminvorschlag' })).toBeTruthy();
    press('answer-tentative-termin');
    await waitFor(() => expect(page.getByTestId('form-termin').textContent).toContain('Sie haben „Vielleicht“ geantwortet'));
    expect(page.getByTestId('answer-tentative-termin').getAttribute('aria-pressed')).toBe('true');
    expect(asked()).toEqual([{ type: 'form', conversation: here, step: { step: 'answer', message: 'termin', answer: 'tentative' } }]);
    press('answer-tentative-termin');
    expect(asked()).toHaveLength(1);
  });

  test('says what the others have answered', async () => {
    const { page } = await open({ id: here, lines: everyCard.lines.map((line) => (line.type === 'message' && line.id === 'vorschlag' ? line : null)).filter((line) => line !== null) });
    expect(page.getByTestId('form-vorschlag').textContent).toContain('Zugesagt: Sonnkaya');
    expect(page.getByTestId('form-vorschlag').textContent).toContain('Vielleicht: Weidenlohe');
  });

  test('of one’s own, or one that is over, asks for no answer', async () => {
    const { page } = await open({ lines: [proposed('termin', 2099, falkenried), proposed('vorbei', 2020)] });
    expect(page.queryByTestId('answer-accepted-termin')).toBeNull();
    expect(page.queryByTestId('answer-accepted-vorbei')).toBeNull();
    expect(page.getByTestId('form-vorbei').textContent).toContain('vorbei');
  });

  test('that is not taken says why and can be answered again', async () => {
    const { page, press } = await open({}, { answer: (request) => (request.type === 'form' ? { code: 'platform-unreachable', detail: '' } : undefined) });
    press('answer-accepted-termin');
    await waitFor(() => expect(page.getByTestId('message-termin').textContent).toContain('Die Plattform ist nicht erreichbar.'));
    expect(page.getByTestId('answer-accepted-termin').getAttribute('aria-pressed')).toBe('false');
  });
});

describe('what can be sent', () => {
  test('about a case needs one, an appointment does not', async () => {
    const { page, press } = await open({ cases: [] });
    press('forms');
    await waitFor(() => page.getByTestId('menu-form-appointment'));
    expect(page.queryByTestId('menu-form-question')).toBeNull();
    expect(page.queryByTestId('menu-form-recommendation')).toBeNull();
    expect(page.queryByTestId('menu-form-invitation')).toBeNull();
  });

  test('is nothing where nothing is encrypted', async () => {
    const { page } = await open({ encryption: { state: 'plain' } });
    expect(page.queryByTestId('forms')).toBeNull();
  });

  test('is an appointment by the clock of Berlin', async () => {
    const { page, asked, press, choose } = await open();
    await choose('appointment');
    for (const [field, value] of [
      ['form-day', '1.12.2099'],
      ['form-from', '15'],
      ['form-to', '14.40'],
    ] as const) {
      fireEvent.change(page.getByTestId(field), { target: { value } });
    }
    press('form-send');
    await waitFor(() => expect(page.getByTestId('form-dialog').textContent).toContain('Das Ende liegt nicht nach dem Beginn.'));
    expect(asked()).toEqual([]);
    fireEvent.change(page.getByTestId('form-to'), { target: { value: '15.40' } });
    press('form-send');
    await waitFor(() => expect(page.queryByTestId('form-dialog')).toBeNull());
    expect(asked()).toEqual([{ type: 'form', conversation: here, step: { step: 'propose-appointment', start: '2099-12-01T15:00:00+01:00', end: '2099-12-01T15:40:00+01:00' } }]);
  });

  test('is a question, which stays when it is not taken', async () => {
    const { page, press, choose } = await open({}, { answer: (request) => (request.type === 'form' ? { code: 'platform-unreachable', detail: '' } : undefined) });
    await choose('question');
    fireEvent.change(page.getByTestId('form-question'), { target: { value: ' Operation? ' } });
    press('form-send');
    await waitFor(() => expect(within(page.getByTestId('form-dialog')).getByTestId('form-question')).toBeTruthy());
    expect((page.getByTestId('form-question') as HTMLTextAreaElement).value).toBe(' Operation? ');
  });

  test('is a signed decision of the case', async () => {
    const { page, asked, press, choose } = await open({}, { fixture: { decisions: [{ id: 'dec-1', created: '2026-07-07', title: 'Tumorboard Eschenland' }] } });
    await choose('recommendation');
    await waitFor(() => page.getByTestId('share-dec-1'));
    expect(page.getByTestId('share-dec-1').getAttribute('aria-label')).toBe('Teilen: Tumorboard Eschenland, 07.07.2026');
    press('share-dec-1');
    await waitFor(() => expect(page.queryByTestId('form-dialog')).toBeNull());
    expect(asked().at(-1)).toEqual({ type: 'form', conversation: here, step: { step: 'share-decision', decision: 'dec-1' } });
  });

  test('is a document of the case, which is opened for it', async () => {
    const { page, asked, press, choose } = await open({}, { answer: (request) => (request.type === 'open-case' ? { type: 'case', value: { ...auenwaldCase, patient: request.patient } } : undefined) });
    await choose('document');
    await waitFor(() => page.getByTestId('send-document-doc-1r'));
    expect(page.getByTestId('send-document-doc-1r').getAttribute('aria-label')).toBe('Senden: Histologie Stanzbiopsie supraklavikulär rechts');
    press('send-document-doc-1r');
    await waitFor(() => expect(page.queryByTestId('form-dialog')).toBeNull());
    expect(asked().at(-1)).toEqual({ type: 'form', conversation: here, step: { step: 'share-document', document: 'doc-1r' } });
  });
});

describe('a card', () => {
  test('opens the case or its decisions, and nothing that may not be opened', async () => {
    const of = (id: string) => everyCard.lines.filter((line) => line.type === 'message' && line.id === id);
    const { page, places } = await open({ lines: [...of('empfehlung-differs'), ...everyCard.lines.slice(2, 3)] });
    expect(page.getByTestId('form-check').textContent).toBe('stimmt nicht mit dem gezeichneten Beschluss überein');
    const [open_, ...others] = page.getAllByTestId('form-open');
    expect(others).toEqual([]);
    act(() => open_?.click());
    expect(places.place.get()).toEqual({ screen: 'case', patient: 'pat-auenwald', tab: 'decision' });
  });
});

describe('times', () => {
  test.each([
    ['25.11.2026', '2026-11-25'],
    [' 1.2.27 ', '2027-02-01'],
    ['2026-11-25', '2026-11-25'],
    ['31.11.2026', null],
    ['morgen', null],
    ['', null],
  ])('the day %s is %s', (typed, day) => expect(typedDay(typed)).toBe(day));

  test.each([
    ['15:00', '15:00'],
    ['9.30', '09:30'],
    ['15', '15:00'],
    ['24:00', null],
    ['15:60', null],
    ['drei', null],
  ])('the time %s is %s', (typed, time) => expect(typedTime(typed)).toBe(time));

  // Central European Time ends on the last Sunday of March and of October at 01:00 UTC (Directive 2000/84/EC).
  test.each([
    ['2026-11-25', '15:00', '2026-11-25T15:00:00+01:00'],
    ['2026-07-25', '15:00', '2026-07-25T15:00:00+02:00'],
    ['2027-03-28', '02:30', null],
    ['2027-03-28', '03:00', '2027-03-28T03:00:00+02:00'],
  ])('%s at %s is %s', (day, time, wanted) => expect(instant(day, time)).toBe(wanted));

  test('each field says what is wrong with it', () => {
    expect(typedAppointment({ day: 'x', from: 'y', to: 'z' }, now)).toEqual({ wrong: { day: 'Schreiben Sie den Tag so: 25.11.2026.', from: 'Schreiben Sie die Zeit so: 15:00.', to: 'Schreiben Sie die Zeit so: 15:00.' } });
    expect(typedAppointment({ day: '24.11.2026', from: '13:00', to: '14:00' }, now)).toEqual({ wrong: { from: 'Diese Zeit ist schon vorbei.' } });
    expect(typedAppointment({ day: '25.11.2026', from: '15', to: '15:40' }, now)).toEqual({ start: '2026-11-25T15:00:00+01:00', end: '2026-11-25T15:40:00+01:00' });
  });

  test('an appointment over midnight names both days', () => {
    expect(appointmentWords('2026-11-25T23:30:00+01:00', '2026-11-26T00:15:00+01:00')).toBe('Mittwoch, 25. November 2026, 23:30 bis Donnerstag, 26. November 2026, 00:15');
  });
});
