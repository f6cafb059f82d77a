import { act, cleanup, fireEvent, render, waitFor } from '@testing-library/react';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { announce, LiveRegions } from '../components/announce';
import { createPlaces, PlacesContext } from '../frame/place';
import type { MessageAct, MessageBodyView, MessageView, PendingView, Reply, Request, SenderView, UndecryptableCause } from '../host/contract';
import { createDesk, DeskContext } from '../host/desk';
import { memoryHost } from '../host/memory';
import { useStore } from '../host/store';
import { useKeyDispatcher } from '../keys/keys';
import { settings } from '../stories/people';
import { at } from '../stories/story';
import { Chat } from './Chat';
import { brunnengold, chat, chatView, falkenried, message, rows, sonnkaya, span, steinklee } from './examples';

function open(conversation: string | null, answer?: (request: Request) => Reply | Promise<Reply> | { code: 'message-too-long' | 'not-found' | 'platform-unreachable'; detail: string } | undefined, letterKeys = true) {
  const fixture = at({ screen: 'messages', conversation }, { chat: { ...chat, answers: {} }, ...(answer ? { answer } : {}) });
  const host = memoryHost(fixture);
  const desk = createDesk(host, fixture.start);
  const places = createPlaces(desk, fixture.start.place);
  desk.openChat();
  function Screen() {
    const place = useStore(places.place);
    useKeyDispatcher(letterKeys);
    return place.screen === 'messages' ? <Chat conversation={place.conversation} /> : null;
  }
  const page = render(
    <DeskContext value={desk}>
      <PlacesContext value={places}>
        <Screen />
        <LiveRegions />
      </PlacesContext>
    </DeskContext>,
  );
  const asked = (type: Request['type']) => host.asked.filter((request) => request.type === type);
  const area = () => page.getByTestId('composer') as HTMLTextAreaElement;
  const write = async (text: string) => {
    await waitFor(area);
    act(() => area().focus());
    fireEvent.change(area(), { target: { value: text } });
  };
  const polite = () => page.baseElement.querySelector('[role=status][aria-live=polite].visually-hidden')?.textContent ?? '';
  return { page, host, places, asked, area, write, polite };
}

const key = (name: string, init: KeyboardEventInit = {}) => fireEvent.keyDown(document.activeElement ?? document.body, { key: name, ...init });

afterEach(() => {
  cleanup();
  // What was said is not said to the next one.
  announce('');
  // What failed may have left them.
  vi.useRealTimers();
});

describe('the list', () => {
  test('is searched from "/" on, says how many there are, and a single one opens by Enter', async () => {
    const { page, places } = open(null);
    await waitFor(() => page.getByTestId('conversations'));
    const count = () => page.getByTestId('conversations').querySelectorAll('[role=row]').length;
    const all = count();
    key('/');
    const field = page.getByRole('searchbox', { name: 'Gespräche suchen' });
    expect(document.activeElement).toBe(field);
    fireEvent.change(field, { target: { value: 'milan' } });
    expect(count()).toBe(1);
    page.getByText('1 Gespräch gefunden');
    key('Escape');
    expect([count(), (field as HTMLInputElement).value]).toEqual([all, '']);
    fireEvent.change(field, { target: { value: 'milan' } });
    fireEvent.keyDown(field, { key: 'Enter' });
    await waitFor(() => expect(places.place.get()).toEqual({ screen: 'messages', conversation: '!steinklee' }));
    await waitFor(() => page.getByTestId('composer'));
    // The same once more: what has the focus by then does not get the key.
    expect(fireEvent.keyDown(field, { key: 'Enter' })).toBe(false);
  });

  test('leads from where nothing is found to all conversations, and to people', async () => {
    const { page } = open(null);
    await waitFor(() => page.getByTestId('conversations'));
    key('u');
    const field = page.getByRole('searchbox', { name: 'Gespräche suchen' });
    fireEvent.change(field, { target: { value: 'ahlefels' } });
    page.getByText('Kein Gespräch mit „ahlefels“');
    fireEvent.click(page.getByTestId('search-all'));
    expect(document.activeElement).toBe(field);
    page.getByTestId('conversation-!ahlefels');
    fireEvent.change(field, { target: { value: 'quastenflosser' } });
    expect(page.queryByTestId('search-all')).toBeNull();
    fireEvent.click(page.getByTestId('search-people'));
    const words = await waitFor(() => page.getByLabelText('Name oder Adresse'));
    expect((words as HTMLInputElement).value).toBe('quastenflosser');
  });

  test('of before stays while chat begins anew, marked as not the current one', async () => {
    const { page, host } = open(null);
    const list = await waitFor(() => page.getByTestId('conversations'));
    expect(list.getAttribute('aria-busy')).toBe('false');
    vi.useFakeTimers();
    act(() => host.send({ type: 'chat-changed', value: chatView({ state: { state: 'connecting' }, conversations: [] }) }));
    expect(page.getByTestId('conversations'), 'the list keeps its place and its focus').toBe(list);
    expect(list.getAttribute('aria-busy')).toBe('true');
    expect(page.getByTestId('conversation-!steinklee')).toBeTruthy();
    const words = page.getByTestId('chat-begins');
    expect([words.textContent, words.dataset['lasting']], 'a moment is not worth a word').toEqual(['', undefined]);
    act(() => void vi.advanceTimersByTime(400));
    expect([words.textContent, words.dataset['lasting']]).toEqual(['', '']);
    act(() => void vi.advanceTimersByTime(2000));
    expect(words.textContent).toBe('Wird geladen: Nachrichten. Sie sehen den letzten Stand.');
    vi.useRealTimers();
    act(() => host.send({ type: 'chat-changed', value: chatView() }));
    expect([page.getByTestId('conversations'), list.getAttribute('aria-busy')]).toEqual([list, 'false']);
    expect(page.queryByTestId('chat-begins')).toBeNull();
  });
});

