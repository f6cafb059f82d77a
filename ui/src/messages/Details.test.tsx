import { act, cleanup, fireEvent, render, waitFor } from '@testing-library/react';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createPlaces, PlacesContext } from '../frame/place';
import type { ConversationView, LineView } from '../host/contract';
import { createDesk, DeskContext } from '../host/desk';
import { memoryHost } from '../host/memory';
import { useKeyDispatcher } from '../keys/keys';
import { at } from '../stories/story';
import { Chat } from './Chat';
import { Details, openDetails } from './Details';
import { details, filesOf, reach } from './besideConversation';
import { chat, falkenried, message, sonnkaya, steinklee } from './examples';

const file = (id: string, clock: string, name: string, mimetype: string | null = null, more: Parameters<typeof message>[3] = {}) => message(sonnkaya, `2026-11-24T${clock}:00+01:00`, { type: 'file', name, mimetype, size: 4_000, study: null, picture: null, caption: [] }, { id, ...more });
const text = (id: string, clock: string) => message(falkenried, `2026-11-24T${clock}:00+01:00`, 'Ein Wort', { id });
const pdf = file('pdf', '09:00', 'Koloskopie.pdf', 'application/pdf');
const letter = file('brief', '10:00', 'Brief.docx');

function open(lines: LineView[]) {
  const fixture = at({ screen: 'messages', conversation: '!steinklee' }, { chat: { ...chat, answers: {}, conversations: [{ ...steinklee, lines, typing: [] }] } });
  const host = memoryHost(fixture);
  const desk = createDesk(host, fixture.start);
  const places = createPlaces(desk, fixture.start.place);
  desk.openChat();
  function Screen() {
    useKeyDispatcher(true);
    return <Chat conversation="!steinklee" />;
  }
  const page = render(
    <DeskContext value={desk}>
      <PlacesContext value={places}>
        <Screen />
      </PlacesContext>
    </DeskContext>,
  );
  const press = (id: string) => act(() => page.getByTestId(id).click());
  const key = (name: string, init: KeyboardEventInit = {}) => fireEvent.keyDown(document.activeElement ?? document.body, { key: name, ...init });
  return { page, host, press, key };
}

afterEach(() => {
  cleanup();
  details.set({ open: false, part: 'people' });
});

describe('the files of a conversation', () => {
  test('are those that were sent, newest first, with those of structured messages', () => {
    const document: LineView = message(sonnkaya, '2026-11-24T11:00:00+01:00', { type: 'form', form: { form: 'document', title: 'Arztbrief', file: { name: 'Arztbrief.pdf', mimetype: 'application/pdf', size: 9 } }, case: null, text: 'Arztbrief' }, { id: 'form' });
    const waits = file('eben', '12:00', 'Neu.pdf', 'application/pdf', { event: null });
    expect(filesOf([pdf, text('wort', '09:30'), letter, document, waits]).map((line) => [line.id, line.body.name])).toEqual([['form', 'Arztbrief.pdf'], ['brief', 'Brief.docx'], ['pdf', 'Koloskopie.pdf']]);
    expect([reach([]), reach([pdf, letter])]).toEqual([null, { from: pdf.at, to: letter.at }]);
  });

  test('open where they can be shown, and lead to their message', async () => {
    const { page, press } = open([pdf, text('wort', '09:30'), letter]);
    await waitFor(() => page.getByTestId('details-button'));
    press('details-button');
    press('segment-files');
    press('details-open-pdf');
    await waitFor(() => page.getByTestId('viewer'));
    fireEvent.keyDown(page.getByTestId('viewer'), { key: 'Escape' });
    await waitFor(() => expect(page.queryByTestId('viewer')).toBeNull());
    press('details-message-pdf');
    await waitFor(() => expect(document.activeElement).toBe(page.getByTestId('message-pdf')));
    // One that is only saved leads there at once, and twice as well.
    for (let turn = 0; turn < 2; turn += 1) {
      press('details-open-brief');
      await waitFor(() => expect(document.activeElement).toBe(page.getByTestId('message-brief')));
      act(() => page.getByTestId('composer').focus());
    }
    expect(page.getByTestId('details-searched').textContent).toBe('Das sind alle Dateien dieses Gesprächs.');
  });
});

