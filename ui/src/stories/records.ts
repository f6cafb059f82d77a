/** Records of the demonstration: one complete, one in which every part has a state of its own. */
import type { CaseView, DocumentEntryView, DocumentView, LabSeriesView, Part } from '../host/contract';
import { agenda } from './lists';
import { auenwald, birkenlicht, steinklee } from './people';

const ready = <T>(value: T): Part<T> => ({ state: 'ready', value, more: false });

function lab(loinc: string, name: string, unit: string, low: string | null, high: string | null, values: [string, string, string?][]): LabSeriesView {
  return {
    loinc,
    name,
    unit,
    low,
    high,
    values: values.map(([at, text, flag]) => ({ at: `${at}T08:10:00+01:00`, text, value: Number(text), flag: flag ?? null })),
  };
}

const first = '2026-10-22';
const second = '2026-11-03';
const last = '2026-11-21';

const documents: DocumentView[] = [
  {
    entry: entry('doc-brief', 'Arztbrief', 'AD010104', 'Arztbrief', 'Dr. Falkenried', 'Thoraxklinik Tannhalde', '2026-11-16T10:00:00+01:00'),
    content: { form: 'text', text: 'Diagnosen: Adenokarzinom rechter Oberlappen, cT2b cN3 cM0, Stadium IIIB (UICC 8), ED 30.10.2026. COPD GOLD 2. Arterielle Hypertonie.\n\nVerlauf: Diagnostik stationär und ambulant komplikationslos. Allgemeinzustand gut, ECOG 1, Gewicht 91 kg bei 188 cm. Gehör: leichte Hochtonsenke beidseits, Audiogramm vom Vortag liegt bei. Patient wünscht eine Therapie in kurativer Absicht.\n\nMedikation: Tiotropium/Olodaterol inhalativ 1x täglich, Ramipril 5 mg 1-0-0, Salbutamol bei Bedarf.\n\nProcedere: Vorstellung im Interdisziplinären Tumorboard Eschenland. Impfstatus vervollständigt. Rauchstopp wird unterstützt.' },
  },
  {
    entry: entry('doc-1r', 'Histologie Stanzbiopsie supraklavikulär rechts', 'PT080102', 'Befund Histologie', 'PD Dr. Brunnengold', 'Institut für Pathologie Kirschfeld', '2026-11-12T10:00:00+01:00'),
    content: { form: 'text', text: 'Sonographisch gesteuerte Stanzbiopsie eines 17 mm großen Lymphknotens supraklavikulär rechts (1R). Metastase eines Adenokarzinoms, TTF-1 positiv, vereinbar mit dem bekannten Lungenkarzinom. Damit N3 histologisch gesichert.' },
  },
  {
    entry: entry('doc-mol', 'Molekularpathologie', 'PT130102', 'Befund Molekularpathologie', 'PD Dr. Brunnengold', 'Institut für Pathologie Kirschfeld', '2026-11-10T10:00:00+01:00'),
    content: { form: 'text', text: 'Material: Zangenbiopsie Oberlappen rechts, Tumorzellgehalt 40 %.\nNGS-Panel: EGFR Wildtyp, KRAS p.G12V, BRAF Wildtyp, MET kein Exon-14-Skipping, ERBB2 Wildtyp. Keine Fusion von ALK, ROS1, RET, NTRK1-3.\nPD-L1 (Klon 22C3): TPS 40 %.' },
  },
  {
    entry: entry('doc-cmrt', 'MRT Schädel', 'DG020107', 'Befund MRT', 'Dr. Sonnkaya', 'Klinikum Eschenfurt', '2026-11-05T10:00:00+01:00'),
    content: { form: 'text', text: 'MRT des Schädels mit und ohne Kontrastmittel. Kein Nachweis intrakranieller Metastasen.' },
  },
  {
    entry: entry('doc-petct', 'FDG-PET/CT', 'DG020109', 'Befund PET/CT', 'Dr. Rosenpfad', 'Klinikum Eschenfurt', '2026-11-04T10:00:00+01:00'),
    content: { form: 'text', text: 'Intensiv speichernder Tumor rechts hilär (SUVmax 16,2). Lymphknoten 4R SUVmax 11,4, 1R rechts supraklavikulär SUVmax 9,8.' },
  },
  {
    entry: entry('doc-lufu', 'Lungenfunktion', 'DG060108', 'Lungenfunktion', 'Dr. Falkenried', 'Thoraxklinik Tannhalde', '2026-10-31T10:00:00+01:00'),
    content: { form: 'text', text: 'FEV1 2,31 l (66 % Soll), FVC 3,62 l, FEV1/FVC 64 %, DLCO 5,6 mmol/(min·kPa) (61 % Soll).' },
  },
  {
    entry: entry('doc-ebus', 'Zytologie/Histologie Bronchoskopie und EBUS-TBNA', 'PT260102', 'Befund Zytologie', 'PD Dr. Brunnengold', 'Institut für Pathologie Kirschfeld', '2026-10-30T10:00:00+01:00'),
    content: { form: 'text', text: 'Adenokarzinom der Lunge, G3, ICD-O 8140/3. Metastasen in Station 4R und 11R.' },
  },
  {
    entry: { ...entry('doc-ct', 'CT Thorax und Oberbauch', 'DG020103', 'Befund CT', 'Dr. Sonnkaya', 'Klinikum Eschenfurt', '2026-10-22T10:00:00+01:00'), contentType: 'application/pdf' },
    content: { form: 'unknown' },
  },
];