describe('the composer', () => {
  test('sends on Enter and holds the text until it is answered', async () => {
    let taken: ((reply: Reply) => void) | undefined;
    const { asked, area, write } = open('!steinklee', (request) => (request.type === 'send-message' ? new Promise<Reply>((resolve) => { taken = resolve; }) : undefined));
    await write('Danke');
    key('Enter');
    key('Enter');
    expect(asked('send-message')).toEqual([{ type: 'send-message', conversation: '!steinklee', text: 'Danke', named: [], replyTo: null }]);
    expect([area().value, area().readOnly]).toEqual(['Danke', true]);
    await act(async () => {
      taken?.({ type: 'done' });
      await Promise.resolve();
    });
    expect([area().value, area().readOnly]).toEqual(['', false]);
  });

  test('keeps a text that was refused and says so', async () => {
    const { page, area, write } = open('!steinklee', (request) => (request.type === 'send-message' ? { code: 'message-too-long', detail: '' } : undefined));
    await write('sehr lang');
    key('Enter');
    await waitFor(() => page.getByText('Die Nachricht ist zu lang und wurde nicht gesendet.'));
    expect(area().value).toBe('sehr lang');
  });

  test('tells once that something is being written, and that it is over, if the person wants it', async () => {
    const { host, asked, write } = open('!steinklee');
    await write('D');
    expect(asked('set-typing')).toEqual([]);
    act(() => host.send({ type: 'settings-changed', value: { ...settings, typingNotices: true } }));
    await write('Da');
    await write('Dan');
    const told = (typing: boolean) => ({ type: 'set-typing', conversation: '!steinklee', typing });
    expect(asked('set-typing')).toEqual([told(true)]);
    key('Enter');
    expect(asked('set-typing')).toEqual([told(true), told(false)]);
  });

  test('leaves Umschalt Enter to the text and sends no empty message', async () => {
    const { asked, area, write } = open('!steinklee');
    await write('  ');
    key('Enter');
    expect(key('Enter', { shiftKey: true })).toBe(true);
    expect([asked('send-message'), area().value]).toEqual([[], '  ']);
  });

  test('edits the last own message on ↑ when it is empty, and Esc brings back what was there', async () => {
    const { asked, area, write } = open('!steinklee');
    await write('');
    key('ArrowUp');
    expect(area().value).toBe('Danke. Dann bleibt Fall 3 an seiner Stelle.');
    key('Escape');
    expect(area().value).toBe('');
    await write('angefangen');
    key('ArrowUp');
    expect(area().value).toBe('angefangen');
    await write('');
    key('ArrowUp');
    await write('Danke, Fall 3 bleibt.');
    key('Enter');
    await waitFor(() => expect(asked('edit-message')).toEqual([{ type: 'edit-message', conversation: '!steinklee', message: 'AF-241007', text: 'Danke, Fall 3 bleibt.', named: [] }]));
    await waitFor(() => expect(area().value).toBe(''));
  });

  test('offers people behind "@", says how many, and sends whom it named', async () => {
    const { page, asked, area, write, polite } = open('!steinklee');
    await write('Frag @');
    const list = page.getByRole('listbox', { name: 'Personen in diesem Gespräch' });
    expect(list.querySelectorAll('[role=option]').length).toBe(6);
    expect(polite()).toBe('6 Namen zur Auswahl');
    expect(area().getAttribute('aria-controls')).toBe(list.id);
    expect(document.getElementById(area().getAttribute('aria-activedescendant') ?? '')?.textContent).toContain('Lerchenhain');
    key('ArrowUp');
    expect(document.getElementById(area().getAttribute('aria-activedescendant') ?? '')?.getAttribute('aria-selected')).toBe('true');
    expect(document.activeElement, 'the text keeps the focus').toBe(area());
    await write('Frag @sonn');
    expect(page.getByTestId('name-list').textContent).toContain('eschenland.example');
    key('Enter');
    expect(area().value).toBe('Frag @Dr. med. Leyla Sonnkaya ');
    expect([page.queryByTestId('name-list'), page.getByTestId('composer-named').textContent]).toEqual([null, 'Erwähnt: Sonnkaya']);
    await write('Frag @Dr. med. Leyla Sonnkaya bitte');
    key('Enter');
    const named = [{ start: 5, length: 24, person: '@dr-sonnkaya:eschenland.example' }];
    expect(asked('send-message')).toEqual([{ type: 'send-message', conversation: '!steinklee', text: 'Frag @Dr. med. Leyla Sonnkaya bitte', named, replyTo: null }]);
    await waitFor(() => expect(page.container.querySelector('bdi[class*=mention]')?.textContent).toBe('@Dr. med. Leyla Sonnkaya'));
  });

  test('closes the list on Esc and leaves the text, which then is sent as it is', async () => {
    const { page, asked, area, write } = open('!steinklee');
    await write('@sonn');
    key('Escape');
    expect([page.queryByTestId('name-list'), area().value]).toEqual([null, '@sonn']);
    key('Enter');
    expect(asked('send-message')).toEqual([{ type: 'send-message', conversation: '!steinklee', text: '@sonn', named: [], replyTo: null }]);
  });

  test('says how many read it, and of how many hospitals', () => {
    const { page, host } = open('!steinklee');
    const said = () => page.getByTestId('conversation-people').textContent;
    const person = (id: string) => ({ ...(steinklee.members[0] as SenderView), id });
    const has = (members: SenderView[]) => act(() => host.send({ type: 'conversation-changed', value: { ...steinklee, members, memberCount: members.length } }));
    has([person('@a:eschenland.example'), person('@b:eschenland.example'), person('@c:erlenbach.example')]);
    expect(said()).toBe('3 Personen aus 2 Häusern');
    has([person('@a:eschenland.example'), person('@b:eschenland.example')]);
    expect(said()).toBe('2 Personen');
  });

  test('stays closed after Esc for this name, however it goes on, and not for the next', async () => {
    const { page, write } = open('!steinklee');
    await write('@');
    key('Escape');
    for (const text of ['@so', '@sonn.', '@sonn. ', '@sonn. n']) {
      await write(text);
      expect(page.queryByTestId('name-list'), text).toBeNull();
    }
    await write('');
    await write('@so');
    expect(page.getByTestId('name-list')).toBeTruthy();
  });

  test('goes on behind a title', async () => {
    const { page, write, area } = open('!steinklee');
    await write('Frag @Dr.');
    expect(page.getByTestId('name-list')).toBeTruthy();
    await write('Frag @Dr. sonn');
    key('Enter');
    expect(area().value).toBe('Frag @Dr. med. Leyla Sonnkaya ');
  });

  test('names nobody any more once a letter of the name is gone', async () => {
    const { page, area, write } = open('!steinklee');
    await write('@sonn');
    key('Tab');
    expect(area().value).toBe('@Dr. med. Leyla Sonnkaya ');
    await write('@Dr. med. Leyla Sonnkay ');
    expect(page.queryByTestId('composer-named')).toBeNull();
  });

  test('takes a name by the mouse, and begins with "@" by a button', async () => {
    const { page, area, write } = open('!steinklee');
    await write('Frag');
    act(() => page.getByTestId('name-somebody').click());
    expect(area().value).toBe('Frag @');
    fireEvent.mouseDown(page.getByTestId('name-1'));
    expect(area().value).toMatch(/^Frag @.+ $/u);
    expect(page.getByTestId('composer-named')).toBeTruthy();
  });

  test('offers everybody only where this person may name them', async () => {
    const { page, host, write, asked } = open('!steinklee');
    await write('@al');
    expect(page.queryByTestId('name-list')).toBeNull();
    act(() => host.send({ type: 'conversation-changed', value: { ...steinklee, mayNameAll: true } }));
    expect(page.getByTestId('name-everybody').textContent).toBe('AlleAlle in diesem Gespräch werden erwähnt');
    key('Enter');
    key('Enter');
    expect(asked('send-message')).toEqual([{ type: 'send-message', conversation: '!steinklee', text: '@Alle ', named: [{ start: 0, length: 5, person: null }], replyTo: null }]);
  });

  test('keeps a draft when the conversation is left, and each conversation its own', async () => {
    const { page, asked, area, write, places } = open('!steinklee');
    await write('Für Steinklee');
    act(() => places.go({ screen: 'messages', conversation: '!taubengruen' }));
    await waitFor(() => expect(area().value).toBe('Kannst du Fall 4 hinter'));
    expect(asked('keep-message-draft')).toEqual([{ type: 'keep-message-draft', conversation: '!steinklee', text: 'Für Steinklee', named: [] }]);
    act(() => places.go({ screen: 'messages', conversation: '!steinklee' }));
    await waitFor(() => expect(page.getByTestId('conversation-head').textContent).toContain('Steinklee'));
    await waitFor(() => expect(area().value).toBe('Für Steinklee'));
  });

  test.each([
    [{ encryption: { state: 'unknown' } }, 'Noch ist nicht bekannt, ob dieses Gespräch verschlüsselt ist.'],
    [{ maySend: false }, 'Sie können hier lesen, aber nicht schreiben.'],
    [{ membership: { state: 'left' }, maySend: false }, 'Sie sind nicht mehr in diesem Gespräch.'],
  ] as const)('that is closed says why: %o', async (change, words) => {
    const { page, area } = open('!steinklee', (request) => (request.type === 'open-conversation' ? { type: 'conversation', value: { ...steinklee, ...change } } : undefined));
    await waitFor(() => expect(page.getByTestId('composer-reason').textContent).toContain(words));
    expect(area().readOnly).toBe(true);
  });
});

