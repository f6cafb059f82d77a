/** An invented decision for tests and stories. */

import type { DecisionEntryView, DecisionView, DraftView, SigningPreviewView } from '../host/contract';

export function exampleDraft(changes: Partial<DraftView> = {}): DraftView {
  return {
    category: 'praeth',
    occasion: 'ED',
    goal: 'curative',
    outcome: 'consensus',
    question: 'Definitive simultane Radiochemotherapie mit anschließendem Durvalumab? Cisplatin trotz Hochtonsenke möglich?',
    findings: ['cT2b cN3 cM0, Stadium IIIB (UICC 8)', 'Adenokarzinom G3, PD-L1 TPS 40 %', 'ECOG 1, FEV1 66 %'],
    text: 'Definitive simultane Radiochemotherapie in kurativer Absicht, anschließend Durvalumab für 12 Monate.',
    measures: [
      {
        id: 'm1',
        code: 'ST',
        text: 'Definitive Radiotherapie 60 bis 66 Gy, konventionell fraktioniert, simultan',
        reason: 'N3 histologisch gesichert, keine Operation',
        responsible: 'dr-ahlefels',
      },
      {
        id: 'm2',
        code: 'CH',
        text: 'Carboplatin/Paclitaxel wöchentlich, simultan',
        reason: 'Hochtonsenke beidseits, daher kein Cisplatin',
        responsible: 'dr-weidenlohe',
      },
      {
        id: 'm3',
        code: 'IM',
        text: 'Durvalumab 12 Monate, wenn nach Radiochemotherapie kein Progress',
        reason: 'PD-L1 TPS 40 %',
        responsible: 'dr-falkenried',
      },
    ],
    openPoints: [
      { id: 'o1', text: 'V20 Lunge unter 35 % planen', owner: 'dr-ahlefels' },
      { id: 'o2', text: 'Studie für Stadium III prüfen', owner: null },
    ],
    vote: null,
    dissent: [],
    guideline: 'conform',
    guidelineText: 'S3 Lungenkarzinom',
    representation: 'CT und Vorstellung 4 Wochen nach Therapieende',
    present: ['dr-falkenried', 'dr-sonnkaya', 'pd-brunnengold', 'dr-ahlefels', 'dr-weidenlohe', 'prof-sturmwald'],
    quorumReason: '',
    amendmentReason: '',
    ...changes,
  };
}

function participant(role: string, name: string, family: string, specialty: string, moderator = false) {
  return { role, name, family, specialty, organization: 'Thoraxklinik Tannhalde', moderator, present: true };
}

export function exampleView(changes: Partial<DecisionView> = {}): DecisionView {
  return {
    patient: 'pat-auenwald',
    serial: 1,
    stage: 'draft',
    link: null,
    draft: exampleDraft(),
    participants: [
      participant('dr-falkenried', 'Dr. med. Amina Falkenried', 'Falkenried', 'Pneumologie', true),
      participant('dr-sonnkaya', 'Dr. med. Leyla Sonnkaya', 'Sonnkaya', 'Radiologie'),
      participant('pd-brunnengold', 'PD Dr. med. Matteo Brunnengold', 'Brunnengold', 'Pathologie'),
      participant('dr-ahlefels', 'Dr. med. Ngozi Ahlefels', 'Ahlefels', 'Strahlentherapie'),
      participant('dr-weidenlohe', 'Dr. med. Jonas Weidenlohe', 'Weidenlohe', 'Onkologie'),
      participant('prof-sturmwald', 'Prof. Dr. med. Henrik Sturmwald', 'Sturmwald', 'Thoraxchirurgie'),
    ],
    people: [
      { role: 'dr-falkenried', name: 'Dr. Falkenried', specialty: 'Pneumologie' },
      { role: 'dr-ahlefels', name: 'Dr. Ahlefels', specialty: 'Strahlentherapie' },
      { role: 'dr-weidenlohe', name: 'Dr. Weidenlohe', specialty: 'Onkologie' },
    ],
    quorum: { met: 5, of: 5, missing: [] },
    failure: null,
    savedHere: '2026-11-24T14:07:42Z',
    savedThere: '2026-11-24T14:07:40Z',
    saveFailure: null,
    conflicts: [],
    merged: [],
    missing: [],
    canWrite: true,
    canSign: true,
    canCountersign: false,
    mark: null,
    signature: null,
    versions: [],
    ...changes,
  };
}

/** As in the public test vector of the signature. */
export const EXAMPLE_SHA256 = '99533bd889d4fbd2d1280fb17fbcab4401173bdfa7679c81d0d185d8cd895f57';

