/** Invented conversations of the demonstration, on Tuesday 24 November 2026 at 13:36 in Berlin. */
import type {
  BlockView,
  ChatView,
  ConversationCaseView,
  ConversationKind,
  ConversationRowView,
  ConversationView,
  FormView,
  LastLineView,
  LineView,
  MessageBodyView,
  MessageView,
  OwnCardView,
  SenderView,
  SpanView,
  UndecryptableCause,
} from '../host/contract';
import { type ChatFixture, paragraphs } from '../host/memoryChat';
import { plain } from '../host/typed';
import { auenwald as auenwaldIdentity, birkenlicht as birkenlichtIdentity, steinklee as steinkleeIdentity } from '../stories/people';

const sender = (id: string, name: string, initials: string, own = false): SenderView => ({ id: `@${id}:eschenland.example`, name, initials, own, ambiguous: false });

export const falkenried = sender('dr-falkenried', 'Dr. med. Amina Falkenried', 'AF', true);
export const sonnkaya = sender('dr-sonnkaya', 'Dr. med. Leyla Sonnkaya', 'LS');
export const brunnengold = sender('pd-brunnengold', 'PD Dr. med. Matteo Brunnengold', 'MB');
export const ahlefels = sender('dr-ahlefels', 'Dr. med. Ngozi Ahlefels', 'NA');
export const weidenlohe = sender('dr-weidenlohe', 'Dr. med. Jonas Weidenlohe', 'JW');
export const sturmwald = sender('prof-sturmwald', 'Prof. Dr. med. Henrik Sturmwald', 'HS');
export const silbertal = sender('dr-silbertal', 'Dr. med. Katarzyna Silbertal', 'KS');
export const lerchenhain = sender('dr-lerchenhain', 'Dr. med. Samir Lerchenhain', 'SL');
export const taubengruen = sender('taubengruen', 'Mirela Taubengrün', 'MT');
export const ebbelund = sender('ebbelund', 'Tariq Ebbelund', 'TE');
export const kieselhof = sender('dr-kieselhof', 'Dr. med. Friedemann Kieselhof', 'FK');
export const wintermoor = sender('prof-wintermoor', 'Prof. Dr. med. Ragna Wintermoor', 'RW');

const asOf = '2026-11-24T13:36:00+01:00';
const at = (day: number, time: string) => `2026-11-${String(day).padStart(2, '0')}T${time}:00+01:00`;

export const span = (text: string, more: Partial<SpanView> = {}): SpanView => ({ text, strong: false, emphasis: false, strike: false, code: false, link: null, mention: null, everybody: false, ...more });
const paragraph = (...spans: SpanView[]): BlockView => ({ type: 'paragraph', spans });

type MessageLine = { type: 'message' } & MessageView;

/** A message; its id is made of sender and time. */
export function message(by: SenderView, when: string, body: string | MessageBodyView, more: Partial<MessageView> = {}): MessageLine {
  const id = more.id ?? `${by.initials}-${when.slice(8, 16).replaceAll(/\D/gu, '')}`;
  return {
    type: 'message',
    id,
    event: `$${id}`,
    sender: by,
    at: when,
    body: typeof body === 'string' ? { type: 'text', blocks: paragraphs(body), source: by.own ? plain(body) : null } : body,
    edited: false,
    replyTo: null,
    reactions: [],
    sending: { state: 'sent' },
    pending: null,
    mayEdit: by.own,
    mayRedact: by.own,
    inClear: false,
    namesMe: false,
    readBy: [],
    ...more,
  };
}

export const day = (number: number): LineView => ({ type: 'day', id: `day-${number}`, date: `2026-11-${String(number).padStart(2, '0')}` });

const known = (patient: string, identity: typeof auenwaldIdentity): ConversationCaseView => ({ number: null, access: { access: 'open', patient, identity } });
export const caseAuenwald = known('pat-auenwald', auenwaldIdentity);
export const caseSteinklee = known('pat-steinklee', steinkleeIdentity);
export const caseBirkenlicht = known('pat-birkenlicht', birkenlichtIdentity);

