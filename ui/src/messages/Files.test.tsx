import { act, cleanup, fireEvent, render, waitFor } from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { LiveRegions } from '../components/announce';
import { createPlaces, PlacesContext } from '../frame/place';
import type { ConversationView, OutgoingView, Request } from '../host/contract';
import { createDesk, DeskContext } from '../host/desk';
import { memoryHost } from '../host/memory';
import type { FilesFixture } from '../host/memoryFiles';
import { useKeyDispatcher } from '../keys/keys';
import { at } from '../stories/story';
import { Chat } from './Chat';
import { file, pdfBytes, pictureBytes } from './exampleFiles';
import { chat, message, sonnkaya, span, steinklee } from './examples';

const here = '!steinklee';
const picture = pictureBytes(16, 12);
const pdf = pdfBytes();
const said = (id: string, name: string, size: number, mimetype: string | null = null) => message(sonnkaya, '2026-11-24T13:33:00+01:00', { type: 'file', name, mimetype, size, study: null, picture: null, caption: [] }, { id });

async function open(view: Partial<ConversationView> = {}, files: FilesFixture = {}) {
  const fixture = at({ screen: 'messages', conversation: here }, { chat: { ...chat, answers: {}, conversations: [{ ...steinklee, ...view }], files } });
  const host = memoryHost(fixture);
  const desk = createDesk(host, fixture.start);
  const places = createPlaces(desk, fixture.start.place);
  desk.openChat();
  function Screen() {
    useKeyDispatcher(true);
    return <Chat conversation={here} />;
  }
  const page = render(
    <DeskContext value={desk}>
      <PlacesContext value={places}>
        <Screen />
        <LiveRegions />
      </PlacesContext>
    </DeskContext>,
  );
  await waitFor(() => page.getByTestId('composer'));
  const asked = (...types: Request['type'][]) => host.asked.filter((request) => types.includes(request.type));
  const key = (name: string) => fireEvent.keyDown(document.activeElement ?? document.body, { key: name });
  const choose = (...chosen: File[]) => fireEvent.change(page.getByTestId('attach-input'), { target: { files: chosen } });
  const press = (id: string) => act(() => page.getByTestId(id).click());
  const polite = () => page.baseElement.querySelector('[role=status][aria-live=polite].visually-hidden')?.textContent ?? '';
  return { page, host, desk, asked, key, choose, press, polite };
}

let saved: string[] = [];
beforeEach(() => {
  saved = [];
  vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(function click(this: HTMLAnchorElement) {
    saved.push(this.download);
  });
});
afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

test('what a sender wrote about a file stands below it, as text', async () => {
  const line = message(sonnkaya, '2026-11-24T13:33:00+01:00', { type: 'file', name: 'Befund.docx', mimetype: null, size: 2000, study: null, picture: null, caption: [{ type: 'paragraph', spans: [span('Siehe '), span('<b>Seite 3</b>', { strong: true })] }] }, { id: 'mit' });
  const { page } = await open({ lines: [line, said('ohne', 'Anderes.docx', 2000)] });
  const caption = page.getByTestId('caption-mit');
  expect(caption.textContent).toBe('Siehe <b>Seite 3</b>');
  expect(page.getByTestId('message-mit').getAttribute('aria-label')).toContain('Siehe <b>Seite 3</b>');
  expect(page.queryByTestId('caption-ohne')).toBeNull();
});