describe('"/" at the beginning of a message', () => {
  const list = ({ page }: ReturnType<typeof open>) => [...(page.queryByTestId('slash-list')?.querySelectorAll('[role=option]') ?? [])].map((option) => option.textContent);

  test('offers what else can be sent, by any word of its name, and Enter begins it', async () => {
    const set = open('!steinklee');
    await set.write('/');
    expect(list(set)).toEqual(['Dateien anhängen', 'Termin vorschlagen', 'Frage ans Board', 'Empfehlung teilen', 'Dokument senden', 'In den Fall einladen']);
    await set.write('/board');
    expect(list(set)).toEqual(['Frage ans Board']);
    key('Enter');
    await waitFor(() => set.page.getByTestId('form-question'));
    expect([set.area().value, set.asked('send-message')]).toEqual(['', []]);
  });

  test('is a text like any other where nothing fits, behind a word and after Esc', async () => {
    const set = open('!steinklee');
    await set.write('/xyz');
    expect(list(set)).toEqual([]);
    await set.write('Cisplatin/Board');
    expect(list(set)).toEqual([]);
    await set.write('/board');
    key('Escape');
    expect(list(set)).toEqual([]);
    key('Enter');
    await waitFor(() => expect(set.asked('send-message')).toEqual([{ type: 'send-message', conversation: '!steinklee', text: '/board', named: [], replyTo: null }]));
  });
});