const members = [falkenried, lerchenhain, sonnkaya, brunnengold, ahlefels, weidenlohe, taubengruen];

export function conversation(more: Partial<ConversationView> & Pick<ConversationView, 'id' | 'name'>): ConversationView {
  return {
    initials: 'FS',
    kind: 'case',
    cases: [],
    mayLink: true,
    membership: { state: 'joined' },
    attention: 'all',
    encryption: { state: 'encrypted', devices: 7, unconfirmed: [] },
    members,
    memberCount: members.length,
    confirmed: [],
    changed: [],
    lines: [],
    earlier: 'none',
    unreadBefore: false,
    past: null,
    outgoing: [],
    largestFile: 4_294_967_296,
    typing: [],
    maySend: true,
    mayNameAll: false,
    mayInvite: more.kind !== 'person',
    mayRename: more.kind !== 'person',
    mayRemove: false,
    favorite: false,
    draft: null,
    asOf,
    ...more,
  };
}

export const steinklee = conversation({
  id: '!steinklee',
  // A name is not encrypted, and names nobody.
  name: 'Fall 3',
  cases: [caseSteinklee],
  typing: [lerchenhain],
  lines: [
    {
      type: 'notice',
      id: 'notice-steinklee',
      at: at(20, '11:48'),
      changes: [
        { kind: 'created', sender: lerchenhain, target: null },
        { kind: 'encrypted', sender: lerchenhain, target: null },
        { kind: 'case-named', sender: lerchenhain, target: null },
        { kind: 'joined', sender: sonnkaya, target: null },
        { kind: 'joined', sender: brunnengold, target: null },
        { kind: 'joined', sender: falkenried, target: null },
        { kind: 'joined', sender: taubengruen, target: null },
      ],
    },
    day(20),
    message(lerchenhain, at(20, '11:50'), 'Angemeldet. Der Patient möchte den Enddarm behalten, wenn es geht.'),
    day(22),
    message(sonnkaya, at(22, '12:10'), 'MRT noch einmal nachgemessen: 3 mm zur mesorektalen Faszie, EMVI sicher positiv.'),
    day(24),
    message(lerchenhain, at(24, '10:02'), 'Für das Board fehlt noch der MMR-Status. Davon hängt die Reihenfolge ab.'),
    message(brunnengold, at(24, '10:05'), 'Immunhistochemie läuft, Ergebnis bis 13:30.'),
    message(falkenried, at(24, '10:07'), 'Danke. Dann bleibt Fall 3 an seiner Stelle.'),
    { type: 'unread', id: 'unread-steinklee' },
    message(
      brunnengold,
      at(24, '13:26'),
      {
        type: 'text',
        source: null,
        blocks: [paragraph(span('MMR-Status ist da: '), span('pMMR', { strong: true }), span(', MLH1, MSH2, MSH6 und PMS2 erhalten. Befund liegt im Fall.'))],
      },
      {
        replyTo: { event: '$SL-241002', sender: lerchenhain, text: 'Für das Board fehlt noch der MMR-Status. Davon hängt die Reihenfolge ab.' },
        reactions: [
          { key: '✅', senders: [lerchenhain, sonnkaya, falkenried], own: true },
          { key: 'Danke', senders: [taubengruen], own: false },
        ],
      },
    ),
    message(sonnkaya, at(24, '13:31'), 'Dann passt die Totale Neoadjuvante Therapie. Ich zeige die MRT-Serien in der Reihenfolge T2 sagittal, T2 axial, Diffusion.'),
    message(sonnkaya, at(24, '13:32'), 'Schlüsselbilder sind gesetzt.'),
  ],
});

