/** A host in memory, for stories and component tests: answers from fixtures, events on request. */
import type {
  CasesView,
  CaseView,
  DecisionView,
  DiagnosisView,
  DocumentView,
  Event,
  Failure,
  ImagesView,
  MeasurementsView,
  PlatformView,
  PreloadView,
  Reply,
  Request,
  SessionView,
  StartView,
  TextBlockView,
  TodayView,
} from './contract';
import type { Host } from './host';
import { type ChatFixture, memoryChat } from './memoryChat';
import { memoryRounds, type RoundsFixture } from './memoryRounds';

/** What the program would know. A part that is missing is answered by `not-found`. */
export interface Fixture {
  start: StartView;
  /** Who is there after a sign-in. */
  signedIn: Extract<SessionView, { state: 'signed-in' }>;
  platform?: PlatformView;
  today?: TodayView;
  /** Without it there is nothing to fetch ahead. */
  preload?: PreloadView;
  cases?: CasesView;
  search?: (query: string) => CasesView;
  caseViews?: CaseView[];
  documents?: DocumentView[];
  images?: ImagesView[];
  measurements?: MeasurementsView[];
  decisions?: DecisionView[];
  /** Earlier decisions by the id of their line. */
  earlier?: Record<string, DecisionView>;
  textBlocks?: TextBlockView[];
  diagnosis?: DiagnosisView;
  /** Without it the platform has no chat. */
  chat?: ChatFixture;
  /** Without it the platform has no rounds. */
  rounds?: RoundsFixture;
  /** Answers that come before all others; `undefined` leaves the request to the rest. */
  answer?: (request: Request) => Reply | Failure | Promise<Reply> | undefined;
}

export interface MemoryHost extends Host {
  /** Every request so far. */
  asked: Request[];
  send(event: Event): void;
}

