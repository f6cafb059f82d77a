/** "Beschluss" in its states. */

import type { CaseView, DecisionView, Failure, Reply, Request, SignatureView, SigningMarkView } from '../host/contract';
import type { Fixture } from '../host/memory';
import { at, type Story } from '../stories/story';
import { auenwaldCase } from '../stories/records';
import { EXAMPLE_SHA256, exampleDraft, exampleEarlier, exampleEntries, examplePreview, exampleView } from './examples';

const signature: SignatureView = {
  line: { by: 'Dr. med. Amina Falkenried', at: '2026-11-24T14:07:00Z' },
  others: [],
  sha256: EXAMPLE_SHA256,
  revision: 1,
  check: null,
};

function fixture(view: DecisionView, answer?: (request: Request) => Reply | Failure | undefined): Fixture {
  return at(
    { screen: 'case', patient: view.patient, tab: 'decision' },
    {
      decisions: [view],
      answer: (request) => {
        const own = answer?.(request);
        if (own !== undefined) return own;
        return request.type === 'preview-signing' ? { type: 'signing-preview', value: examplePreview() } : undefined;
      },
    },
  );
}

function signed(check: SignatureView['check'], changes: Partial<DecisionView> = {}): Fixture {
  const view = exampleView({ stage: 'signed', signature: { ...signature, check: null }, ...changes });
  const checked = { ...view, signature: { ...signature, ...view.signature, revision: view.versions.length + 1, check } };
  return fixture(view, (request) =>
    request.type === 'verify-decision' ? { type: 'decision', value: checked } : undefined,
  );
}

/** The coming board's draft, and what was decided before. */
function withEarlier(decisions: CaseView['decisions'], answer?: (request: Request) => Reply | Failure | undefined): Fixture {
  const begun = exampleView({ draft: exampleDraft({ outcome: null, text: '', measures: [] }), missing: ['outcome', 'text', 'measures'] });
  return { ...fixture(begun, answer), caseViews: [{ ...auenwaldCase, decisions }], earlier: { 'dec-earlier': exampleEarlier() } };
}

const listed: CaseView['decisions'] = { state: 'ready', value: exampleEntries(), more: false };
const openList = 'click:[data-testid=earlier] > summary';
const readFirst = 'click:[data-testid=read-dec-earlier]';

const by = 'Dr. Falkenried';
const markedAt = '2026-11-24T14:09:00Z';
const waiting: SigningMarkView = { state: 'waiting', by, at: markedAt, sha256: EXAMPLE_SHA256 };
const withdrawn: SigningMarkView = { state: 'withdrawn', at: markedAt, fields: ['measure/m2', 'created'] };
const unreachable: Failure = { code: 'platform-unreachable', detail: 'timeout' };

function offline(one: Fixture): Fixture {
  return { ...one, start: { ...one.start, connection: { state: 'offline', since: '2026-11-24T14:08:00Z' } } };
}

const textBlocks = [
  { name: 'Nachsorge', text: 'Nachsorge nach Leitlinie in der zuweisenden Praxis.' },
  { name: 'Studie prüfen', text: 'Einschluss in eine Studie wird durch die Studienassistenz geprüft.' },
];