const auenwald = conversation({
  id: '!auenwald',
  name: 'Fall 1',
  cases: [caseAuenwald],
  initials: 'FA',
  encryption: { state: 'encrypted', devices: 9, unconfirmed: [{ owner: silbertal, name: 'Tablet' }] },
  lines: [
    day(18),
    message(falkenried, at(18, '16:25'), 'Ich habe Herrn Auenwald angemeldet. Kernfrage ist die Radiochemotherapie, PD-L1 liegt bei 40 %.'),
    day(19),
    message(sonnkaya, at(19, '09:12'), 'Der 8-mm-Herd im Mittellappen ist verkalkt und speichert nicht, das ist ein Granulom. Bitte nicht als Metastase werten.'),
    day(20),
    message(ahlefels, at(20, '13:20'), 'Mit 66 % FEV1 und 61 % DLCO wird die Lungendosis knapp, aber machbar. Ich plane mit PET vor. Cisplatin?'),
    message(weidenlohe, at(20, '13:48'), 'Hochtonsenke im Audiogramm, ich würde eher Carboplatin/Paclitaxel nehmen.', {
      replyTo: { event: '$NA-201320', sender: ahlefels, text: 'Mit 66 % FEV1 und 61 % DLCO wird die Lungendosis knapp, aber machbar. Ich plane mit PET vor. Cisplatin?' },
    }),
    day(21),
    message(brunnengold, at(21, '10:05'), '1R ist histologisch gesichert, gleiche Immunhistochemie wie der Primärtumor.'),
    message(sturmwald, at(21, '10:31'), 'Damit keine Operation aus meiner Sicht.', { reactions: [{ key: '👍', senders: [falkenried, ahlefels], own: true }] }),
    day(24),
    message(sonnkaya, at(24, '13:12'), '1R misst 17 mm und hat etwa 15 mm Abstand zum Plexus.'),
  ],
});

const board = conversation({
  id: '!board',
  name: 'Tumorboard Eschenland',
  initials: 'TE',
  kind: 'group',
  lines: [
    day(23),
    message(taubengruen, at(23, '15:10'), 'Guten Tag zusammen, die Tagesordnung für morgen steht: fünf Fälle. Fall 3 fehlt noch der MMR-Status, die Pathologie ist dran.'),
    message(sturmwald, at(23, '15:42'), 'Ich bin in Tannhalde im Raum, muss nach Fall 1 in den OP.'),
    message(ahlefels, at(23, '16:05'), 'Bin dabei, von unterwegs bis 12 Minuten nach Beginn im Zug, danach am Platz.'),
    day(24),
    message(ebbelund, at(24, '07:55'), 'Für Fall 1 ist die Studie zur Erhaltung nach Radiochemotherapie offen, ich bringe die Einschlusskriterien mit.'),
    message(taubengruen, at(24, '10:22'), 'Die Schlüsselbilder vor Beginn markieren, danke.'),
  ],
});

const taubengruenRoom = conversation({
  id: '!taubengruen',
  name: 'Mirela Taubengrün',
  initials: 'MT',
  kind: 'person',
  members: [falkenried, taubengruen],
  memberCount: 2,
  encryption: { state: 'encrypted', devices: 3, unconfirmed: [] },
  draft: plain('Kannst du Fall 4 hinter'),
  lines: [
    day(24),
    message(taubengruen, at(24, '08:20'), 'Quorum ist für alle fünf Fälle zugesagt. Zeichnest du wieder als Erste?'),
    message(falkenried, at(24, '08:31'), 'Ja, und Jonas zeichnet mit.'),
  ],
});

const row = (of: { id: string; name: string; initials: string; kind: ConversationKind; cases?: ConversationCaseView[] }, last: LastLineView | null, more: Partial<ConversationRowView> = {}): ConversationRowView => ({
  id: of.id,
  name: of.name,
  initials: of.initials,
  kind: of.kind,
  cases: of.cases ?? [],
  membership: { state: 'joined' },
  last,
  unread: 0,
  mentions: 0,
  attention: 'all',
  favorite: false,
  public: false,
  draft: null,
  ...more,
});
const said = (by: SenderView, when: string, text: string, kind: LastLineView['kind'] = 'text'): LastLineView => ({ sender: by, kind, text, at: when });
const person = (id: string, of: SenderView, name: string) => ({ id, name, initials: of.initials, kind: 'person' as const });