function entry(id: string, title: string, kdl: string, kind: string, author: string, organization: string, at: string): DocumentEntryView {
  return { id, title, kdl, kind, author, organization, at, contentType: 'text/plain' };
}

export const auenwaldDocuments = documents;

export const auenwaldCase: CaseView = {
  patient: 'pat-auenwald',
  serial: 1,
  identity: auenwald,
  similar: [{ name: 'Auerwald, Gernot', birthDate: '1955-03-14' }],
  allergies: ready([{ text: 'Keine Allergien bekannt', noneKnown: true }]),
  question: ready({
    text: 'Stadium IIIB (N3 gesichert), PD-L1 40 %: definitive simultane Radiochemotherapie mit anschließendem Durvalumab? Cisplatin trotz Hochtonsenke möglich? Lungendosis bei FEV1 66 % und DLCO 61 %?',
    notes: ['An die Radiologie: Bestrahlbares Volumen, Ausdehnung kranial, Abgrenzung 1R zum Plexus?'],
    by: 'Dr. med. Amina Falkenried',
    organization: 'Thoraxklinik Tannhalde',
    at: '2026-11-18T16:20:00+01:00',
  }),
  diagnoses: ready([
    { id: 'c1', text: 'Adenokarzinom rechter Oberlappen', icd10: 'C34.1', icd10Text: 'Bösartige Neubildung: Oberlappen (-Bronchus)', morphology: '8140/3', topography: 'C34.1', side: 'R', grading: '3', primary: true, comorbidity: false, date: '2026-10-30' },
    { id: 'c2', text: 'Lymphknotenmetastase supraklavikulär rechts (1R)', icd10: 'C77.0', icd10Text: null, morphology: null, topography: null, side: 'R', grading: null, primary: false, comorbidity: false, date: '2026-11-12' },
    { id: 'c3', text: 'COPD GOLD 2', icd10: 'J44.82', icd10Text: null, morphology: null, topography: null, side: null, grading: null, primary: false, comorbidity: true, date: '2022-11-25' },
    { id: 'c4', text: 'Arterielle Hypertonie', icd10: 'I10.00', icd10Text: null, morphology: null, topography: null, side: null, grading: null, primary: false, comorbidity: true, date: '2016-11-26' },
    { id: 'c5', text: 'Hochtonsenke beidseits', icd10: 'H91.9', icd10Text: null, morphology: null, topography: null, side: 'B', grading: null, primary: false, comorbidity: true, date: '2026-11-15' },
  ]),
  tnm: ready([{ text: 'cT2b cN3 cM0', stage: 'IIIB', edition: '8', date: '2026-11-12' }]),
  ecog: ready([
    { value: '1', date: '2026-11-16' },
    { value: '1', date: '2026-10-22' },
  ]),
  findings: ready([
    { loinc: '83053-9', name: 'PD-L1 TPS', value: '40', unit: '%', date: '2026-11-10' },
    { loinc: null, name: 'EGFR', value: 'EGFR Wildtyp', unit: null, date: '2026-11-10' },
    { loinc: null, name: 'KRAS', value: 'KRAS p.G12V', unit: null, date: '2026-11-10' },
    { loinc: null, name: 'ALK/ROS1/RET/NTRK', value: 'keine Fusion', unit: null, date: '2026-11-10' },
  ]),
  therapies: ready([
    { text: 'Bronchoskopie mit EBUS-TBNA', dose: null, start: '2026-10-28', end: '2026-10-28', stopped: false },
    { text: 'Sonographisch gesteuerte Stanzbiopsie 1R', dose: null, start: '2026-11-10', end: '2026-11-10', stopped: false },
  ]),
  medication: ready([
    { text: 'Tiotropium/Olodaterol inhalativ', dose: '1x täglich', start: '2022-11-25', end: null, stopped: false },
    { text: 'Ramipril 5 mg', dose: '1-0-0', start: '2016-11-26', end: null, stopped: false },
  ]),
  laboratory: ready([
    lab('718-7', 'Hämoglobin', 'g/dL', '13.5', '17.2', [[first, '13.1', 'L'], [second, '13.0', 'L'], [last, '12.8', 'L']]),
    lab('6690-2', 'Leukozyten', '10*3/uL', '3.9', '10.2', [[first, '8.4'], [second, '8.9'], [last, '8.1']]),
    lab('777-3', 'Thrombozyten', '10*3/uL', '150', '370', [[first, '331'], [second, '345'], [last, '338']]),
    lab('2160-0', 'Kreatinin', 'mg/dL', '0.67', '1.17', [[first, '0.98'], [second, '1.02'], [last, '0.99']]),
    lab('98979-8', 'eGFR', 'mL/min/{1.73_m2}', '60', null, [[first, '83'], [second, '80'], [last, '82']]),
    lab('1742-6', 'ALT (GPT)', 'U/L', null, '50', [[first, '24'], [second, '22'], [last, '26']]),
    lab('2532-0', 'LDH', 'U/L', '135', '225', [[first, '268', 'H'], [second, '274', 'H'], [last, '281', 'H']]),
    lab('1988-5', 'CRP', 'mg/L', null, '5', [[first, '12.4', 'H'], [second, '15.1', 'H'], [last, '11.8', 'H']]),
    lab('1751-7', 'Albumin', 'g/dL', '3.5', '5.2', [[first, '3.9'], [last, '3.8']]),
    lab('6301-6', 'INR', '{INR}', '0.85', '1.15', [['2026-10-28', '1.02']]),
    lab('2039-6', 'CEA', 'ng/mL', null, '5', [[first, '14.2', 'H'], [last, '15.6', 'HH']]),
    lab('25390-6', 'CYFRA 21-1', 'ng/mL', null, '3.3', [[first, '4.1', 'H'], [last, '4.4', 'H']]),
    lab('3016-3', 'TSH', 'm[IU]/L', '0.27', '4.2', [[last, '1.84']]),
    lab('20150-9', 'FEV1', 'L', null, null, [['2026-10-31', '2.31']]),
    lab('19926-5', 'FEV1 (Soll)', '%', null, null, [['2026-10-31', '66']]),
    lab('19911-7', 'DLCO', 'mmol/(min.kPa)', null, null, [['2026-10-31', '5.6']]),
  ]),
  documents: ready(documents.map((one) => one.entry)),
  studies: ready([
    { study: '1.2.3.1', description: 'PET/CT Schädelbasis bis Oberschenkel', modalities: ['CT', 'PT'], at: '2026-11-04T08:40:00+01:00', instances: 271, available: true, refused: false },
    { study: '1.2.3.2', description: 'CT Thorax und Oberbauch', modalities: ['CT'], at: '2026-10-22T09:10:00+02:00', instances: 168, available: true, refused: false },
    { study: '1.2.3.3', description: 'MRT Schädel', modalities: ['MR'], at: '2026-11-05T11:00:00+01:00', instances: 412, available: false, refused: false },
    { study: '1.2.3.4', description: 'Thorax p.a.', modalities: ['DX'], at: '2026-10-20T07:30:00+02:00', instances: 1, available: true, refused: true },
  ]),
  timeline: ready([
    { kind: 'board', title: 'Interdisziplinäres Tumorboard Eschenland', detail: 'Fall 1 von 5', doses: [], start: '2026-11-24T15:00:00+01:00', end: null, stopped: false, document: null, study: null },
    { kind: 'pathology', title: 'Histologie Stanzbiopsie supraklavikulär rechts', detail: 'Metastase gesichert: N3', doses: [], start: '2026-11-12', end: null, stopped: false, document: 'doc-1r', study: null },
    { kind: 'stage', title: 'cT2b cN3 cM0, IIIB (UICC 8)', detail: null, doses: [], start: '2026-11-12', end: null, stopped: false, document: null, study: null },
    { kind: 'pathology', title: 'Molekularpathologie', detail: 'PD-L1 TPS 40 % · KRAS p.G12V', doses: [], start: '2026-11-10', end: null, stopped: false, document: 'doc-mol', study: null },
    { kind: 'imaging', title: 'MRT Schädel', detail: 'keine Metastasen', doses: [], start: '2026-11-05', end: null, stopped: false, document: 'doc-cmrt', study: null },
    { kind: 'imaging', title: 'FDG-PET/CT', detail: 'Tumor SUVmax 16,2 · 1R SUVmax 9,8', doses: [], start: '2026-11-04', end: null, stopped: false, document: null, study: '1.2.3.1' },
    { kind: 'procedure', title: 'EBUS-TBNA 4R, 11R', detail: 'Adenokarzinom G3, TTF-1 positiv', doses: [], start: '2026-10-30', end: null, stopped: false, document: 'doc-ebus', study: null },
    { kind: 'diagnosis', title: 'Adenokarzinom rechter Oberlappen', detail: 'C34.1 · IIIB', doses: [], start: '2026-10-30', end: null, stopped: false, document: null, study: null },
    { kind: 'imaging', title: 'CT Thorax und Oberbauch', detail: '46 × 42 × 40 mm, rechts hilär', doses: [], start: '2026-10-22', end: null, stopped: false, document: null, study: '1.2.3.2' },
    { kind: 'systemic', title: 'Tiotropium/Olodaterol inhalativ', detail: '1x täglich', doses: [], start: '2022-11', end: null, stopped: false, document: null, study: null },
    { kind: 'document', title: 'Externer Arztbrief', detail: 'Hausarzt', doses: [], start: null, end: null, stopped: false, document: null, study: null },
  ]),
  decisions: { state: 'empty' },
  gaps: [],
  slot: agenda[0]?.slot ?? null,
  decision: 'none',
  asOf: '2026-11-24T13:36:00+01:00',
  freshness: { state: 'current' },
  newer: null,
};

