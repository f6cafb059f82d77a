/** "Befunde": every form that a document has, and every way in which it is not shown. */
import type { DocumentContent } from '../host/contract';
import { pdfOf } from '../stories/pdf';
import { auenwaldDocuments } from '../stories/records';
import { at, type Story } from '../stories/story';

const open = 'click:[data-testid=document-doc-brief]';

function reading(id: string, content: DocumentContent, keys: readonly string[] = []): Story {
  const documents = auenwaldDocuments.map((one) => (one.entry.id === 'doc-brief' ? { ...one, content } : one));
  return { id, fixture: at({ screen: 'case', patient: 'pat-auenwald', tab: 'documents' }, { documents }), keys: [open, ...keys] };
}

const letter = pdfOf([
  ['Arztbrief', 'Auenwald, Gernot, geboren am 14.03.1957', '', 'Diagnosen: Adenokarzinom rechter Oberlappen, cT2b cN3 cM0, Stadium IIIB', 'Verlauf: Diagnostik stationär und ambulant komplikationslos.', 'Gehör: leichte Hochtonsenke beidseits.'],
  ['Anlage: Laborwerte', 'Hämoglobin 12,8 g/dL', 'LDH 281 U/L'],
]);
/** One pixel, drawn as large as it is. */
const picture = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGNgYGAAAAAEAAH2FzhVAAAAAElFTkSuQmCC';

export const stories: Story[] = [
  reading('05-document-pdf', { form: 'pdf', data: letter }, ['see:[data-page="1"] span']),
  reading('05-document-pdf-zoomed', { form: 'pdf', data: letter }, ['click:[data-testid=document-zoom-in]', 'j', 'see:[data-page="2"] span']),
  reading('05-document-pdf-encrypted', { form: 'pdf', data: pdfOf([['geheim']], { locked: true }) }, ['see:[data-testid=document-encrypted]']),
  reading('05-document-pdf-damaged', { form: 'pdf', data: btoa('%PDF-1.7\n1 0 obj\n<</Ty') }, ['see:[data-testid=document-damaged]']),
  reading('05-document-pdf-wide', { form: 'pdf', data: pdfOf([['Quer', 'EKG'], ['Quer', 'Seite 2']], { size: [842, 595] }) }, ['see:[data-page="2"] span']),
  reading('05-document-picture', { form: 'picture', mediaType: 'image/png', data: picture }),
  reading('05-document-picture-damaged', { form: 'picture', mediaType: 'image/png', data: btoa('\x89PNG\r\n') }),
  reading('05-document-html', { form: 'html', html: '<h1>Befund</h1><p>Adenokarzinom, <b>G3</b>.</p><script>document.body.remove()</script>' }),
  reading('05-document-too-large', { form: 'too-large', bytes: 61_000_000, limit: 25_165_824 }),
  reading('05-document-unknown', { form: 'unknown' }),
];
