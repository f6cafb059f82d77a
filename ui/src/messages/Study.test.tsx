import { act, cleanup, fireEvent, render, waitFor } from '@testing-library/react';
import { afterEach, describe, expect, test } from 'vitest';
import { LiveRegions } from '../components/announce';
import { createPlaces, PlacesContext } from '../frame/place';
import type { LineView, OutgoingView, ReceivedStudyView, RecognizedStudyView, Reply, Request, StudyLabelView } from '../host/contract';
import { createDesk, DeskContext } from '../host/desk';
import { memoryHost } from '../host/memory';
import type { FilesFixture } from '../host/memoryFiles';
import { auenwald, auerwald } from '../stories/people';
import { at } from '../stories/story';
import { Chat } from './Chat';
import { file, pictureBytes } from './exampleFiles';
import { chat, message, sonnkaya, steinklee } from './examples';

const here = '!steinklee';
const ct: StudyLabelView = { modality: ['CT'], images: 135, series: 1 };
const found: RecognizedStudyView = { id: 'found', label: ct, bodyPart: 'CHEST', name: 'CT-135-Bilder.zip', size: 71_200_000, files: [1, 0], failure: null };
const line = message(sonnkaya, '2026-11-24T13:33:00+01:00', { type: 'file', name: 'CT-135-Bilder.zip', mimetype: 'application/zip', size: 71_200_000, study: ct, picture: null, caption: [] }, { id: 'studie' });

const came: ReceivedStudyView = {
  conversation: here,
  message: 'studie',
  serial: 1,
  state: { state: 'fetching', moved: 21_000_000, total: 71_200_000 },
  patient: null,
  case: null,
  comparison: null,
  images: { patient: 'message:studie', serial: 1, studies: [], loading: true, failure: null },
  leftOut: 0,
  damaged: 0,
};

/** A file with the mark of an image (PS3.10 7.1). */
function image(name: string): File {
  const bytes = new Uint8Array(140);
  bytes.set(new TextEncoder().encode('DICM'), 128);
  return file(name, bytes);
}

async function open({ files = {}, outgoing = [], lines = [line], answer = () => undefined }: { files?: FilesFixture; outgoing?: OutgoingView[]; lines?: LineView[]; answer?: (request: Request) => Reply | undefined } = {}) {
  const fixture = at({ screen: 'messages', conversation: here }, { chat: { ...chat, answers: {}, conversations: [{ ...steinklee, lines, outgoing }], files }, answer });
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
  const asked = (...types: Request['type'][]) => host.asked.filter((request) => types.includes(request.type));
  const choose = (...chosen: File[]) => fireEvent.change(page.getByTestId('attach-input'), { target: { files: chosen } });
  const press = (id: string) => act(() => page.getByTestId(id).click());
  return { page, host, desk, asked, choose, press };
}

afterEach(cleanup);

describe('images among files', () => {
  test('are one study, named by what it is, and sent as such', async () => {
    const { page, asked, choose, press } = await open({
      files: { looked: { studies: [found], leftOut: 1 } },
      answer: (request) => (request.type === 'begin-study' ? { type: 'file-door', value: { attachment: null, socket: 'memory:send/none' } } : undefined),
    });
    choose(image('IM000001'), image('IM000002.dcm'), file('Arztbrief.pdf', 10));
    await waitFor(() => expect(page.getByTestId('attached').textContent).toContain('CT, 135 Bilder1 Serie · CHEST · 71\u00a0MB'));
    expect(page.getByTestId('attached').textContent).toContain('Arztbrief.pdf');
    expect(asked('look-at-files')).toEqual([{ type: 'look-at-files', conversation: here, sizes: [140, 140] }]);
    expect(page.getByTestId('refusals').textContent).toBe('1 Datei gehört nicht zur Untersuchung und bleibt weg.');
    press('send');
    await waitFor(() => expect(asked('begin-study')).toEqual([{ type: 'begin-study', conversation: here, study: 'found' }]));
  });

  test('of two persons are not sent', async () => {
    const mixed: RecognizedStudyView = { ...found, failure: { code: 'other-patient', detail: '' } };
    const { page, asked, choose, press } = await open({ files: { looked: { studies: [mixed], leftOut: 0 } } });
    choose(image('IM000001'));
    await waitFor(() => expect(page.getByTestId('attached').textContent).toContain('Die Bilder tragen die Daten verschiedener Personen.'));
    press('send');
    expect(asked('begin-study', 'begin-attachment')).toEqual([]);
  });
});