describe('a message with the focus', () => {
  const line = 'message-MB-241326';

  test('is answered by R and reacted to by E', async () => {
    const { page } = open('!steinklee');
    await waitFor(() => page.getByTestId(line));
    act(() => page.getByTestId(line).focus());
    key('r');
    await waitFor(() => page.getByText('Antwort an Brunnengold:'));
    act(() => page.getByTestId(line).focus());
    key('e');
    await waitFor(() => page.getByTestId('pick-👍'));
  });

  test('is not when letters are switched off', async () => {
    const { page } = open('!steinklee', undefined, false);
    await waitFor(() => page.getByTestId(line));
    act(() => page.getByTestId(line).focus());
    key('r');
    expect(page.queryByText('Antwort an Brunnengold:')).toBeNull();
  });
});

test('earlier lines are asked for once at a time, and again after a page that held nothing to show', async () => {
  const more = { ...steinklee, earlier: 'more' } as const;
  const { host, asked } = open('!steinklee', (request) => (request.type === 'open-conversation' ? { type: 'conversation', value: more } : request.type === 'load-earlier' ? { type: 'done' } : undefined));
  await waitFor(() => expect(asked('load-earlier').length).toBe(1));
  act(() => host.send({ type: 'conversation-changed', value: { ...more, typing: [], asOf: '2026-11-24T13:37:00+01:00' } }));
  expect(asked('load-earlier').length).toBe(1);
  act(() => host.send({ type: 'conversation-changed', value: { ...more, earlier: 'loading', asOf: '2026-11-24T13:37:01+01:00' } }));
  act(() => host.send({ type: 'conversation-changed', value: { ...more, asOf: '2026-11-24T13:37:02+01:00' } }));
  await waitFor(() => expect(asked('load-earlier').length).toBe(2));
});