export function memoryHost(fixture: Fixture): MemoryHost {
  const hearers = new Set<(event: Event) => void>();
  const asked: Request[] = [];
  let settings = fixture.start.settings;
  let textBlocks = fixture.textBlocks ?? [];
  const send = (event: Event) => {
    for (const hear of [...hearers]) hear(event);
  };
  const session = (value: SessionView) => {
    // Events come after the answer, as they do from the program.
    queueMicrotask(() => send({ type: 'session-changed', value }));
  };
  const person = fixture.signedIn.person;
  const finished = new Set<string>();
  const chat = memoryChat(fixture.chat, send);
  const rounds = memoryRounds(fixture.rounds, send);

  const reply = (request: Request): Reply => {
    switch (request.type) {
      case 'start':
        return { type: 'started', value: fixture.start };
      case 'discover':
        if (!request.address.includes('.')) throw failure('address-unreadable');
        return { type: 'platform', value: found(fixture.platform) };
      case 'sign-in':
        session({ state: 'waiting', platform: found(fixture.platform), until: new Date(Date.now() + 278_000).toISOString(), link: 'https://id.eschenland.example/auth' });
        // The browser comes back as soon as the page has said that it waits.
        setTimeout(() => send({ type: 'session-changed', value: fixture.signedIn }), 300);
        return { type: 'done' };
      case 'cancel-sign-in':
        session({ state: 'signed-out', address: null, addressFixed: false, failure: failure('sign-in-cancelled') });
        return { type: 'done' };
      case 'sign-out':
        session({ state: 'signed-out', address: fixture.signedIn.platform.host, addressFixed: false, failure: null });
        return { type: 'done' };
      case 'lock': {
        const here = rounds.reply({ type: 'open-rounds' });
        const inRound = here.type === 'rounds' && here.value.round !== null && here.value.round.phase.phase !== 'ended';
        session({ state: 'locked', person, since: new Date().toISOString(), waiting: false, link: null, failure: null, inRound });
        return { type: 'done' };
      }
      case 'unlock':
        session(fixture.signedIn);
        return { type: 'done' };
      case 'open-today':
        return { type: 'today', value: found(fixture.today) };
      case 'open-preload':
        return { type: 'preload', value: fixture.preload ?? null };
      case 'start-preload':
      case 'stop-preload':
        return { type: 'done' };
      case 'finish-task': {
        const view = found(fixture.today);
        if (request.done) finished.add(request.task);
        else finished.delete(request.task);
        const tasks = view.tasks;
        return { type: 'today', value: { ...view, tasks: tasks.state === 'ready' ? { ...tasks, value: tasks.value.filter((one) => !finished.has(one.id)) } : tasks } };
      }
      case 'open-cases':
        return { type: 'cases', value: request.query === '' || !fixture.search ? found(fixture.cases) : fixture.search(request.query) };
      case 'open-case':
        return { type: 'case', value: found(fixture.caseViews?.find((one) => one.patient === request.patient)) };
      case 'read-document':
        return { type: 'document', value: found(fixture.documents?.find((one) => one.entry.id === request.document)) };
      case 'open-images':
        return { type: 'images', value: found(fixture.images?.find((one) => one.patient === request.patient)) };
      case 'open-decision':
        return { type: 'decision', value: found(fixture.decisions?.find((one) => one.patient === request.patient)) };
      case 'read-decision':
        return { type: 'decision', value: found(fixture.earlier?.[request.decision]) };
      case 'save-draft': {
        const before = found(fixture.decisions?.find((one) => one.patient === request.patient));
        return { type: 'decision', value: { ...before, draft: request.draft, savedHere: new Date().toISOString() } };
      }
      case 'change-settings':
        settings = { ...request.settings, fixed: settings.fixed };
        return { type: 'settings', value: settings };
      case 'diagnose':
        return { type: 'diagnosis', value: found(fixture.diagnosis) };
      case 'touch':
      case 'remember-place':
      case 'report-faults':
      case 'show-notice':
      case 'close-series':
      case 'cancel-signing':
        return { type: 'done' };
      case 'keep-measurements':
        return { type: 'done' };
      case 'open-text-blocks':
        return { type: 'text-blocks', value: textBlocks };
      case 'keep-text-blocks':
        textBlocks = request.blocks;
        return { type: 'done' };
      case 'open-measurements':
        return { type: 'measurements', value: fixture.measurements?.find((one) => one.patient === request.patient) ?? { patient: request.patient, measurements: [] } };
      case 'open-chat':
      case 'connect-chat':
      case 'open-conversation':
      case 'close-conversation':
      case 'load-earlier':
      case 'open-day':
      case 'open-unread':
      case 'load-later':
      case 'send-message':
      case 'edit-message':
      case 'redact-message':
      case 'toggle-reaction':
      case 'retry-message':
      case 'cancel-message':
      case 'mark-read':
      case 'set-attention':
      case 'set-quiet':
      case 'set-typing':
      case 'keep-message-draft':
      case 'join-conversation':
      case 'leave-conversation':
      case 'invite-to-conversation':
      case 'remove-from-conversation':
      case 'rename-conversation':
      case 'set-favorite':
      case 'open-versions':
      case 'find-people':
      case 'search-directory':
      case 'open-permissions':
      case 'open-own-card':
      case 'read-card':
      case 'accept-contact':
      case 'change-permissions':
      case 'begin-conversation':
      case 'link-case':
      case 'set-up-recovery':
      case 'recover':
      case 'form':
      case 'trust':
      case 'begin-attachment':
      case 'take-up-attachment':
      case 'resume-attachment':
      case 'cancel-attachment':
      case 'open-attachment':
      case 'open-thumbnail':
      case 'look-at-files':
      case 'close-received-study':
        return chat.reply(request);
      case 'open-rounds':
      case 'round':
        return rounds.reply(request);
      case 'confirm-identity':
      case 'open-series':
      case 'begin-study':
      case 'send-study':
      case 'save-attachment':
      case 'open-received-study':
      case 'open-received-series':
      case 'open-bulk':
      case 'resolve-conflicts':
      case 'preview-signing':
      case 'sign-decision':
      case 'mark-decision':
      case 'withdraw-mark':
      case 'amend-decision':
      case 'verify-decision':
        throw failure('not-found');
      default: {
        const unknown: never = request;
        return unknown;
      }
    }
  };

  return {
    asked,
    send,
    door: (address, hear) => chat.door(address, hear),
    saves: false,
    pictures: rounds.pictures,
    async call(request) {
      asked.push(request);
      const own = fixture.answer?.(request);
      if (own !== undefined) {
        if ('code' in own) throw own;
        return await own;
      }
      return reply(request);
    },
    listen(hear) {
      hearers.add(hear);
      return () => {
        hearers.delete(hear);
      };
    },
  };
}

function failure(code: Failure['code']): Failure {
  return { code, detail: 'fixture' };
}

function found<T>(value: T | undefined): T {
  if (value === undefined) throw failure('not-found');
  return value;
}