export const birkenlichtCase: CaseView = {
  ...auenwaldCase,
  patient: 'pat-birkenlicht',
  identity: birkenlicht,
  similar: [],
  allergies: ready([{ text: 'Penicillin (Exanthem)', noneKnown: false }]),
  slot: agenda[1]?.slot ?? null,
  therapies: ready([
    { text: 'Segmentresektion Mamma links, Sentinel-Lymphonodektomie', dose: null, start: '2026-11-08', end: '2026-11-08', stopped: false },
  ]),
  medication: ready([
    { text: 'Docetaxel, Carboplatin, Trastuzumab, Pertuzumab', dose: '6 Zyklen', start: '2026-06-05', end: '2026-09-18', stopped: false },
  ]),
  timeline: ready([
    { kind: 'procedure', title: 'Segmentresektion Mamma links', detail: 'R0', doses: [], start: '2026-11-08', end: null, stopped: false, document: null, study: null },
    { kind: 'systemic', title: 'Trastuzumab', detail: 'laufend', doses: [], start: '2026-10-02', end: null, stopped: false, document: null, study: null },
    { kind: 'systemic', title: 'Docetaxel, Carboplatin, Trastuzumab, Pertuzumab', detail: '6 Zyklen', doses: [], start: '2026-06-05', end: '2026-09-18', stopped: false, document: null, study: null },
    { kind: 'radiotherapy', title: 'Schmerzbestrahlung Fersensporn links', detail: null, doses: [{ value: '5.4', unit: 'Gy', target: 'Ferse' }], start: '2025-11-03', end: '2025-11-20', stopped: false, document: null, study: null },
  ]),
};

