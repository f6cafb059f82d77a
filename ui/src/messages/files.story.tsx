/** Files in a conversation, in their states. */
import type { ConversationView, OutgoingView, StudyLabelView } from '../host/contract';
import type { Desk } from '../host/desk';
import type { ChatFixture } from '../host/memoryChat';
import type { FilesFixture } from '../host/memoryFiles';
import { at, type Story } from '../stories/story';
import { file, pdfBytes, pictureBytes, sized, soundBytes } from './exampleFiles';
import { chat, day, falkenried, message, sonnkaya, steinklee } from './examples';

const here = '!steinklee';
const time = (clock: string) => `2026-11-24T${clock}:00+01:00`;
const said = (id: string, clock: string, name: string, size: number, mimetype: string | null, by = sonnkaya, study: StudyLabelView | null = null) => message(by, time(clock), { type: 'file', name, mimetype, size, study, picture: null, caption: [] }, { id });

/** A study that came with a picture of some of its images. */
const images = (id: string, clock: string, name: string, size: number, study: StudyLabelView) => message(sonnkaya, time(clock), { type: 'file', name, mimetype: 'application/zip', size, study, picture: { width: 320, height: 320, thumbnail: true }, caption: [] }, { id });

const picture = pictureBytes();
const pdf = pdfBytes();
const lines = steinklee.lines.slice(-3);

function story(id: string, view: Partial<ConversationView>, files: FilesFixture = {}, more: Pick<Story, 'keys' | 'prepare'> = {}): Story {
  const fixture: Partial<ChatFixture> = { conversations: [{ ...steinklee, typing: [], ...view }], files };
  return { id: `10-messages-file${id}`, fixture: at({ screen: 'messages', conversation: here }, { chat: { ...chat, ...fixture } }), ...more };
}

const attach = (...files: File[]) => (desk: Desk) => desk.transfers.attach(here, files, { largest: 4_294_967_296 });
const send = 'click:[data-testid=send]';
const scan = () => file('MRT-Becken-2026-11-12.zip', 2_600_000, 'application/zip');
const pictureLine = said('bild', '13:33', 'Staging-Thorax-axial.png', picture.length, 'image/png');
const secondLine = said('bild2', '13:34', 'Staging-Thorax-koronar.png', picture.length, 'image/png');
const pdfLine = said('koloskopie', '13:34', 'Koloskopie.pdf', pdf.length, 'application/pdf');

const ct: StudyLabelView = { modality: ['CT'], images: 135, series: 1 };
const found = { id: 'found', label: ct, bodyPart: 'CHEST', name: 'CT-135-Bilder.zip', size: 71_200_000, files: [0], failure: null };
const going = (state: OutgoingView['state'], study: StudyLabelView | null = null): OutgoingView => ({ id: `study-${state.state}`, name: study === null ? '' : 'CT-135-Bilder.zip', size: study === null ? 0 : 71_200_000, study, held: true, anew: false, state });
const brokenOff = (id: string, sent: number, study: StudyLabelView | null = null): OutgoingView => ({ id, name: 'MRT-Becken-2026-11-12.zip', size: 71_200_000, study, held: false, anew: false, state: { state: 'interrupted', sent } });

/** A file with the mark of an image (PS3.10 7.1) and nothing behind it. */
function image(): File {
  const bytes = new Uint8Array(132);
  bytes.set(new TextEncoder().encode('DICM'), 128);
  return file('IM000001', bytes);
}

/** A file is dragged over the conversation. */
function drag() {
  window.setTimeout(() => {
    const transfer = new DataTransfer();
    transfer.items.add(file('Befund.pdf', 10));
    document.querySelector('[data-testid=conversation]')?.dispatchEvent(new DragEvent('dragenter', { bubbles: true, cancelable: true, dataTransfer: transfer }));
  }, 400);
}