describe('the menu of a conversation', () => {
  const entry = async (page: ReturnType<typeof open>['page'], id: string) => {
    await waitFor(() => page.getByTestId('conversation-menu'));
    fireEvent.click(page.getByTestId('conversation-menu'));
    await waitFor(() => page.getByTestId(`menu-${id}`));
    fireEvent.click(page.getByTestId(`menu-${id}`));
  };

  test('puts it among the favorites and takes it out again', async () => {
    const { page, asked } = open('!steinklee');
    await entry(page, 'favorite');
    await waitFor(() => expect(asked('set-favorite')).toEqual([{ type: 'set-favorite', conversation: '!steinklee', favorite: true }]));
    await entry(page, 'favorite');
    await waitFor(() => expect(asked('set-favorite').at(-1)).toEqual({ type: 'set-favorite', conversation: '!steinklee', favorite: false }));
  });

  test('gives it another name, and not the one that it has', async () => {
    const { page, asked } = open('!steinklee');
    await entry(page, 'rename');
    await waitFor(() => page.getByTestId('rename-name'));
    expect((page.getByTestId('rename-now') as HTMLButtonElement).disabled).toBe(true);
    fireEvent.change(page.getByTestId('rename-name'), { target: { value: 'Fall 3, Nachsorge' } });
    fireEvent.click(page.getByTestId('rename-now'));
    await waitFor(() => expect(asked('rename-conversation')).toEqual([{ type: 'rename-conversation', conversation: '!steinklee', name: 'Fall 3, Nachsorge' }]));
    await waitFor(() => expect(page.queryByTestId('rename-dialog')).toBeNull());
  });

  test('leaves it after a question, and goes to the list', async () => {
    const { page, asked, places } = open('!steinklee');
    await entry(page, 'leave');
    await waitFor(() => page.getByTestId('leave-dialog'));
    expect(asked('leave-conversation')).toEqual([]);
    fireEvent.click(page.getByTestId('leave-now'));
    await waitFor(() => expect(asked('leave-conversation')).toEqual([{ type: 'leave-conversation', conversation: '!steinklee' }]));
    await waitFor(() => expect(places.place.get()).toEqual({ screen: 'messages', conversation: null }));
  });
});

test('what was changed shows what it said before', async () => {
  const changed = { ...steinklee, lines: [message(brunnengold, '2026-11-24T10:00:00Z', 'pMMR.', { id: 'changed', edited: true })] };
  const { page, asked } = open('!steinklee', (request) => (request.type === 'open-conversation' ? { type: 'conversation', value: changed } : request.type === 'open-versions' ? { type: 'versions', value: { versions: [{ at: '2026-11-24T09:59:00Z', blocks: [] }, { at: '2026-11-24T10:00:00Z', blocks: [] }] } } : undefined));
  await waitFor(() => page.getByTestId('edited-changed'));
  fireEvent.click(page.getByTestId('edited-changed'));
  await waitFor(() => expect(page.getByTestId('versions').querySelectorAll('li').length).toBe(2));
  expect(asked('open-versions')).toEqual([{ type: 'open-versions', conversation: '!steinklee', message: 'changed' }]);
});

describe('a conversation that one is in no more', () => {
  const left = (request: Request) => (request.type === 'open-conversation' ? { type: 'conversation' as const, value: { ...steinklee, membership: { state: 'left' as const }, maySend: false } } : undefined);

  test('goes out of the list after a question (A_28343), and nothing else can be done with it', async () => {
    const { page, asked, places } = open('!steinklee', left);
    fireEvent.click(await page.findByTestId('conversation-menu'));
    const entries = await page.findAllByRole('menuitem');
    expect(entries.map((entry) => entry.textContent)).toEqual(['Aus der Liste entfernen …']);
    fireEvent.click(page.getByTestId('menu-forget'));
    fireEvent.click(await page.findByTestId('forget-now'));
    await waitFor(() => expect(asked('leave-conversation')).toEqual([{ type: 'leave-conversation', conversation: '!steinklee' }]));
    await waitFor(() => expect(places.place.get()).toEqual({ screen: 'messages', conversation: null }));
  });
});

describe('what was done to a message and has not reached the others', () => {
  const lineWith = (more: Partial<MessageView>, body: string | MessageBodyView = 'V20 unter 30 Prozent.') => {
    const line = message(falkenried, '2026-11-24T13:29:00+01:00', body, { id: 'done', ...more });
    return (request: Request) => (request.type === 'open-conversation' ? { type: 'conversation' as const, value: { ...steinklee, lines: [line] } } : undefined);
  };
  const failed = (act: MessageAct): PendingView => ({ act, sending: { state: 'failed', failure: { code: 'refused', detail: '' } } });

  test('is said at its line, and can be tried again or given up', async () => {
    const { page, asked } = open('!steinklee', lineWith({ edited: true, pending: failed('change') }));
    const said = await page.findByTestId('pending-done');
    expect(said.textContent).toContain('Die Änderung wurde nicht angenommen, die anderen lesen den früheren Text. Die Plattform hat das nicht angenommen.');
    fireEvent.click(page.getByText('Erneut versuchen'));
    await waitFor(() => expect(asked('retry-message')).toEqual([{ type: 'retry-message', conversation: '!steinklee', message: 'done' }]));
    fireEvent.click(page.getByText('Verwerfen'));
    await waitFor(() => expect(asked('cancel-message')).toEqual([{ type: 'cancel-message', conversation: '!steinklee', message: 'done' }]));
  });

  test('is no deletion as long as others can read the message', async () => {
    const redacted = { type: 'redacted' as const, by: falkenried, at: null };
    const { page } = open('!steinklee', lineWith({ pending: { act: 'deletion', sending: { state: 'waiting' } } }, redacted));
    const line = await page.findByTestId('message-done');
    expect(line.textContent).toContain('Das Löschen wartet auf das Senden, andere können die Nachricht noch lesen');
    expect(line.textContent).not.toContain('gelöscht');
    expect(page.getByText('Nicht löschen')).toBeTruthy();
  });
});