/** Every part in another state: nothing of the page depends on all of it being here. */
export const steinkleeCase: CaseView = {
  patient: 'pat-steinklee',
  serial: 1,
  identity: steinklee,
  similar: [],
  allergies: { state: 'failed', failure: { code: 'platform-failed', detail: '500 AllergyIntolerance' } },
  question: { state: 'empty' },
  diagnoses: ready([
    { id: 'c1', text: 'Adenokarzinom mittleres Rektum', icd10: 'C20', icd10Text: 'Bösartige Neubildung des Rektums', morphology: '8140/3', topography: 'C20', side: null, grading: '2', primary: true, comorbidity: false, date: '2026-10-29' },
  ]),
  tnm: { state: 'denied' },
  ecog: { state: 'empty' },
  findings: { state: 'absent' },
  therapies: { state: 'failed', failure: { code: 'platform-failed', detail: '500 Procedure' } },
  medication: { state: 'denied' },
  laboratory: { state: 'denied' },
  documents: { state: 'failed', failure: { code: 'platform-unreachable', detail: 'timeout DocumentReference' } },
  studies: { state: 'absent' },
  timeline: { state: 'loading' },
  decisions: { state: 'loading' },
  gaps: [{ source: 'medication', state: { state: 'denied' } }],
  slot: agenda[2]?.slot ?? null,
  decision: 'draft',
  asOf: '2026-11-24T13:36:00+01:00',
  freshness: { state: 'current' },
  newer: null,
};