export const stories: Story[] = [
  story('-attached', {}, {}, {
    prepare: attach(
      file('Staging-Thorax-axial.png', picture, 'image/png'),
      file('Koloskopie.pdf', pdf, 'application/pdf'),
      file('Befundvorlage-Rektumkarzinom-mit-Auswertung-der-letzten-zwei-Jahre.xlsm', 182_000),
      sized('MRT-Becken-komplett.zip', 5_300_000_000, 'application/zip'),
    ),
    keys: ['click:[data-testid=composer]', 'Z', 'u', 'm'],
  }),
  story('-refused', {}, {}, { prepare: (desk) => desk.transfers.attach(here, [file('leer.txt', 0), file('Koloskopie.pdf', pdf, 'application/pdf')], { folders: ['MRT-Becken'] }) }),
  story('-drop', {}, {}, { prepare: drag }),
  story('-study-attached', {}, { looked: { studies: [found], leftOut: 2 } }, { prepare: attach(image()), keys: ['see:[data-state=study]'] }),
  story('-study-looking', {}, {}, { prepare: attach(image()), keys: ['see:[data-state=looking]'] }),
  story('-study-sending', { lines, outgoing: [going({ state: 'gathering', done: 41, of: 135 }), going({ state: 'sending', sent: 24_000_000 }, ct), going({ state: 'failed', failure: { code: 'platform-unreachable', detail: '' } }, ct)] }),
  story('-study', { lines: [day(24), said('studie', '13:35', 'CT-135-Bilder.zip', 71_200_000, 'application/zip', sonnkaya, ct), said('petct', '13:36', 'PT-CT-270-Bilder.zip', 82_000_000, 'application/zip', falkenried, { modality: ['PT', 'CT'], images: 270, series: 3 })] }),
  story('-study-images', { lines: [day(24), message(sonnkaya, time('13:31'), 'Zum Vergleich die alte Thoraxaufnahme aus dem Staging:'), images('serie', '13:35', 'CT-135-Bilder.zip', 71_200_000, ct), images('fehlt', '13:36', 'MR-1184-Bilder.zip', 1_400_000_000, { modality: ['MR'], images: 1184, series: 9 })] }, { content: { 'serie small': { bytes: picture }, 'fehlt small': { code: 'file-altered', detail: '' } } }, { keys: ['see:[data-testid=images-picture-serie]'] }),
  story('-details', { lines: [day(24), images('serie', '13:31', 'CT-135-Bilder.zip', 71_200_000, ct), pictureLine, pdfLine, said('exe', '13:35', 'Befundvorlage-Rektumkarzinom-mit-Auswertung-der-letzten-zwei-Jahre.xlsm', 182_000, null, falkenried)], earlier: 'more' }, { content: { bild: { bytes: picture }, 'serie small': { bytes: picture } } }, { keys: ['click:[data-testid=details-button]', 'click:[data-testid=segment-files]', 'see:[data-testid=details-file-serie] img'] }),
  story('-details-none', { lines }, {}, { keys: ['click:[data-testid=details-button]', 'click:[data-testid=segment-files]'] }),
  story('-sending', { lines }, { upTo: 0.4, stride: 250 }, { prepare: attach(scan()), keys: [send, 'see:[data-percent="40"]'] }),
  story('-paused', { lines }, { upTo: 0.4 }, { prepare: attach(scan()), keys: [send, 'see:[data-percent="40"]', 'click:[data-testid=pause-file-1]', 'see:[data-state=paused]'] }),
  story('-failed', { lines }, { sendFails: { code: 'platform-unreachable', detail: 'silence' } }, { prepare: attach(scan()), keys: [send, 'see:[data-state=failed]'] }),
  story('-gone', { lines, outgoing: [{ id: 'file-9', name: 'Koloskopie.pdf', size: 5_000_000, study: null, held: false, anew: false, state: { state: 'waiting' } }] }),
  story('-broken-off', { lines, outgoing: [brokenOff('file-9', 33_554_432), brokenOff('file-8', 71_200_000), brokenOff('file-7', 33_554_432, ct)] }),
  story('-too-large', {}, { beginFails: () => ({ code: 'file-too-large', detail: '4294967296' }) }, { prepare: attach(scan()), keys: [send] }),
  story('-away', { lines: [day(24), pdfLine, said('ct', '13:35', 'CT-Thorax-135-Bilder.zip', 71_200_000, 'application/zip'), said('film', '13:36', 'Laparoskopie.mp4', 640_000_000, 'video/mp4')] }),
  story('-loading', { lines: [day(24), said('gross', '13:35', 'CT-Thorax-135-Bilder.zip', 500_000, 'application/zip')] }, { content: { gross: { bytes: new Uint8Array(200_000), size: 500_000 } } }, { keys: ['click:[data-testid=save-gross]', 'see:[data-state=loading]'] }),
  story('-picture', { lines: [day(24), message(sonnkaya, time('13:31'), 'Zum Vergleich die alte Thoraxaufnahme aus dem Staging:'), pictureLine] }, { content: { bild: { bytes: picture } } }, { keys: ['see:[data-testid=picture-bild]'] }),
  story('-small', { lines: [day(24), message(sonnkaya, time('13:33'), { type: 'file', name: 'Staging-Thorax-axial.png', mimetype: 'image/png', size: 9_600_000, study: null, picture: { width: 1920, height: 1440, thumbnail: true }, caption: [] }, { id: 'klein' })] }, { content: { 'klein small': { bytes: picture } } }, { keys: ['see:[data-testid=picture-klein]'] }),
  story('-viewer', { lines: [day(24), pictureLine, secondLine] }, { content: { bild: { bytes: picture }, bild2: { bytes: picture } } }, { keys: ['see:[data-testid=picture-bild]', 'click:[data-testid=show-bild]', 'see:[data-testid=viewer-picture]'] }),
  story('-viewer-zoomed', { lines: [day(24), pictureLine, secondLine] }, { content: { bild: { bytes: picture }, bild2: { bytes: picture } } }, { keys: ['see:[data-testid=picture-bild]', 'click:[data-testid=show-bild]', 'see:[data-testid=viewer-picture]', 'ArrowRight', 'see:[data-testid=viewer-picture]', '+', '+', '+'] }),
  story('-pdf', { lines: [day(24), pdfLine] }, { content: { koloskopie: { bytes: pdf } } }, { keys: ['click:[data-testid=show-koloskopie]', 'see:[data-testid=document-pages] canvas'] }),
  story('-sound', { lines: [day(24), said('ton', '13:35', 'Diktat.wav', 8044, 'audio/wav')] }, { content: { ton: { bytes: soundBytes() } } }, { keys: ['click:[data-testid=show-ton]', 'see:[data-testid=viewer] audio', 'Escape', 'see:[data-testid=file-ton] audio'] }),
  story('-danger', { lines: [day(24), said('exe', '13:35', 'Befund-Steinklee.pdf.exe', 412_000, 'application/pdf'), said('makro', '13:36', 'Vorlage.docm', 88_000, null), said('svg', '13:36', 'Skizze.svg', 4_000, 'image/svg+xml')] }),
  story('-danger-save', { lines: [day(24), said('exe', '13:35', 'Befund-Steinklee.pdf.exe', 412_000, 'application/pdf')] }, {}, { keys: ['click:[data-testid=save-exe]'] }),
  story('-danger-left', { lines: [day(24), said('exe', '13:35', 'Befund-Steinklee.pdf.exe', 412_000, 'application/pdf')] }, {}, { keys: ['click:[data-testid=save-exe]', 'see:[data-testid=danger-dialog]', 'Escape'] }),
  story('-mismatch', { lines: [day(24), said('falsch', '13:35', 'Befund.pdf', picture.length, 'application/pdf')] }, { content: { falsch: { bytes: picture } } }, { keys: ['click:[data-testid=show-falsch]', 'see:[data-testid=viewer-refused]', 'Escape'] }),
  story('-altered', { lines: [day(24), pictureLine, pdfLine] }, { content: { bild: { code: 'file-altered', detail: '' }, koloskopie: { code: 'file-altered', detail: '' } } }, { keys: ['see:[data-state=failed]', 'click:[data-testid=show-koloskopie]', 'Escape'] }),
  story('-own', { lines: [...lines, said('eigen', '13:36', 'Koloskopie.pdf', pdf.length, 'application/pdf', falkenried)] }),
];