describe('what is older', () => {
  const view = (change: Partial<ConversationView>): ConversationView => ({ ...steinklee, typing: [], earlier: 'more', lines: [letter], ...change });
  function beside(load: () => Promise<unknown>) {
    const fixture = at({ screen: 'messages', conversation: '!steinklee' }, { chat });
    const desk = createDesk(memoryHost(fixture), fixture.start);
    openDetails('files');
    const element = (shown: ConversationView) => (
      <DeskContext value={desk}>
        <Details view={shown} ask={() => undefined} call={(person) => person.name} loadEarlier={load} show={() => undefined} goTo={() => undefined} />
      </DeskContext>
    );
    const page = render(element(view({})));
    const becomes = (change: Partial<ConversationView>) => page.rerender(element(view(change)));
    /** A page that came: reading, then what it brought. */
    const comes = (lines: LineView[], earlier: ConversationView['earlier'] = 'more') => {
      becomes({ earlier: 'loading' });
      becomes({ lines, earlier });
    };
    return { page, becomes, comes };
  }

  test('is searched page after page until a file comes', () => {
    const load = vi.fn(() => Promise.resolve());
    const { page, comes } = beside(load);
    expect([load.mock.calls.length, page.getByTestId('details-searched').textContent]).toEqual([0, 'Durchsucht bis 24.11.2026.']);
    act(() => page.getByTestId('details-more').click());
    expect(load.mock.calls.length).toBe(1);
    comes([text('eins', '08:00'), letter]);
    expect(load.mock.calls.length).toBe(2);
    // One that held nothing to show.
    comes([text('eins', '08:00'), letter]);
    expect(load.mock.calls.length).toBe(3);
    comes([pdf, text('eins', '08:00'), letter]);
    expect([load.mock.calls.length, page.queryByTestId('details-stop'), page.queryByTestId('details-file-pdf') !== null]).toEqual([3, null, true]);
  });

  test('is left alone once somebody stops it, and at the beginning', () => {
    const load = vi.fn(() => Promise.resolve());
    const { page, comes } = beside(load);
    act(() => page.getByTestId('details-more').click());
    act(() => page.getByTestId('details-stop').click());
    comes([text('eins', '08:00'), letter]);
    expect([load.mock.calls.length, page.queryByTestId('details-more') !== null]).toEqual([1, true]);
    comes([text('eins', '08:00'), letter], 'none');
    expect([page.queryByTestId('details-more'), page.getByTestId('details-searched').textContent]).toEqual([null, 'Das sind alle Dateien dieses Gesprächs.']);
  });

  test('that could not be asked for is said, and asked for again', async () => {
    const load = vi.fn(() => Promise.reject(new Error('away')));
    const { page } = beside(load);
    act(() => page.getByTestId('details-more').click());
    await waitFor(() => expect(page.getByTestId('details-searched').textContent).toContain('Ältere Nachrichten konnten nicht geladen werden.'));
    act(() => page.getByTestId('details-more').click());
    await waitFor(() => expect(load.mock.calls.length).toBe(2));
  });
});

describe('beside a conversation', () => {
  test('Strg J shows and hides what was there last, and Esc gives the focus back', async () => {
    const { page, press, key } = open([pdf]);
    await waitFor(() => page.getByTestId('details-button'));
    key('j', { ctrlKey: true });
    press('segment-settings');
    key('j', { ctrlKey: true });
    expect(page.queryByTestId('details')).toBeNull();
    key('j', { ctrlKey: true });
    expect(page.getByTestId('segment-settings').getAttribute('aria-checked')).toBe('true');
    act(() => page.getByTestId('details-close').focus());
    key('Escape');
    expect([page.queryByTestId('details'), document.activeElement]).toEqual([null, page.getByTestId('details-button')]);
  });

  test('its settings are those of its menus', async () => {
    const { page, host, press } = open([pdf]);
    await waitFor(() => page.getByTestId('details-button'));
    press('details-button');
    press('segment-settings');
    press('segment-mentions');
    press('details-favorite');
    await waitFor(() => expect(host.asked.filter(({ type }) => type === 'set-attention' || type === 'set-favorite')).toEqual([
      { type: 'set-attention', conversation: '!steinklee', attention: 'mentions' },
      { type: 'set-favorite', conversation: '!steinklee', favorite: true },
    ]));
    press('details-rename');
    await waitFor(() => page.getByTestId('rename-dialog'));
  });
});