export const rows: ConversationRowView[] = [
  row(steinklee, said(sonnkaya, at(24, '13:32'), 'Schlüsselbilder sind gesetzt.'), { unread: 3, mentions: 1 }),
  row(auenwald, said(sonnkaya, at(24, '13:12'), '1R misst 17 mm und hat etwa 15 mm Abstand zum Plexus.'), { unread: 2 }),
  row(board, said(taubengruen, at(24, '10:22'), 'Die Schlüsselbilder vor Beginn markieren, danke.'), { unread: 1, favorite: true, attention: 'nothing' }),
  row(person('!ahlefels', ahlefels, 'Dr. med. Ngozi Ahlefels'), said(falkenried, at(24, '09:20'), 'V20 unter 35 %, passt das?')),
  row(taubengruenRoom, said(falkenried, at(24, '08:31'), 'Ja, und Jonas zeichnet mit.'), { draft: 'Kannst du Fall 4 hinter' }),
  row(person('!weidenlohe', weidenlohe, 'Dr. med. Jonas Weidenlohe'), said(weidenlohe, at(24, '08:31'), 'Zweite Zeichnung ist erledigt.')),
  row(person('!kieselhof', kieselhof, 'Dr. med. Friedemann Kieselhof'), said(kieselhof, at(23, '17:02'), 'Danke, ich komme zu Fall 4 dazu.')),
  row({ id: '!lungenteam', name: 'Lungenteam Tannhalde', initials: 'LT', kind: 'group' }, said(sturmwald, at(23, '09:40'), 'OP-Plan Mittwoch.pdf', 'file'), { public: true }),
  row({ id: '!zweitmeinung', name: 'Zweitmeinung Quellhausen', initials: 'ZQ', kind: 'group' }, said(wintermoor, at(20, '15:12'), '', 'undecryptable')),
  row({ id: '!alt', name: 'Fall 2', initials: 'F2', kind: 'case', cases: [{ number: 'K-2026-0388', access: { access: 'denied' } }] }, said(sonnkaya, at(12, '11:00'), 'Danke.'), { membership: { state: 'left' } }),
];

export const invitation: ConversationRowView = row({ id: '!einladung', name: 'Fall 4', initials: 'F4', kind: 'group' }, null, { membership: { state: 'invited', by: taubengruen } });

export const recoveryKey = 'EsTB kM4x 9qLp W2ud fH7c 8vRn Yg3s ZtKa 5bXm QjEo D6wi NrPh';

export function chatView(more: Partial<ChatView> = {}): ChatView {
  const conversations = more.conversations ?? rows;
  return { state: { state: 'ready' }, recovery: 'ready', comparison: null, quiet: false, lostFiles: 0, conversations, unread: conversations.reduce((sum, one) => sum + one.unread, 0), asOf, ...more };
}

export const chat: ChatFixture = {
  view: chatView(),
  conversations: [steinklee, auenwald, board, taubengruenRoom],
  self: falkenried,
  recoveryKey,
  answers: {
    '!steinklee': { by: brunnengold, texts: ['pMMR, alle vier Proteine erhalten.', 'Sehr gern.'] },
    '!auenwald': { by: sonnkaya, texts: ['Primärtumor SUVmax 16,2, 4R 11,4, 1R 9,8. Kein Hinweis auf Fernmetastasen.', 'Gern.'] },
  },
};

const lerchenhainAway: SenderView = { ...lerchenhain, id: '@dr-lerchenhain:klinik-erlenbach.example', ambiguous: true };