test('whoever did not write a message is not named as somebody with an unconfirmed device', async () => {
  const line = (cause: UndecryptableCause) => message(brunnengold, '2026-11-24T13:29:00+01:00', { type: 'undecryptable', cause }, { id: cause });
  const lines = [line('sender-not-trusted'), line('sender-forged')];
  const { page } = open('!steinklee', (request) => (request.type === 'open-conversation' ? { type: 'conversation', value: { ...steinklee, lines } } : undefined));
  expect((await page.findByTestId('message-sender-not-trusted')).textContent).toContain('nicht bestätigt');
  const forged = page.getByTestId('message-sender-forged').textContent;
  expect(forged).toContain('Nicht angezeigt: Jemand anderes als Brunnengold hat diese Nachricht geschrieben.');
  expect(forged).not.toContain('bestätigt');
});

describe('what was not read and lies before the loaded lines', () => {
  const before = { ...steinklee, unreadBefore: true } as const;
  const from = { ...steinklee, unreadBefore: false, past: { day: null, later: 'more' } } as const;
  const answer = (unread: Reply | { code: 'platform-unreachable'; detail: string }) => (request: Request) => {
    if (request.type === 'open-conversation') return { type: 'conversation' as const, value: before };
    if (request.type === 'load-later') return { type: 'done' as const };
    return request.type === 'open-unread' ? unread : undefined;
  };

  test('is gone to by a button, which reads on from there and marks nothing as read', async () => {
    const { page, asked } = open('!steinklee', answer({ type: 'conversation', value: from }));
    await waitFor(() => page.getByTestId('to-unread'));
    const marked = asked('mark-read').length;
    fireEvent.click(page.getByTestId('to-unread'));
    await waitFor(() => page.getByTestId('to-now'));
    expect(asked('open-unread')).toEqual([{ type: 'open-unread', conversation: '!steinklee' }]);
    expect(page.queryByTestId('to-unread')).toBeNull();
    expect(page.getByTestId('unread-line')).toBeTruthy();
    expect(asked('mark-read').length).toBe(marked);
  });

  test('is said to be out of reach, and what is loaded stays', async () => {
    const { page } = open('!steinklee', answer({ code: 'platform-unreachable', detail: '' }));
    await waitFor(() => page.getByTestId('to-unread'));
    fireEvent.click(page.getByTestId('to-unread'));
    await waitFor(() => page.getByRole('alert'));
    expect(page.getByTestId('to-unread')).toBeTruthy();
    expect(page.getByTestId('timeline')).toBeTruthy();
  });
});

describe('a day of the past', () => {
  const past = { ...steinklee, past: { day: '2026-11-23', later: 'more' } } as const;
  const atDay = (request: Request) => (request.type === 'open-day' ? { type: 'conversation' as const, value: past } : request.type === 'load-later' ? { type: 'done' as const } : undefined);
  const goes = async (page: ReturnType<typeof open>['page']) => {
    await waitFor(() => page.getByTestId('to-day'));
    fireEvent.click(page.getByTestId('to-day'));
    await waitFor(() => page.getByTestId('day-2026-11-23'));
    fireEvent.click(page.getByTestId('day-2026-11-23'));
    await waitFor(() => page.getByTestId('to-now'));
  };

  test('is asked for by the calendar, reads on, and marks nothing as read', async () => {
    const { page, asked } = open('!steinklee', atDay);
    await waitFor(() => page.getByTestId('to-day'));
    const before = asked('mark-read').length;
    await goes(page);
    expect(asked('open-day')).toEqual([{ type: 'open-day', conversation: '!steinklee', day: '2026-11-23' }]);
    await waitFor(() => expect(asked('load-later').length).toBeGreaterThan(0));
    expect(asked('mark-read').length).toBe(before);
    expect(page.queryByTestId('day-dialog')).toBeNull();
  });

  test('is left for what is written now', async () => {
    const { page, asked } = open('!steinklee', atDay);
    await goes(page);
    const before = asked('open-conversation').length;
    fireEvent.click(page.getByTestId('to-now'));
    await waitFor(() => expect(asked('open-conversation').length).toBe(before + 1));
    await waitFor(() => expect(page.queryByTestId('to-now')).toBeNull());
  });

  test('that is later than all lines is said to hold nothing, and a search can be given up', async () => {
    const { page, asked } = open('!steinklee', (request) => (request.type === 'open-day' ? { code: 'not-found', detail: '' } : undefined));
    await waitFor(() => page.getByTestId('to-day'));
    fireEvent.click(page.getByTestId('to-day'));
    await waitFor(() => page.getByTestId('day-2026-11-24'));
    fireEvent.click(page.getByTestId('day-2026-11-24'));
    await waitFor(() => page.getByText('Seit dem 24.11.2026 wurde hier nichts geschrieben.'));
    expect(asked('open-day').length).toBe(1);
  });
});

