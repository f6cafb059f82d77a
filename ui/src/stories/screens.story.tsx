/** The screens of the program in the states that they draw. */
import type { CaseRowView, CasesView, Part, PreloadCaseView, PreloadView, SessionView } from '../host/contract';
import { chat, ownCard } from '../messages/examples';
import { cases, preload, today } from './lists';
import { falkenried, now, platform, settings, signedIn, start } from './people';
import { auenwaldCase, steinkleeCase } from './records';
import { at, demo, type Story } from './story';

const never = () => new Promise<never>(() => undefined);
const session = (value: SessionView) => ({ ...demo, start: { ...start, session: value } });
const unreachable = { code: 'platform-unreachable', detail: 'timeout' } as const;
const failed = { state: 'failed', failure: { code: 'platform-failed', detail: '500' } } as const;
/** A line whose diagnosis was refused and whose decision could not be read. */
const undiagnosed = (row: CaseRowView): CaseRowView => ({ ...row, diagnosis: null, icd10: null, organ: null, side: null, completeness: { state: 'unknown' }, decision: 'none', unread: ['diagnoses', 'decisions'] });
const changed = <T,>(part: Part<T>, change: (value: T) => T): Part<T> => (part.state === 'ready' ? { ...part, value: change(part.value) } : part);

const offline = { ...start, connection: { state: 'offline', since: '2026-11-24T10:42:00+01:00' } } as const;
const kept = { asOf: '2026-11-23T17:30:00+01:00', freshness: { state: 'kept', failure: unreachable } } as const;
/** Two of the board's cases are on this device. */
const here = (rows: CasesView['rows']): CasesView['rows'] =>
  rows.state === 'ready' ? { ...rows, value: rows.value.map((row, n) => (n === 1 || n === 2 ? { ...row, kept: kept.asOf } : row)) } : rows;

/** The board's images on their way; of single cases what is given by their places. */
const preloaded = (view: Partial<PreloadView>, ofCases: (n: number) => Partial<PreloadCaseView> = () => ({})): Story['fixture'] =>
  at({ screen: 'today' }, { preload: { ...preload, bytes: 640_000_000, ofBytes: 1_900_000_000, images: 412, ...view, cases: preload.cases.map((row, n) => ({ ...row, ...ofCases(n) })) } });
const coming = (n: number): Partial<PreloadCaseView> => ({ state: n < 1 ? 'here' : n === 1 ? 'coming' : 'lacking', refused: n === 0 ? 1 : 0 });