export const stories: Story[] = [
  { id: '08-decision', fixture: fixture(exampleView()) },
  {
    id: '08-decision-begun',
    fixture: fixture(
      exampleView({
        draft: exampleDraft({ category: null, occasion: null, goal: null, outcome: null, measures: [], openPoints: [], text: '', guideline: null, guidelineText: '', representation: '' }),
        savedHere: null,
        savedThere: null,
        missing: ['category', 'outcome', 'text', 'measures'],
      }),
    ),
    keys: ['Control+Enter'],
  },
  {
    id: '08-decision-majority',
    fixture: fixture(
      exampleView({
        draft: exampleDraft({
          outcome: 'majority',
          vote: { agree: 5, disagree: 1, abstain: 0 },
          dissent: [{ role: 'dr-ahlefels', text: 'Sequenzielle Therapie bevorzugt, V20 voraussichtlich über 35 %.' }],
          guideline: 'deviation',
          guidelineText: 'Lungenfunktion erlaubt keine simultane Therapie.',
        }),
        quorum: { met: 4, of: 5, missing: ['Strahlentherapie'] },
        missing: ['quorum-reason'],
      }),
    ),
  },
  {
    id: '08-decision-conflict',
    fixture: fixture(
      exampleView({
        conflicts: [
          {
            field: 'text',
            mine: 'Definitive simultane Radiochemotherapie in kurativer Absicht.',
            theirs: 'Definitive sequenzielle Radiochemotherapie in kurativer Absicht.',
            by: 'Dr. Weidenlohe',
          },
          { field: 'measure/m2', mine: 'Carboplatin/Paclitaxel wöchentlich, simultan', theirs: 'Cisplatin/Vinorelbin', by: 'Dr. Weidenlohe' },
        ],
        merged: [{ field: 'open-point/o1', by: 'Dr. Weidenlohe' }],
      }),
    ),
  },
  { id: '08-decision-preview', fixture: fixture(exampleView()), keys: ['Control+u'] },
  {
    id: '08-decision-waiting',
    fixture: fixture(exampleView({ stage: 'signing', link: 'https://anmeldung.eschenland.example/realms/konsil/protocol/openid-connect/auth?client_id=konsil&max_age=0&state=q9' })),
  },
  {
    id: '08-decision-not-saved',
    fixture: fixture(exampleView(), (request) => (request.type === 'save-draft' ? { code: 'disk-full', detail: '' } : undefined)),
    keys: ['click:[data-testid=decision-text]', 'x'],
  },
  {
    id: '08-decision-blocks',
    fixture: { ...fixture(exampleView()), textBlocks },
    keys: ['click:[data-testid=decision-text]', 'Control+End', 'Enter', '/', 'n', 'ArrowDown'],
  },
  { id: '08-decision-blocks-none', fixture: fixture(exampleView({ draft: { ...exampleDraft(), text: '' } })), keys: ['click:[data-testid=decision-text]', '/'] },
  {
    id: '08-decision-blocks-inserted',
    fixture: { ...fixture(exampleView()), textBlocks },
    keys: ['click:[data-testid=decision-text]', 'Control+End', 'Enter', '/', 'n', 'a', 'Enter'],
  },
  {
    id: '08-decision-out-of-reach',
    fixture: offline(
      fixture(exampleView({ savedThere: null }), (request) =>
        request.type === 'preview-signing' ? { type: 'signing-preview', value: { ...examplePreview(), outOfReach: unreachable } } : undefined,
      ),
    ),
    keys: ['Control+u', 'see:[data-testid=mark-decision]'],
  },
  {
    id: '08-decision-sign-failed',
    fixture: fixture(exampleView(), (request) => (request.type === 'sign-decision' ? unreachable : undefined)),
    keys: ['Control+u', 'click:[data-testid=sign-as]', 'see:[data-testid=mark-decision]'],
  },
  { id: '08-decision-marked', fixture: offline(fixture(exampleView({ savedThere: null, canWrite: false, mark: waiting }))) },
  { id: '08-decision-marked-ready', fixture: fixture(exampleView({ canWrite: false, mark: { ...waiting, state: 'ready' } })) },
  {
    id: '08-decision-mark-confirmed',
    fixture: fixture(exampleView({ stage: 'signing', canWrite: false, mark: { ...waiting, state: 'ready' }, link: 'https://anmeldung.eschenland.example/realms/konsil/protocol/openid-connect/auth?client_id=konsil&max_age=0&state=q9' })),
  },
  { id: '08-decision-mark-withdrawn', fixture: fixture(exampleView({ mark: withdrawn })) },
  { id: '08-decision-read-only', fixture: fixture(exampleView({ canWrite: false, canSign: false })) },
  { id: '08-decision-earlier', fixture: withEarlier(listed), keys: [openList, 'see:[data-testid=read-dec-earlier]'] },
  {
    id: '08-decision-earlier-failed',
    fixture: withEarlier({ state: 'failed', failure: { code: 'platform-failed', detail: '500 CarePlan' } }),
  },
  { id: '09-earlier', fixture: withEarlier(listed), keys: [openList, readFirst, 'see:[data-testid=signed-decision]'] },
  {
    id: '09-earlier-failed',
    fixture: withEarlier(listed, (request) => (request.type === 'read-decision' ? { code: 'platform-unreachable', detail: 'timeout' } : undefined)),
    keys: [openList, readFirst, 'see:[data-testid=earlier-bar]'],
  },
  { id: '09-signed', fixture: signed({ state: 'matches' }) },
  {
    id: '09-signed-all',
    fixture: signed(
      { state: 'matches' },
      {
        canCountersign: true,
        draft: exampleDraft({
          outcome: 'majority',
          findings: ['Tumor 4,2 cm, Kontakt zur Pleura', 'PET: nur ipsilaterale Lymphknoten'],
          vote: { agree: 5, disagree: 1, abstain: 0 },
          dissent: [{ role: 'dr-ahlefels', text: 'Sequenzielle Therapie bevorzugt, V20 voraussichtlich über 35 %.' }],
          quorumReason: 'Atemnot nimmt zu; die Strahlentherapie hat schriftlich zugestimmt.',
        }),
        quorum: { met: 4, of: 5, missing: ['Strahlentherapie'] },
      },
    ),
  },
  {
    id: '09-countersigning',
    fixture: signed({ state: 'matches' }, { canCountersign: true }),
    keys: ['click:[data-testid=countersign]', 'see:[data-testid=signing-preview]'],
  },
  {
    id: '09-countersigned',
    fixture: signed(
      { state: 'matches' },
      { signature: { ...signature, others: [{ by: 'Dr. med. Jonas Weidenlohe', at: '2026-11-24T15:20:00Z' }] } },
    ),
  },
  { id: '09-signed-otherwise', fixture: signed({ state: 'matches' }, { mark: { ...withdrawn, fields: ['activities'] } }) },
  { id: '09-signed-differs', fixture: signed({ state: 'differs', fields: ['activities'] }) },
  { id: '09-signed-broken', fixture: signed({ state: 'broken' }) },
  {
    id: '09-signed-unchecked',
    fixture: signed({ state: 'unchecked', failure: { code: 'platform-unreachable', detail: 'timeout' } }),
  },
  {
    id: '09-signed-amended',
    fixture: signed(
      { state: 'matches' },
      {
        draft: exampleDraft({ amendmentReason: 'Tippfehler in der Dosis' }),
        versions: [
          {
            revision: 1,
            line: { by: 'Dr. med. Amina Falkenried', at: '2026-11-24T14:07:00Z' },
            text: 'Definitive simultane Radiochemotherapie.',
            reason: 'Tippfehler in der Dosis',
          },
        ],
      },
    ),
  },
  {
    id: '09-amending',
    fixture: fixture(exampleView({ stage: 'amending', signature, missing: ['amendment-reason'] })),
  },
];