describe('what is said aloud', () => {
  test('is a new message of somebody else with its sender, once, and nothing on the first load', async () => {
    const { page, host, polite } = open('!steinklee');
    await waitFor(() => page.getByTestId('message-MB-241326'));
    expect(polite()).toBe('');
    const asOf = (seconds: number) => new Date(Date.parse(steinklee.asOf) + seconds * 1000).toISOString();
    const mine = message(falkenried, asOf(1), 'meins', { id: 'mine' });
    const theirs = message(brunnengold, asOf(2), 'Befund liegt vor.', { id: 'theirs' });
    act(() => host.send({ type: 'conversation-changed', value: { ...steinklee, lines: [...steinklee.lines, mine], asOf: asOf(1) } }));
    expect(polite()).toBe('');
    act(() => host.send({ type: 'conversation-changed', value: { ...steinklee, lines: [...steinklee.lines, mine, theirs], asOf: asOf(2) } }));
    expect(polite()).toBe('Brunnengold: Befund liegt vor.');
    act(() => host.send({ type: 'conversation-changed', value: { ...steinklee, lines: [message(brunnengold, '2026-11-19T10:00:00Z', 'alt', { id: 'old' }), ...steinklee.lines, mine, theirs], asOf: asOf(3) } }));
    expect(polite()).toBe('Brunnengold: Befund liegt vor.');
  });
});

test('Strg ↓ and ↑ go to the next and the previous conversation, out of the text too', async () => {
  const { write, places } = open('!steinklee');
  await write('x');
  key('ArrowDown', { ctrlKey: true });
  expect(places.place.get()).toEqual({ screen: 'messages', conversation: '!auenwald' });
  key('ArrowUp', { ctrlKey: true });
  expect(places.place.get()).toEqual({ screen: 'messages', conversation: '!steinklee' });
});

test('U shows the unread and all again', async () => {
  const { page } = open(null);
  await waitFor(() => page.getByTestId('conversation-!weidenlohe'));
  key('u');
  expect(page.queryByTestId('conversation-!weidenlohe')).toBeNull();
  expect(page.getByTestId('conversation-!board')).toBeTruthy();
  key('u');
  expect(page.getByTestId('conversation-!weidenlohe')).toBeTruthy();
});

test('an absent chat and an empty one are not the same', async () => {
  const empty = open(null, (request) => (request.type === 'open-chat' ? { type: 'chat', value: chatView({ conversations: [] }) } : undefined));
  await waitFor(() => empty.page.getByText('Noch keine Gespräche.'));
  cleanup();
  const absent = open(null, (request) => (request.type === 'open-chat' ? { type: 'chat', value: chatView({ state: { state: 'absent' }, conversations: rows }) } : undefined));
  await waitFor(() => absent.page.getByText('Ihre Plattform bietet keine Nachrichten.'));
});