/** People who name each other, and two of the same name. */
export const naming = conversation({
  id: '!nennen',
  name: 'Lungenteam Eschenland',
  initials: 'LE',
  kind: 'group',
  mayNameAll: true,
  members: [falkenried, ahlefels, brunnengold, { ...lerchenhain, ambiguous: true }, lerchenhainAway, sonnkaya, taubengruen],
  lines: [
    day(24),
    message(taubengruen, at(24, '13:02'), { type: 'text', source: null, blocks: [paragraph(span('@alle', { everybody: true }), span(': Beginn ist heute um 15 Uhr.'))] }, { namesMe: true }),
    message(ahlefels, at(24, '13:10'), { type: 'text', source: null, blocks: [paragraph(span('Plan ist fertig. '), span('@Dr. med. Leyla Sonnkaya', { mention: sonnkaya }), span(' schaut noch auf den Plexus.'))] }),
    message(sonnkaya, at(24, '13:12'), { type: 'text', source: null, blocks: [paragraph(span('Fertig. '), span('@Dr. med. Amina Falkenried', { mention: falkenried }), span(', '), span(`@Dr. med. Samir Lerchenhain (${lerchenhainAway.id})`, { mention: lerchenhainAway }), span(': 15 mm Abstand.'))] }, { namesMe: true }),
    message(falkenried, at(24, '13:20'), { type: 'text', source: plain('@Dr. med. Leyla Sonnkaya danke'), blocks: [paragraph(span('@Dr. med. Leyla Sonnkaya', { mention: sonnkaya }), span(' danke'))] }),
  ],
});

/** Every form that a line has. */
export const everyForm = conversation({
  id: '!formen',
  name: 'Fall 1',
  cases: [caseAuenwald],
  initials: 'FA',
  lines: [
    day(23),
    {
      type: 'notice',
      id: 'notice-formen',
      at: at(23, '08:00'),
      changes: [
        { kind: 'invited', sender: taubengruen, target: falkenried },
        { kind: 'renamed', sender: taubengruen, target: null },
      ],
    },
    message(
      weidenlohe,
      at(23, '09:00'),
      {
        type: 'text',
        source: null,
        blocks: [
          paragraph(span('Vorschlag für '), span('@Dr. med. Amina Falkenried', { mention: falkenried }), span(' und '), span('@Dr. med. Leyla Sonnkaya', { mention: sonnkaya }), span(':')),
          {
            type: 'list',
            ordered: true,
            items: [[paragraph(span('Carboplatin AUC 2 '), span('wöchentlich', { emphasis: true }))], [paragraph(span('Paclitaxel 45 mg/m², '), span('nicht', { strong: true }), span(' 60 mg/m²'))]],
          },
          { type: 'quote', blocks: [paragraph(span('Simultan, 60 Gy in 30 Fraktionen'))] },
          { type: 'code', text: 'AUC 2 × (84 + 25) = 218 mg' },
          paragraph(span('Quelle: '), span('S3-Leitlinie', { link: 'https://leitlinie.example/lunge' }), span(', '), span('Cisplatin', { strike: true }), span(', Dosis '), span('218 mg', { code: true })),
        ],
      },
      { edited: true, namesMe: true },
    ),
    message(ahlefels, at(23, '09:04'), { type: 'emote', blocks: paragraphs('rechnet den Plan mit 60 Gy.') }, { readBy: [brunnengold, sonnkaya, kieselhof, weidenlohe] }),
    message(ahlefels, at(23, '09:20'), { type: 'file', name: 'Plan-Auenwald-60Gy-Lungendosis-und-Ösophagus.pdf', mimetype: 'application/pdf', size: 2_410_000, study: null, picture: null, caption: paragraphs('Lungendosis auf Seite 3.') }),
    message(brunnengold, at(23, '09:30'), { type: 'redacted', by: brunnengold, at: at(23, '09:41') }),
    message(taubengruen, at(23, '09:50'), { type: 'unsupported', fallback: 'Umfrage: Passt Dienstag 15 Uhr?' }),
    message(kieselhof, at(23, '10:02'), 'Ich bin am Dienstag erreichbar.', { inClear: true }),
    day(24),
    message(falkenried, at(24, '13:10'), 'V20 unter 30 Prozent.', { edited: true, mayEdit: false, pending: { act: 'change', sending: { state: 'waiting' } } }),
    message(falkenried, at(24, '13:12'), { type: 'redacted', by: falkenried, at: null }, { pending: { act: 'deletion', sending: { state: 'failed', failure: { code: 'not-allowed', detail: '' } } } }),
    message(ahlefels, at(24, '13:14'), 'Die Physik prüft noch.', { reactions: [{ key: '👍', senders: [falkenried], own: true }], pending: { act: 'reaction', sending: { state: 'failed', failure: { code: 'refused', detail: '' } } } }),
    message(falkenried, at(24, '13:20'), 'Die Lungendosis bleibt unter 20 Gy.', { event: null, mayEdit: false, mayRedact: false, sending: { state: 'failed', failure: { code: 'platform-unreachable', detail: 'timeout' } } }),
    message(falkenried, at(24, '13:30'), 'Ich frage die Physik nach der V20.', { event: null, mayEdit: false, mayRedact: false, sending: { state: 'waiting' } }),
  ],
});