describe('attached files', () => {
  test('stand above the text with name, kind and size until they are sent, and go after the words', async () => {
    const { page, asked, choose, key, polite } = await open();
    choose(file('Koloskopie.pdf', 2000), file('Befund.docx', 3_400_000));
    expect(page.getByTestId('attached').textContent).toMatch(/Koloskopie\.pdfPDF · 2\u00a0kB.*Befund\.docxText · 3\u00a0MB/u);
    expect(polite()).toBe('2 Dateien angehängt');
    expect(asked('begin-attachment')).toEqual([]);
    fireEvent.change(page.getByTestId('composer'), { target: { value: 'Zum Vergleich:' } });
    act(() => page.getByTestId('composer').focus());
    key('Enter');
    await waitFor(() => expect(asked('send-message', 'begin-attachment').map((request) => ('name' in request ? request.name : request.type))).toEqual(['send-message', 'Koloskopie.pdf', 'Befund.docx']));
    await waitFor(() => expect(page.queryByTestId('attached')).toBeNull());
    await waitFor(() => expect(page.getAllByText('Koloskopie').length).toBe(1));
  });

  test('can be left out one by one', async () => {
    const { page, choose } = await open();
    choose(file('Koloskopie.pdf', 2000), file('Befund.docx', 3000));
    act(() => page.getByLabelText('Nicht senden: Koloskopie.pdf').click());
    expect(page.getByTestId('attached').textContent).not.toContain('Koloskopie');
    expect(document.activeElement).toBe(page.getByTestId('composer'));
  });

  test('say what speaks against them', async () => {
    const { page, choose } = await open({ largestFile: 1_000_000 });
    choose(file('Vorlage.docm', 2000), file('CT.zip', 1_000_001), file('Skizze.svg', 20));
    const words = page.getByTestId('attached').textContent;
    expect(words).toContain('kann Makros ausführen');
    expect(words).toContain('Die Datei ist größer als 1\u00a0MB. Mehr nimmt der Server nicht an.');
    expect(words).toContain('Konsil zeigt sie nicht an');
  });

  test('come by dropping and by the clipboard, where a picture gets a name with its time', async () => {
    const { page } = await open();
    const items = (...files: File[]) => files.map((one) => ({ kind: 'file', getAsFile: () => one }));
    const target = page.getByTestId('conversation');
    fireEvent.dragEnter(target, { dataTransfer: { types: ['Files'], items: [] } });
    expect(page.getByTestId('drop-target').textContent).toContain('Hier ablegen für Fall Steinklee, Milan');
    fireEvent.drop(target, { dataTransfer: { types: ['Files'], items: items(file('Koloskopie.pdf', 10)), files: [] } });
    expect(page.queryByTestId('drop-target')).toBeNull();
    fireEvent.paste(page.getByTestId('composer'), { clipboardData: { getData: () => '', items: items(file('image.png', picture, 'image/png')), files: [] } });
    expect(page.getByTestId('attached').textContent).toMatch(/Koloskopie.*Bild 2026-11-24 \d\d\.30\.00\.png/u);
  });

  test('do not come of a text that brings a picture of itself along', async () => {
    const { page } = await open();
    fireEvent.paste(page.getByTestId('composer'), { clipboardData: { getData: () => 'Tabelle', items: [{ kind: 'file', getAsFile: () => file('image.png', picture) }], files: [] } });
    expect(page.queryByTestId('attached')).toBeNull();
  });

  test('are refused where the conversation is not encrypted', async () => {
    const { page, choose } = await open({ encryption: { state: 'plain' } });
    choose(file('Koloskopie.pdf', 2000));
    expect([page.queryByTestId('attached'), page.getByTestId('refusals').textContent]).toEqual([null, 'Dateien gehen nur in verschlüsselte Gespräche. Dieses ist nicht verschlüsselt.']);
  });
});