describe('a new conversation', () => {
  const people = (found: SenderView[]) => (request: Request): Reply | undefined => {
    if (request.type === 'find-people') return { type: 'people', value: { people: found, more: false } };
    return request.type === 'begin-conversation' ? { type: 'begun', value: { conversation: '!steinklee', refused: [] } } : undefined;
  };
  const search = async (page: ReturnType<typeof open>['page'], words: string) => {
    key('n');
    const field = await page.findByTestId('new-conversation-search');
    fireEvent.change(field, { target: { value: words } });
    await page.findAllByRole('option');
    return field;
  };

  test('is begun by keyboard with whom was found', async () => {
    const { page, asked, places } = open(null, people([brunnengold]));
    await page.findByTestId('conversations');
    const field = await search(page, 'Brunn');
    fireEvent.keyDown(field, { key: 'Enter' });
    await waitFor(() => expect(asked('begin-conversation')).toEqual([{ type: 'begin-conversation', people: [brunnengold.id], name: null, case: null }]));
    await waitFor(() => expect(places.place.get()).toEqual({ screen: 'messages', conversation: '!steinklee' }));
  });

  test('with somebody who is not found takes a whole address', async () => {
    const { page, asked } = open(null, people([]));
    await page.findByTestId('conversations');
    const field = await search(page, '@i-rotdornhain:erlenstadt.example');
    fireEvent.keyDown(field, { key: 'Enter' });
    await waitFor(() => expect(asked('begin-conversation')).toEqual([{ type: 'begin-conversation', people: ['@i-rotdornhain:erlenstadt.example'], name: null, case: null }]));
  });

  test('finds services before people, and writes to a service that the directory has', async () => {
    const entry = { id: 'HealthcareService/1', name: 'Tumorboard', initials: 'UE', organization: 'Uniklinik', place: 'Erlenstadt', specialties: [], addresses: [{ id: '@board:e.example', name: 'Anmeldestelle', bot: false }] };
    const { page, asked } = open(null, (request) =>
      request.type === 'search-directory'
        ? { type: 'directory', value: { services: { state: 'ready', value: [entry], more: false }, people: { state: 'empty' }, partial: false } }
        : people([brunnengold])(request),
    );
    await page.findByTestId('conversations');
    const field = await search(page, 'Tumor');
    await page.findByTestId('found-group-service');
    await waitFor(() => expect(page.getAllByRole('option').map((option) => option.dataset['testid'])).toEqual(['found-@board:e.example', `found-${brunnengold.id}`]));
    fireEvent.keyDown(field, { key: 'Enter' });
    await waitFor(() => expect(asked('begin-conversation')).toEqual([{ type: 'begin-conversation', people: ['@board:e.example'], name: null, case: null }]));
  });

  test('goes on by address while the directory does not answer', async () => {
    const { page, asked } = open(null, (request) => (request.type === 'search-directory' ? { code: 'platform-unreachable', detail: '' } : people([])(request)));
    await page.findByTestId('conversations');
    const field = await search(page, '@ilva:erlenstadt.example');
    await page.findByText('Das Verzeichnis antwortet nicht.');
    fireEvent.keyDown(field, { key: 'Enter' });
    await waitFor(() => expect(asked('begin-conversation')).toHaveLength(1));
  });

  test('says what an invitation means before there is one (A_26347)', async () => {
    const { page, asked } = open(null, people([brunnengold]));
    await page.findByTestId('conversations');
    await search(page, 'Brunn');
    expect(page.getByTestId('inviting').textContent).toContain('laden Sie ein');
    expect(asked('begin-conversation')).toEqual([]);
  });

  test('with several waits for a name', async () => {
    const { page, asked } = open(null, people([brunnengold, falkenried]));
    await page.findByTestId('conversations');
    key('n');
    fireEvent.click(await page.findByTestId('segment-group'));
    const field = page.getByTestId('new-conversation-search');
    fireEvent.change(field, { target: { value: 'n' } });
    await page.findAllByRole('option');
    fireEvent.keyDown(field, { key: 'Enter' });
    fireEvent.keyDown(field, { key: 'ArrowDown' });
    fireEvent.keyDown(field, { key: 'Enter' });
    expect((page.getByTestId('new-conversation-begin') as HTMLButtonElement).disabled).toBe(true);
    fireEvent.change(page.getByTestId('new-conversation-name'), { target: { value: ' Lungenteam ' } });
    fireEvent.click(page.getByTestId('new-conversation-begin'));
    await waitFor(() => expect(asked('begin-conversation')).toEqual([{ type: 'begin-conversation', people: [brunnengold.id, falkenried.id], name: 'Lungenteam', case: null }]));
  });
});

test('a line that names this person says so, to the eye and to the ear', async () => {
  const { page, host } = open('!steinklee');
  await waitFor(() => page.getByTestId('composer'));
  const line = message(sonnkaya, '2026-11-24T13:34:00+01:00', { type: 'text', source: null, blocks: [{ type: 'paragraph', spans: [span('@Dr. med. Amina Falkenried', { mention: falkenried }), span(' und '), span('@Dr. med. Matteo Brunnengold', { mention: brunnengold }), span(': '), span('@room', { everybody: true })] }] }, { namesMe: true });
  act(() => host.send({ type: 'conversation-changed', value: { ...steinklee, lines: [line] } }));
  const article = await waitFor(() => page.getByTestId(`message-${line.id}`));
  expect(article.getAttribute('aria-label')).toContain('Sie sind erwähnt. Sonnkaya: @Dr. med. Amina Falkenried');
  expect(page.getByTestId(`names-me-${line.id}`).textContent).toBe('erwähnt Sie');
  const names = [...article.querySelectorAll('bdi')];
  expect(names.map((name) => [name.textContent, name.className.includes('mentionOwn')])).toEqual([
    ['@Dr. med. Amina Falkenried', true],
    ['@Dr. med. Matteo Brunnengold', false],
    ['@Alle', true],
  ]);
  expect(article.querySelector('a, button[title]'), 'nothing leads anywhere').toBeNull();
});
