/** "Heute" and "Fälle" of the demonstration. */
import type { CaseRowView, CasesView, PreloadView, TodayView } from '../host/contract';
import { fold, foldLong, listName } from '../i18n/format';
import { aehrenfeld, auenwald, auerwald, birkenlicht, lindenfurt, mohnblatt, moosgrund, steinklee, wiesenquell } from './people';

const day = '2026-11-24T';

function row(part: Partial<CaseRowView> & Pick<CaseRowView, 'patient' | 'identity'>): CaseRowView {
  return {
    diagnosis: null,
    icd10: null,
    organ: null,
    side: null,
    tnm: null,
    slot: null,
    registeredBy: null,
    question: null,
    completeness: { state: 'unknown' },
    decision: 'none',
    changed: null,
    similar: [],
    kept: null,
    unread: [],
    ...part,
  };
}

function slot(number: number): CaseRowView['slot'] {
  const minute = (number - 1) * 8;
  const at = (minutes: number) => `${day}15:${String(minutes).padStart(2, '0')}:00+01:00`;
  return { number, start: at(minute), end: at(minute + 8) };
}

const tnm = (text: string, stage: string | null, date = '2026-11-12') => ({ text, stage, edition: '8', date });

export const agenda: CaseRowView[] = [
  row({
    patient: 'pat-auenwald',
    identity: auenwald,
    diagnosis: 'Adenokarzinom rechter Oberlappen',
    icd10: 'C34.1',
    organ: 'lung',
    side: 'R',
    tnm: tnm('cT2b cN3 cM0', 'IIIB'),
    slot: slot(1),
    registeredBy: 'Falkenried',
    question: 'Definitive Radiochemotherapie oder Operation nach Induktion? Lungenfunktion grenzwertig (FEV1 1,6 l).',
    completeness: { state: 'complete' },
    changed: `${day}13:12:00+01:00`,
    similar: [{ name: 'Auerwald, Gernot', birthDate: '1955-03-14' }],
  }),
  row({
    patient: 'pat-birkenlicht',
    identity: birkenlicht,
    diagnosis: 'Mammakarzinom, NST, HER2-positiv',
    icd10: 'C50.4',
    organ: 'breast',
    side: 'L',
    tnm: tnm('ypT1b ypN0(sn) cM0', null, '2026-11-15'),
    slot: slot(2),
    registeredBy: 'Silbertal',
    completeness: { state: 'complete' },
    changed: `${day}12:41:00+01:00`,
  }),
  row({
    patient: 'pat-steinklee',
    identity: steinklee,
    diagnosis: 'Adenokarzinom mittleres Rektum',
    icd10: 'C20',
    organ: 'rectum',
    tnm: tnm('cT3c cN2a cM0', 'IIIB', '2026-11-06'),
    slot: slot(3),
    registeredBy: 'Lerchenhain',
    completeness: { state: 'missing', rules: ['R-MMR'] },
    changed: `${day}10:05:00+01:00`,
  }),
  row({
    patient: 'pat-aehrenfeld',
    identity: aehrenfeld,
    diagnosis: 'Prostatakarzinom, ISUP 2',
    icd10: 'C61',
    organ: 'prostate',
    tnm: tnm('cT2a cN0 cM0', 'I', '2026-09-12'),
    slot: slot(4),
    registeredBy: 'Kranichbach',
    completeness: { state: 'complete' },
    changed: `${day}09:48:00+01:00`,
  }),
  row({
    patient: 'pat-mohnblatt',
    identity: mohnblatt,
    diagnosis: 'Malignes Melanom Unterschenkel',
    icd10: 'C43.7',
    organ: 'melanoma',
    side: 'L',
    tnm: tnm('pT3b pN1a(sn) cM0', 'IIIC', '2026-06-09'),
    slot: slot(5),
    registeredBy: 'Heidekorn',
    completeness: { state: 'complete' },
    changed: '2026-11-23T16:20:00+01:00',
  }),
];