describe('a study from the archive', () => {
  const study = (state: OutgoingView['state'], size = 71_200_000): OutgoingView => ({ id: 'eins', name: '', size, study: size === 0 ? null : ct, held: true, anew: false, state });

  test('says how many images are here, and goes on by itself or when it is asked to', async () => {
    const { page, desk, host } = await open({ outgoing: [study({ state: 'gathering', done: 41, of: 135 }, 0)] });
    expect(page.getByTestId('outgoing-eins').textContent).toContain('wird aus dem Archiv geholt · 41 von 135');
    const now = desk.conversation.get();
    if (now.state !== 'here') throw new Error('it is open');
    const failed = study({ state: 'failed', failure: { code: 'platform-unreachable', detail: '' } });
    act(() => host.send({ type: 'conversation-changed', value: { ...now.value, outgoing: [failed] } }));
    expect(page.getByTestId('outgoing-eins').textContent).toContain('Nicht gesendet. Die Verbindung ist abgerissen.');
    act(() => page.getByTestId('retry-eins').click());
    await waitFor(() => expect(host.asked.some((request) => request.type === 'resume-attachment')).toBe(true));
  });
});

describe('a study of a message', () => {
  const withImages = message(sonnkaya, '2026-11-24T13:33:00+01:00', { type: 'file', name: 'CT-135-Bilder.zip', mimetype: 'application/zip', size: 71_200_000, study: ct, picture: { width: 320, height: 320, thumbnail: true }, caption: [] }, { id: 'studie' });

  test('shows some of its images before any of it is fetched, and they lead into the viewer', async () => {
    const { page, asked, press } = await open({ lines: [withImages], files: { content: { 'studie small': { bytes: pictureBytes(8, 6) } } }, answer: (request) => (request.type === 'open-received-study' ? { type: 'received-study', value: came } : undefined) });
    await waitFor(() => page.getByTestId('images-picture-studie'));
    expect([asked('open-thumbnail').length, asked('open-attachment', 'open-received-study')]).toEqual([1, []]);
    press('images-studie');
    await waitFor(() => page.getByTestId('study-viewer'));
    expect(asked('open-received-study').length).toBe(1);
  });

  test('is a card without images where they are not what was sent', async () => {
    const { page } = await open({ lines: [withImages], files: { content: { 'studie small': { code: 'file-altered', detail: '' } } } });
    await waitFor(() => expect(page.queryByTestId('images-studie')).toBeNull());
    expect([page.container.querySelector('img'), page.getByTestId('study-studie').textContent]).toEqual([null, 'CT, 135 Bilder1 Serie · 71\u00a0MBIm Betrachter öffnen']);
  });

  const shown = async (view: Partial<ReceivedStudyView>) => {
    const set = await open({ answer: (request) => (request.type === 'open-received-study' ? { type: 'received-study', value: came } : undefined) });
    set.press('open-study-studie');
    await waitFor(() => expect(set.page.getByTestId('study-viewer').textContent).toContain('21 von 71\u00a0MB · wird vor dem Anzeigen geprüft'));
    act(() => set.host.send({ type: 'received-study-changed', value: { ...came, serial: 2, ...view } }));
    return set;
  };

  test('opens under the person of its images and says that it is no image of the archive', async () => {
    const { page, press, asked } = await shown({ state: { state: 'ready' }, patient: auerwald, case: auenwald, comparison: { grade: 'other', other: auerwald }, leftOut: 2, damaged: 1 });
    expect(page.getByTestId('study-person').textContent).toContain('AUERWALD, Gernot*14.03.1955');
    expect(page.getByTestId('study-from').textContent).toMatch(/^Aus einer Nachricht von .+, nicht aus dem Archiv$/u);
    expect(page.getByTestId('study-other').textContent).toContain('Das Gespräch gehört zum Fall von Auenwald, Gernot');
    expect(page.getByTestId('study-missing').textContent).toContain('1 Datei kam beschädigt an und wird nicht gezeigt.');
    expect(page.getByTestId('study-missing').textContent).toContain('2 Dateien gehören nicht zur Untersuchung');
    press('study-close');
    await waitFor(() => expect(asked('close-received-study')).toHaveLength(1));
  });

  test('that cannot be believed is not shown, with the reason', async () => {
    const { page } = await shown({ state: { state: 'failed', failure: { code: 'other-patient', detail: '' } } });
    expect(page.getByTestId('study-failed').textContent).toContain('Nicht angezeigt.Die Bilder tragen die Daten verschiedener Personen. Fragen Sie den Absender.');
  });
});