describe('a file that is being sent', () => {
  const going = async (files: FilesFixture) => {
    const set = await open({}, files);
    set.choose(file('CT.zip', 2_621_440));
    set.press('send');
    return set;
  };
  const card = (page: Awaited<ReturnType<typeof open>>['page']) => page.getByTestId('outgoing-file-1');

  test('says how far it is, can be held and goes on', async () => {
    const { page, press, asked } = await going({ upTo: 0.4 });
    await waitFor(() => expect(card(page).dataset['percent']).toBe('40'));
    expect(card(page).textContent).toContain('1,0 von 2,6\u00a0MB');
    expect(page.getByRole('progressbar').getAttribute('aria-valuenow')).toBe('40');
    press('pause-file-1');
    await waitFor(() => expect(card(page).textContent).toContain('Angehalten. 1,0 von 2,6\u00a0MB sind gesendet.'));
    press('resume-file-1');
    await waitFor(() => expect(asked('resume-attachment').length).toBe(1));
    await waitFor(() => expect(card(page).dataset['state']).toBe('going'));
  });

  test('that failed says why and what to do, and is sent again or given up', async () => {
    const { page, press, asked, polite } = await going({ sendFails: { code: 'platform-unreachable', detail: '' } });
    await waitFor(() => expect(card(page).textContent).toContain('Nicht gesendet. Die Verbindung ist abgerissen.'));
    await waitFor(() => expect(polite()).toBe('CT.zip wurde nicht gesendet'));
    press('retry-file-1');
    await waitFor(() => expect(asked('resume-attachment').length).toBe(1));
    press('cancel-file-1');
    await waitFor(() => expect(page.queryByTestId('outgoing')).toBeNull());
  });

  const wanted = (state: OutgoingView['state'], study: OutgoingView['study'] = null): OutgoingView => ({ id: 'file-9', name: 'CT.zip', size: 2_621_440, study, held: false, anew: false, state });
  const chooseAgain = (page: Awaited<ReturnType<typeof open>>['page'], chosen: File) => fireEvent.change(page.getByTestId('choose-input-file-9'), { target: { files: [chosen] } });

  test('of an earlier page is chosen once more and goes on', async () => {
    const { page, asked } = await open({ outgoing: [wanted({ state: 'waiting' })] }, { upTo: 0.4 });
    expect(page.getByTestId('outgoing-file-9').textContent).toContain('Konsil hat die Datei nicht mehr.');
    page.getByTestId('cancel-file-9');
    chooseAgain(page, file('CT.zip', 2_621_440));
    await waitFor(() => expect(page.getByTestId('outgoing-file-9').dataset['state']).toBe('going'));
    expect(asked('take-up-attachment').map((request) => 'attachment' in request && request.attachment)).toEqual(['file-9']);
  });

  test('when the program ended says how much is safe and goes on from there', async () => {
    const { page } = await open({ outgoing: [wanted({ state: 'interrupted', sent: 1_048_576 })] }, { upTo: 0.6 });
    const card = () => page.getByTestId('outgoing-file-9');
    expect(card().textContent).toContain('Nicht gesendet. Konsil wurde beendet, bevor alles gesendet war. 1,0 von 2,6\u00a0MB sind gesendet. Wählen Sie die Datei noch einmal');
    expect(page.getByTestId('choose-file-9').getAttribute('aria-label')).toBe('Datei wählen: CT.zip');
    chooseAgain(page, file('CT.zip', 2_621_440));
    await waitFor(() => expect(card().dataset['percent']).toBe('60'));
    expect(card().textContent).not.toContain('geändert');
  });

  test('that has changed since is sent from the beginning and says so', async () => {
    const { page } = await open({ outgoing: [wanted({ state: 'interrupted', sent: 1_048_576 })] }, { upTo: 0.4 });
    chooseAgain(page, file('CT.zip', 1_310_720));
    await waitFor(() => expect(page.getByTestId('outgoing-file-9').textContent).toContain('Die Datei hat sich geändert und wird von vorn gesendet.'));
  });

  test('when the program ended with only its message missing needs no file', async () => {
    const { page, press, asked } = await open({ outgoing: [wanted({ state: 'interrupted', sent: 2_621_440 })] });
    expect(page.getByTestId('outgoing-file-9').textContent).toContain('Alles ist übertragen, nur die Nachricht dazu fehlt noch.');
    expect(page.queryByTestId('choose-file-9')).toBeNull();
    press('retry-file-9');
    await waitFor(() => expect(asked('resume-attachment').length).toBe(1));
  });

  test('that is a study goes on when it is sent once more', async () => {
    const { page } = await open({ outgoing: [wanted({ state: 'interrupted', sent: 1_048_576 }, { modality: ['CT'], images: 135, series: 1 })] });
    expect(page.getByTestId('outgoing-file-9').textContent).toContain('Senden Sie die Untersuchung noch einmal');
    expect(page.queryByTestId('choose-file-9')).toBeNull();
  });
});