export const others: CaseRowView[] = [
  row({
    patient: 'pat-auerwald',
    identity: auerwald,
    diagnosis: 'COPD GOLD 3',
    icd10: 'J44.8',
    registeredBy: 'Sturmwald',
    changed: '2026-11-18T09:30:00+01:00',
    similar: [{ name: 'Auenwald, Gernot', birthDate: '1957-03-14' }],
  }),
  row({
    patient: 'pat-moosgrund',
    identity: moosgrund,
    diagnosis: 'Verdacht auf Lungenkarzinom',
    icd10: 'D38.1',
    organ: 'lung',
    side: 'L',
    registeredBy: 'Falkenried',
    decision: 'draft',
    completeness: { state: 'missing', rules: ['R-HISTO', 'R-TNM'] },
    changed: `${day}11:52:00+01:00`,
    kept: '2026-11-23T16:20:00Z',
  }),
  row({
    patient: 'pat-wiesenquell',
    identity: wiesenquell,
    diagnosis: 'Adenokarzinom der Lunge',
    icd10: 'C34.3',
    organ: 'lung',
    side: 'L',
    tnm: tnm('pT2a pN1 cM0', 'IIB', '2026-11-10'),
    registeredBy: 'Falkenried',
    decision: 'signed',
    completeness: { state: 'complete' },
    changed: '2026-11-20T12:00:00+01:00',
  }),
  row({
    patient: 'pat-lindenfurt',
    identity: lindenfurt,
    diagnosis: 'Kleinzelliges Lungenkarzinom, extensive disease',
    icd10: 'C34.9',
    organ: 'lung',
    registeredBy: 'Falkenried',
    decision: 'signed',
    completeness: { state: 'complete' },
    changed: '2026-11-12T08:00:00+01:00',
  }),
];

const board = {
  id: 'appt-ite',
  name: 'Interdisziplinäres Tumorboard Eschenland',
  start: `${day}15:00:00+01:00`,
  end: `${day}15:40:00+01:00`,
  moderating: true,
  accepted: 11,
  members: 13,
  agenda,
  gaps: [],
};

export const today: TodayView = {
  board: { state: 'ready', more: false, value: board },
  tasks: {
    state: 'ready',
    more: false,
    value: [
      { id: 'task-zweitzeichnen', title: 'Beschluss zweitzeichnen', patient: 'pat-wiesenquell', identity: wiesenquell, decided: '2026-11-17', due: '2026-11-24' },
      { id: 'task-studie', title: 'Studie für Stadium III anfragen', patient: 'pat-auenwald', identity: auenwald, decided: null, due: '2026-11-24' },
      { id: 'task-brief', title: 'Arztbrief freigeben', patient: 'pat-lindenfurt', identity: lindenfurt, decided: '2026-11-17', due: '2026-11-25' },
    ],
  },
  drafts: [{ patient: 'pat-moosgrund', identity: moosgrund, changed: `${day}11:52:00+01:00`, mark: null }],
  news: {
    state: 'ready',
    more: false,
    value: [
      { kind: 'pathology', title: 'Histologie Stanzbiopsie supraklavikulär rechts', patient: 'pat-auenwald', identity: auenwald, at: `${day}12:41:00+01:00` },
      { kind: 'imaging', title: 'PET/CT nachgeliefert, 271 Bilder', patient: 'pat-auenwald', identity: auenwald, at: `${day}11:20:00+01:00` },
      { kind: 'document', title: 'Arztbrief', patient: 'pat-steinklee', identity: steinklee, at: `${day}10:05:00+01:00` },
      { kind: 'adverse-event', title: 'Hepatitis, Grad 1', patient: 'pat-mohnblatt', identity: mohnblatt, at: `${day}09:48:00+01:00` },
      { kind: 'board', title: 'Beschluss gezeichnet', patient: 'pat-wiesenquell', identity: wiesenquell, at: `${day}08:30:00+01:00` },
    ],
  },
  newsGaps: [],
  newsSince: '2026-11-23T17:30:00+01:00',
  asOf: `${day}13:36:00+01:00`,
  freshness: { state: 'current' },
};

/** Nothing of the board's images lies here, and the record says how many there are. */
export const preload: PreloadView = {
  serial: 1,
  session: board.id,
  state: { state: 'idle' },
  images: 0,
  of: 1204,
  bytes: 0,
  ofBytes: null,
  cases: agenda.map((row) => ({ patient: row.patient, state: 'lacking', refused: 0, unconfirmed: 0, missing: 0, failure: null })),
};

export const cases: CasesView = {
  query: '',
  rows: { state: 'ready', more: false, value: [...agenda, ...others] },
  gaps: [],
  board: { name: board.name, start: board.start },
  asOf: today.asOf,
  freshness: { state: 'current' },
};

export function search(query: string): CasesView {
  const found = [...agenda, ...others].filter((one) =>
    [listName(one.identity), `${one.identity.given ?? ''} ${one.identity.family ?? ''}`, one.identity.number ?? '', one.icd10 ?? '', one.diagnosis ?? ''].some((text) =>
      fold(text).includes(fold(query)) || foldLong(text).includes(foldLong(query)),
    ),
  );
  return { ...cases, query, rows: found.length === 0 ? { state: 'empty' } : { state: 'ready', more: false, value: found } };
}