/** The lines of a case: the coming board's draft, a signed decision before it, and one that nobody signed. */
export function exampleEntries(): DecisionEntryView[] {
  const title = 'Beschluss Interdisziplinäres Tumorboard Eschenland';
  return [
    { id: 'dec-auenwald-2026-11-24', created: '2026-11-24', category: 'praeth', title, text: null, measures: [], status: 'draft', signed: null, current: true },
    {
      id: 'dec-earlier',
      created: '2026-07-07',
      category: 'postop',
      title,
      text: 'Adjuvante Therapie mit Pembrolizumab über 12 Monate.',
      measures: [{ code: 'IM', text: 'Pembrolizumab adjuvant 12 Monate' }],
      status: 'active',
      signed: { by: 'Dr. med. Amina Falkenried', at: '2026-07-07T13:21:00Z' },
      current: false,
    },
    {
      id: 'dec-elsewhere',
      created: '2026-02',
      category: 'praeth',
      title: 'Tumorkonferenz Kirschfeld',
      text: 'Operation in domo.',
      measures: [{ code: 'OP', text: 'Operation' }, { code: null, text: 'Physiotherapie' }],
      status: 'completed',
      signed: null,
      current: false,
    },
  ];
}

/** The second of them, whole. */
export function exampleEarlier(): DecisionView {
  const draft = exampleDraft({
    category: 'postop',
    text: 'Adjuvante Therapie mit Pembrolizumab über 12 Monate.',
    measures: [{ id: 'e1', code: 'IM', text: 'Pembrolizumab adjuvant 12 Monate', reason: '', responsible: 'dr-falkenried' }],
    openPoints: [],
    guideline: null,
    guidelineText: '',
    representation: '',
  });
  const line = { by: 'Dr. med. Amina Falkenried', at: '2026-07-07T13:21:00Z' };
  return exampleView({
    stage: 'signed',
    draft,
    canWrite: false,
    canSign: false,
    canCountersign: false,
    savedHere: null,
    savedThere: null,
    signature: { line, others: [], sha256: EXAMPLE_SHA256, revision: 1, check: { state: 'matches' } },
  });
}

export function examplePreview(): SigningPreviewView {
  const lines: [string, string][] = [
    ['schema', 'konsil-beschluss/1'],
    ['id', 'dec-auenwald-2026-11-24'],
    ['revision', '1'],
    ['replaces', 'null'],
    ['reason', 'null'],
    ['patient.kvnr', 'X110127457'],
    ['patient.family', 'Auenwald'],
    ['patient.given', 'Gernot'],
    ['patient.birthDate', '1957-03-14'],
    ['board.id', 'board-ite'],
    ['board.name', 'Interdisziplinäres Tumorboard Eschenland'],
    ['board.session', 'session-ite-2026-11-24'],
    ['case.start', '2026-11-24T14:00:11Z'],
    ['case.end', '2026-11-24T14:07:48Z'],
    ['created', '2026-11-24'],
    ['category', 'praeth'],
    ['diagnosis.condition', 'cond-auenwald-ca'],
    ['diagnosis.icd10gm', 'C34.1'],
    ['diagnosis.text', 'Adenokarzinom rechter Oberlappen'],
    ['question', exampleDraft().question],
    ['text', exampleDraft().text],
    ['findings.0', 'cT2b cN3 cM0, Stadium IIIB (UICC 8)'],
    ['activities.0.code', 'ST'],
    ['activities.0.text', 'Definitive Radiotherapie 60 bis 66 Gy, simultan'],
    ['activities.0.responsible', 'dr-ahlefels'],
    ['participants.0.role', 'dr-falkenried'],
    ['participants.0.name', 'Dr. med. Amina Falkenried'],
    ['participants.0.specialty', 'Pneumologie, thorakale Onkologie'],
    ['quorum.met', 'true'],
    ['quorum.rule', 'board-ite/1'],
    ['vote.kind', 'consensus'],
    ['vote.agree', '7'],
    ['vote.disagree', '0'],
    ['vote.abstain', '0'],
    ['openPoints.0', 'Studie für Stadium III prüfen'],
  ];
  return {
    canonical: '{"activities":[{"code":"ST","responsible":"dr-ahlefels"}],"category":"praeth"}',
    sha256: EXAMPLE_SHA256,
    lines: lines.map(([path, value]) => ({ path, value })),
    signer: 'Dr. Falkenried',
    outOfReach: null,
  };
}