describe('a file that came', () => {
  test('that is a small picture comes by itself and is shown in front of everything by Enter', async () => {
    const { page, key } = await open({ lines: [said('bild', 'Thorax.png', picture.length)] }, { content: { bild: { bytes: picture } } });
    await waitFor(() => page.getByTestId('picture-bild'));
    act(() => page.getByTestId('message-bild').focus());
    key('Enter');
    await waitFor(() => page.getByTestId('viewer-picture'));
    key('Escape');
    await waitFor(() => expect(page.queryByTestId('viewer')).toBeNull());
  });

  describe('that is a picture with a small one', () => {
    const large = message(sonnkaya, '2026-11-24T13:33:00+01:00', { type: 'file', name: 'Thorax.png', mimetype: 'image/png', size: picture.length, study: null, picture: { width: 1600, height: 1200, thumbnail: true }, caption: [] }, { id: 'bild' });
    const small = pictureBytes(8, 6);

    test('shows that first, and all of it when it is asked for', async () => {
      const { page, asked, press } = await open({ lines: [large] }, { content: { bild: { bytes: picture }, 'bild small': { bytes: small } } });
      await waitFor(() => page.getByTestId('picture-bild'));
      expect([page.getByTestId('file-bild').dataset['state'], asked('open-attachment')]).toEqual(['small', []]);
      press('show-bild');
      await waitFor(() => page.getByTestId('viewer-picture'));
      expect(asked('open-attachment').length).toBe(1);
    });

    test('shows the picture itself where the small one is none', async () => {
      const { page, asked } = await open({ lines: [large] }, { content: { bild: { bytes: picture }, 'bild small': { bytes: new Uint8Array(9) } } });
      await waitFor(() => expect(page.getByTestId('file-bild').dataset['state']).toBe('here'));
      expect(asked('open-attachment').length).toBe(1);
    });
  });

  test('that is not what was sent is never shown', async () => {
    const { page } = await open({ lines: [said('bild', 'Thorax.png', picture.length)] }, { content: { bild: { code: 'file-altered', detail: '' } } });
    await waitFor(() => expect(page.getByTestId('file-bild').textContent).toContain('Nicht angezeigt. Die Datei ist nicht die, die gesendet wurde.'));
    expect([page.container.querySelector('img'), page.queryByTestId('save-bild')]).toEqual([null, null]);
  });

  test('is saved under its name when all of it is there', async () => {
    const { press } = await open({ lines: [said('brief', 'Brief.docx', 5)] }, { content: { brief: { bytes: new Uint8Array(5) } } });
    press('save-brief');
    await waitFor(() => expect(saved).toEqual(['Brief.docx']));
  });

  test('that can do harm is saved only after a warning, and leaving it is the safe answer', async () => {
    const { page, press, asked, key } = await open({ lines: [said('exe', 'Befund.pdf.exe', 5)] }, { content: { exe: { bytes: new Uint8Array(5) } } });
    press('save-exe');
    expect(page.getByTestId('danger-dialog').textContent).toContain('Diese Datei ist ein Programm.');
    await waitFor(() => expect(document.activeElement).toBe(page.getByTestId('danger-leave')));
    key('Escape');
    await waitFor(() => expect(page.queryByTestId('danger-dialog')).toBeNull());
    expect([asked('open-attachment'), saved]).toEqual([[], []]);
    press('save-exe');
    press('danger-save');
    await waitFor(() => expect(saved).toEqual(['Befund.pdf.exe']));
  });

  test('that is a program under another name asks before it is saved', async () => {
    const program = Uint8Array.from([0x4d, 0x5a, 0x90, 0]);
    const { page, press } = await open({ lines: [said('falsch', 'Liste.xlsx', 4)] }, { content: { falsch: { bytes: program } } });
    press('save-falsch');
    await waitFor(() => page.getByTestId('danger-dialog'));
    expect(saved).toEqual([]);
    press('danger-save');
    await waitFor(() => expect(saved).toEqual(['Liste.xlsx']));
  });

  test('whose content is not what its name says is not shown', async () => {
    const { page, press } = await open({ lines: [said('falsch', 'Befund.pdf', picture.length)] }, { content: { falsch: { bytes: picture } } });
    press('show-falsch');
    await waitFor(() => expect(page.getByTestId('viewer-refused').textContent).toContain('Der Inhalt ist nicht das, was der Name sagt.'));
  });

  test('is not fetched unasked when it is no picture, and its loading can be ended', async () => {
    const { page, press, asked } = await open({ lines: [said('befund', 'Koloskopie.pdf', pdf.length * 2)] }, { content: { befund: { bytes: pdf, size: pdf.length * 2 } } });
    expect(asked('open-attachment')).toEqual([]);
    press('save-befund');
    await waitFor(() => expect(page.getByTestId('file-befund').dataset['percent']).toBe('50'));
    press('stop-befund');
    await waitFor(() => expect(page.getByTestId('file-befund').dataset['state']).toBe('away'));
    expect(saved).toEqual([]);
  });
});