const form = (of: FormView, text: string, named: ConversationCaseView | null = caseAuenwald): MessageBodyView => ({ type: 'form', form: of, case: named, text });
const proposed = { form: 'appointment' as const, start: at(25, '15:00'), end: at(25, '15:40') };
const proposal = 'Terminvorschlag: 25.11.2026, 15:00 bis 15:40.';

/** Structured messages, each in its states. */
export const everyCard = conversation({
  id: '!karten',
  name: 'Fall 1',
  cases: [caseAuenwald],
  initials: 'FA',
  lines: [
    day(23),
    message(taubengruen, at(23, '08:10'), form({ form: 'invitation' }, 'Einladung in Fall K-2026-0417.')),
    message(kieselhof, at(23, '08:30'), form({ form: 'invitation' }, 'Einladung in Fall K-2026-0388.', { number: 'K-2026-0388', access: { access: 'denied' } })),
    message(weidenlohe, at(23, '09:00'), form({ form: 'question', text: 'Carboplatin AUC 2 wöchentlich oder Cisplatin?\nDie Hochtonsenke spricht dagegen.' }, 'Frage ans Board zu Fall K-2026-0417: Carboplatin')),
    message(ahlefels, at(23, '09:20'), form({ ...proposed, answers: [{ by: sonnkaya, answer: 'accepted' }, { by: weidenlohe, answer: 'tentative' }] }, proposal), { id: 'vorschlag' }),
    message(sonnkaya, at(23, '09:22'), form({ form: 'answer', answer: 'accepted' }, `Zugesagt: ${proposal}`), { replyTo: { event: '$vorschlag', sender: ahlefels, text: proposal } }),
    message(falkenried, at(23, '09:40'), form({ ...proposed, answers: [] }, proposal)),
    message(brunnengold, at(23, '09:50'), form({ ...proposed, start: at(23, '10:00'), end: at(23, '10:30'), answers: [{ by: falkenried, answer: 'declined' }] }, proposal)),
    message(taubengruen, at(23, '10:00'), form({ form: 'document', title: 'Arztbrief Lungenfunktion', file: { name: 'Arztbrief.pdf', mimetype: 'application/pdf', size: 241_000 } }, 'Dokument: Arztbrief.pdf')),
    message(kieselhof, at(23, '10:10'), form({ form: 'newer' }, 'Abstimmung: Radiochemotherapie', null)),
    day(24),
    ...(['pending', 'matches', 'replaced', 'differs', 'uncheckable'] as const).map((check, step) => message(step % 2 === 0 ? sturmwald : silbertal, at(24, `11:${String(10 + step * 7)}`), form({ form: 'recommendation', check }, 'Empfehlung: gezeichneter Beschluss zu Fall K-2026-0417. Konsil öffnet ihn.'), { id: `empfehlung-${check}` })),
  ],
});

const causes: UndecryptableCause[] = ['recovery-key-needed', 'before-this-device', 'before-joining', 'key-missing', 'withheld', 'sender-not-trusted', 'sender-forged'];