export const stories: Story[] = [
  { id: '01-sign-in', fixture: session({ state: 'signed-out', address: 'eschenland.example', addressFixed: false, failure: null }) },
  {
    id: '01b-waiting',
    fixture: session({ state: 'waiting', platform, until: new Date(now.getTime() + 278_000).toISOString(), link: 'https://anmeldung.eschenland.example/realms/konsil/protocol/openid-connect/auth?client_id=konsil&state=q7' }),
  },
  {
    id: '01c-unreachable',
    fixture: { ...session({ state: 'signed-out', address: 'eschenland.example', addressFixed: false, failure: null }), answer: (request) => (request.type === 'discover' ? unreachable : undefined) },
  },
  {
    id: '01c-certificate',
    fixture: session({ state: 'signed-out', address: 'eschenland.example', addressFixed: true, failure: { code: 'certificate-not-trusted', detail: 'Proxy CA Nord' } }),
  },
  { id: '01d-locked', fixture: session({ state: 'locked', person: falkenried, since: '2026-11-24T13:02:00+01:00', waiting: false, link: null, failure: null, inRound: false }) },
  { id: '01d-locked-round', fixture: session({ state: 'locked', person: falkenried, since: '2026-11-24T13:02:00+01:00', waiting: false, link: null, failure: null, inRound: true }) },
  { id: '01d-unlocking', fixture: session({ state: 'locked', person: falkenried, since: '2026-11-24T13:02:00+01:00', waiting: true, link: 'https://anmeldung.eschenland.example/realms/konsil/protocol/openid-connect/auth?client_id=konsil&max_age=0&state=q8', failure: null, inRound: false }) },
  { id: '02-today', fixture: at({ screen: 'today' }) },
  {
    id: '01e-lock-soon',
    fixture: at({ screen: 'today' }, { start: { ...start, session: { ...signedIn, locksAt: new Date(now.getTime() + 24_000).toISOString() } } }),
  },
  { id: '02-today-empty', fixture: at({ screen: 'today' }, { today: { ...today, board: { state: 'empty' }, tasks: { state: 'empty' }, drafts: [], news: { state: 'empty' } } }) },
  { id: '02-today-loading', fixture: at({ screen: 'today' }, { answer: (request) => (request.type === 'open-today' ? never() : undefined) }) },
  { id: '02-today-denied', fixture: at({ screen: 'today' }, { today: { ...today, board: { state: 'denied' }, tasks: { state: 'denied' }, news: { state: 'denied' } } }) },
  {
    id: '02-today-gaps',
    fixture: at({ screen: 'today' }, {
      today: {
        ...today,
        board: changed(today.board, (board) => ({ ...board, agenda: board.agenda.map(undiagnosed), gaps: [{ source: 'diagnoses', state: { state: 'denied' } }, { source: 'order', state: failed }] })),
        newsGaps: [{ source: 'documents', state: { state: 'denied' } }],
      },
    }),
  },
  { id: '02-today-preview', fixture: at({ screen: 'today' }), keys: ['j', 'j', ' '] },
  { id: '02-today-task', fixture: at({ screen: 'today' }), keys: ['click:[data-testid=finish-task-studie]'] },
  { id: '02-today-tasks-failed', fixture: at({ screen: 'today' }, { today: { ...today, tasks: failed } }) },
  { id: '02-today-preload-counting', fixture: preloaded({ state: { state: 'running', rate: null, seconds: null }, images: 0, bytes: 0, ofBytes: null }) },
  { id: '02-today-preload-running', fixture: preloaded({ state: { state: 'running', rate: 6_200_000, seconds: 203 } }, coming) },
  { id: '02-today-preload-waiting', fixture: preloaded({ state: { state: 'waiting' } }, coming) },
  { id: '02-today-preload-rest', fixture: preloaded({}, (n) => ({ state: n < 1 ? 'here' : 'lacking' })) },
  { id: '02-today-preload-done', fixture: preloaded({ state: { state: 'done', at: '2026-11-24T14:02:00+01:00' }, images: 1204, bytes: 1_900_000_000 }, (n) => ({ state: 'here', refused: n === 0 ? 1 : 0 })) },
  {
    id: '02-today-preload-partly',
    fixture: preloaded({ state: { state: 'partly', cases: 2 }, images: 1130 }, (n) =>
      n === 1 ? { missing: 72, failure: failed.failure } : n === 3 ? { failure: { code: 'not-allowed', detail: '' }, unconfirmed: 1 } : { state: 'here' },
    ),
  },
  { id: '02-today-preload-full', fixture: preloaded({ state: { state: 'full', cases: 3, disk: false }, images: 820 }, (n) => ({ state: n < 3 ? 'here' : 'lacking' })) },
  { id: '02-today-preload-disk', fixture: preloaded({ state: { state: 'full', cases: 3, disk: true }, images: 820 }, (n) => ({ state: n < 3 ? 'here' : 'lacking' })) },
  { id: '02-today-partly', fixture: at({ screen: 'today' }, { today: { ...today, news: { state: 'failed', failure: unreachable } } }) },
  {
    id: '02-today-offline',
    fixture: at({ screen: 'today' }, { start: offline, today: { ...today, ...kept } }),
  },
  {
    id: '02-today-marked',
    fixture: at(
      { screen: 'today' },
      {
        today: {
          ...today,
          drafts: [
            ...today.drafts,
            { patient: 'pat-auenwald', identity: auenwaldCase.identity, changed: '2026-11-24T12:31:00+01:00', mark: 'standing' },
            { patient: 'pat-steinklee', identity: steinkleeCase.identity, changed: '2026-11-24T12:20:00+01:00', mark: 'withdrawn' },
          ],
        },
      },
    ),
  },
  { id: '04-cases-offline', fixture: at({ screen: 'cases' }, { start: offline, cases: { ...cases, ...kept, rows: here(cases.rows) } }) },
  { id: '05-case-offline', fixture: at({ screen: 'case', patient: 'pat-auenwald', tab: 'overview' }, { start: offline, caseViews: [{ ...auenwaldCase, ...kept }] }) },
  { id: '04-cases', fixture: at({ screen: 'cases' }), keys: ['j'] },
  { id: '04-cases-preview', fixture: at({ screen: 'cases' }), keys: ['j', 'j', ' '] },
  { id: '04-cases-failed', fixture: at({ screen: 'cases' }, { answer: (request) => (request.type === 'open-cases' ? { code: 'platform-failed', detail: '500' } : undefined) }) },
  { id: '04-cases-denied', fixture: at({ screen: 'cases' }, { cases: { ...cases, rows: { state: 'denied' } } }) },
  {
    id: '04-cases-gaps',
    fixture: at({ screen: 'cases' }, { cases: { ...cases, rows: changed(cases.rows, (rows) => rows.map(undiagnosed)), gaps: [{ source: 'diagnoses', state: { state: 'denied' } }, { source: 'decisions', state: failed }] } }),
  },
  { id: '04-cases-none', fixture: at({ screen: 'cases' }, { cases: { ...cases, rows: { state: 'empty' } } }) },
  { id: '04-cases-no-hit', fixture: at({ screen: 'cases' }), keys: ['/', 'b', 'i', 'r', 'k', 'e', 'n', 'l', 'i', 'x', 'h', 't'] },
  { id: '05-case', fixture: at({ screen: 'case', patient: 'pat-auenwald', tab: 'overview' }) },
  { id: '05-case-dock', fixture: at({ screen: 'case', patient: 'pat-auenwald', tab: 'overview' }), keys: ['click:[data-testid=dock-toggle]', 'see:[data-testid=dock] [data-testid=timeline]'] },
  { id: '05-case-dock-tasks', fixture: at({ screen: 'case', patient: 'pat-auenwald', tab: 'overview' }), keys: ['click:[data-testid=dock-toggle]', 'see:[data-testid=dock] [data-testid=timeline]', 'click:[data-testid=segment-tasks]', 'see:[data-testid=dock-tasks]'] },
  { id: '05-case-dock-people', fixture: at({ screen: 'case', patient: 'pat-auenwald', tab: 'overview' }), keys: ['click:[data-testid=dock-toggle]', 'see:[data-testid=dock] [data-testid=timeline]', 'click:[data-testid=segment-people]', 'see:[data-testid=dock-people]'] },
  { id: '05-case-dock-none', fixture: at({ screen: 'case', patient: 'pat-birkenlicht', tab: 'overview' }), keys: ['click:[data-testid=dock-toggle]'] },
  { id: '05-case-dock-begin', fixture: at({ screen: 'case', patient: 'pat-birkenlicht', tab: 'overview' }), keys: ['click:[data-testid=dock-toggle]', 'click:[data-testid=dock-begin]', 'see:[data-testid=new-conversation]'] },
  { id: '05-case-newer', fixture: at({ screen: 'case', patient: 'pat-auenwald', tab: 'overview' }, { caseViews: [{ ...auenwaldCase, newer: '2026-11-24T14:05:00+01:00' }] }) },
  { id: '05-case-states', fixture: at({ screen: 'case', patient: 'pat-steinklee', tab: 'overview' }) },
  { id: '05-case-loading', fixture: at({ screen: 'case', patient: 'pat-auenwald', tab: 'overview' }, { answer: (request) => (request.type === 'open-case' ? never() : undefined) }) },
  { id: '05-case-failed', fixture: at({ screen: 'case', patient: 'pat-mohnblatt', tab: 'overview' }) },
  { id: '05-case-documents', fixture: at({ screen: 'case', patient: 'pat-auenwald', tab: 'documents' }), keys: ['click:[data-testid=document-doc-brief]'] },
  { id: '05-case-laboratory', fixture: at({ screen: 'case', patient: 'pat-auenwald', tab: 'laboratory' }), keys: ['click:[data-testid=tab-laboratory]', 'Tab', 'Tab', 'Tab', 'Enter'] },
  { id: '05-case-timeline', fixture: at({ screen: 'case', patient: 'pat-birkenlicht', tab: 'timeline' }) },
  { id: '13-settings-appearance', fixture: at({ screen: 'settings' }), keys: ['click:[data-testid=settings-appearance]'] },
  { id: '13-settings-images', fixture: at({ screen: 'settings' }), keys: ['click:[data-testid=settings-images]'] },
  { id: '13-settings-images-computed', fixture: at({ screen: 'settings' }, { start: { ...start, settings: { ...settings, computedGraphics: true } } }), keys: ['click:[data-testid=settings-images]'] },
  { id: '13-settings-connection', fixture: at({ screen: 'settings' }), keys: ['click:[data-testid=settings-connection]'] },
  { id: '13-settings-keyboard', fixture: at({ screen: 'settings' }), keys: ['click:[data-testid=settings-keyboard]'] },
  { id: '13-settings-chat', fixture: at({ screen: 'settings' }), keys: ['click:[data-testid=settings-chat]', 'see:[data-testid=permissions]'] },
  { id: '13-settings-chat-card', fixture: at({ screen: 'settings' }, { chat: { ...chat, card: ownCard } }), keys: ['click:[data-testid=settings-chat]', 'see:[data-testid=permissions]', 'click:[data-testid=show-own-card]', 'see:[data-testid=own-card]'] },
  {
    id: '13-settings-chat-nobody',
    fixture: at({ screen: 'settings' }, { chat: { ...chat, permissions: { everybody: 'not-invite', exceptions: ['klinikum-eschenfurt.example', '@i-rotdornhain:erlenstadt.example'], insured: true } } }),
    keys: ['click:[data-testid=settings-chat]', 'see:[data-testid=permissions]', 'click:[data-testid=permissions-add]', 'E', 's', 'c', 'h', ' ', 'x', 'Enter'],
  },
  {
    id: '13-settings-chat-failed',
    fixture: at({ screen: 'settings' }, { answer: (request) => (request.type === 'open-permissions' ? { code: 'platform-unreachable', detail: '' } : undefined) }),
    keys: ['click:[data-testid=settings-chat]'],
  },
  { id: '13-settings-about', fixture: at({ screen: 'settings' }), keys: ['click:[data-testid=settings-about]'] },
  { id: '13-settings', fixture: at({ screen: 'settings' }) },
  { id: '13-settings-fixed', fixture: at({ screen: 'settings' }, { start: { ...start, settings: { ...settings, lockAfterMinutes: 3, fixed: ['lock-after-minutes', 'theme'] } } }), keys: ['click:[data-testid=settings-security]'] },
  { id: '14-palette', fixture: at({ screen: 'case', patient: 'pat-auenwald', tab: 'overview' }), keys: ['Control+k', 'a', 'u', 'e'] },
  { id: '15-keys', fixture: at({ screen: 'case', patient: 'pat-auenwald', tab: 'overview' }), keys: ['?'] },
];