export const unreadable = conversation({
  id: '!unlesbar',
  name: 'Zweitmeinung Quellhausen',
  initials: 'ZQ',
  kind: 'group',
  members: [falkenried, wintermoor, kieselhof],
  memberCount: 3,
  lines: [day(24), ...causes.map((cause, step) => message(step % 2 === 0 ? wintermoor : kieselhof, at(24, `09:${String(10 + step * 7)}`), { type: 'undecryptable', cause })), message(wintermoor, at(24, '09:58'), { type: 'repeated' })],
});

const sentences = [
  'Befund ist im Fall hinterlegt.',
  'Die Serie ist vollständig, Schichtdicke 1 mm. Auf den sagittalen Bildern sieht man den Abstand zur Faszie besser als auf den axialen, deshalb habe ich beide markiert.',
  'Danke.',
  'Aus meiner Sicht spricht nichts gegen die Vorstellung in dieser Woche; die Laborwerte von gestern sind unauffällig, und die Lungenfunktion reicht.',
  'Ich sehe es mir an.',
  'Zweite Meinung der Radiologie liegt vor.\n\nSie bestätigt den Erstbefund ohne Einschränkung.',
];

/** Many lines, always the same ones; number 0 is the oldest. */
export function manyLines(from: number, to: number): LineView[] {
  const people = [sonnkaya, brunnengold, falkenried, ahlefels, weidenlohe];
  const begin = Date.parse('2026-10-05T08:00:00+02:00');
  return Array.from({ length: to - from }, (_, step): LineView => {
    const number = from + step;
    const who = people[Math.floor(number / 3) % people.length] ?? sonnkaya;
    return message(who, new Date(begin + number * 20 * 60_000).toISOString(), `${number}: ${sentences[(number * 7) % sentences.length] ?? ''}`, {
      id: `many-${number}`,
      ...(number % 17 === 0 ? { reactions: [{ key: '👍', senders: [weidenlohe], own: false }] } : {}),
      ...(number % 23 === 22 ? { replyTo: { event: `$many-${number - 15}`, sender: brunnengold, text: 'Befund ist im Fall hinterlegt.' } } : {}),
    });
  });
}

export const long = conversation({ id: '!lang', name: 'Fallbesprechung', initials: 'FB', lines: manyLines(200, 2200), earlier: 'more' });

export function longChat(more: Partial<ChatFixture> = {}): ChatFixture {
  return {
    ...chat,
    view: chatView({ conversations: [row(long, said(weidenlohe, at(24, '13:30'), 'Danke.')), ...rows] }),
    conversations: [long, ...chat.conversations],
    earlier: { '!lang': manyLines(0, 200) },
    ...more,
  };
}

/** A thousand conversations. */
export const manyRows: ConversationRowView[] = Array.from({ length: 1000 }, (_, number) =>
  row(
    { id: `!viele-${number}`, name: `Fall ${String(number + 1).padStart(4, '0')}`, initials: 'F', kind: 'case' },
    said(number % 2 === 0 ? sonnkaya : falkenried, new Date(Date.parse(asOf) - number * 3_600_000).toISOString(), sentences[number % sentences.length] ?? ''),
    { unread: number % 9 === 0 ? 1 : 0 },
  ),
);

/** The corners of a QR code (ISO/IEC 18004 §6.3.3), and what only looks like its content. */
const modules = Array.from({ length: 33 }, (_row, y) =>
  Array.from({ length: 33 }, (_column, x) => {
    const corner = [[0, 0], [26, 0], [0, 26]].find(([left = 0, top = 0]) => x >= left - 1 && x <= left + 7 && y >= top - 1 && y <= top + 7);
    if (!corner) return (x * 7 + y * 11 + x * y) % 3 === 0 ? '1' : '0';
    const ring = Math.max(Math.abs(x - (corner[0] ?? 0) - 3), Math.abs(y - (corner[1] ?? 0) - 3));
    return ring === 2 || ring > 3 ? '0' : '1';
  }).join(''),
);

export const ownCard: OwnCardView = { name: 'Dr. med. Amina Falkenried', address: '@dr-falkenried:eschenland.example', text: '', modules };
