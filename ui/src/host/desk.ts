/**
 * The page's mirrors of the program's state. State lives in Rust: each store holds a whole view model, replaced
 * by an answer or an event, and nothing is computed into it here, save the list of conversations while chat begins anew.
 */
import { createContext, useContext, useEffect } from 'react';
import type {
  ArrivalView,
  CasesView,
  CaseView,
  ChatView,
  ConnectionView,
  ConversationView,
  DecisionView,
  Event,
  Failure,
  ImagesView,
  PreloadView,
  PresentedView,
  ReceivedStudyView,
  RoundsView,
  SessionView,
  SettingsView,
  StartView,
  TodayView,
} from './contract';
import { asFailure, ask, type Host } from './host';
import { MessageDrafts } from './messageDrafts';
import { createStore, type Store, useStore } from './store';
import { Transfers } from './transfers';

/** A view that is asked for: waiting, here, or failed. `since` is a time in milliseconds. */
export type Load<T> =
  | { state: 'waiting'; since: number }
  | { state: 'here'; value: T }
  | { state: 'failed'; failure: Failure };

export interface Desk {
  host: Host;
  version: string;
  session: Store<SessionView>;
  settings: Store<SettingsView>;
  connection: Store<ConnectionView>;
  today: Store<Load<TodayView>>;
  /** How far the images of the next board lie here; null while that is not known. */
  preload: Store<PreloadView | null>;
  cases: Store<Load<CasesView>>;
  /** The open case; its `patient` says whose. */
  caseView: Store<Load<CaseView>>;
  images: Store<Load<ImagesView>>;
  decision: Store<Load<DecisionView>>;
  chat: Store<Load<ChatView>>;
  /** The open conversation. */
  conversation: Store<Load<ConversationView>>;
  /** What has just arrived and is to be noticed. */
  arrived: Store<ArrivalView | null>;
  /** The conversation whose notice outside the window was clicked last. */
  wanted: Store<{ conversation: string } | null>;
  /** The study of a message that is being read; waiting while none is. */
  receivedStudy: Store<Load<ReceivedStudyView>>;
  /** Rounds that go on, and the one that this person is in. */
  rounds: Store<Load<RoundsView>>;
  /** What somebody shows in that round, as it is at the moment. */
  presented: Store<PresentedView | null>;
  /** What was typed into conversations and not sent. */
  drafts: MessageDrafts;
  /** Files of conversations that are in the page. */
  transfers: Transfers;
  openToday(): void;
  /** Says of a task that it is done, or takes that back; fails with the program's failure. */
  finishTask(task: string, done: boolean): Promise<void>;
  openPreload: () => void;
  /** Fetches the images of the next board, or stops that; fails with the program's failure. */
  startPreload: () => Promise<void>;
  stopPreload: () => Promise<void>;
  openCases(query: string): void;
  openCase(patient: string): void;
  openImages(patient: string): void;
  openDecision(patient: string): void;
  /** Takes an answer into the mirror, unless another patient's decision is open by then or a newer state is shown. */
  takeDecision(view: DecisionView): void;
  openChat: () => void;
  openConversation(id: string): void;
  /** Opens a conversation at a day of its past; fails with the program's failure, and leaves it as it is then. */
  openDay(id: string, day: string): Promise<void>;
  /** Where what was not read begins. */
  openUnread(id: string): Promise<void>;
  closeConversation(): void;
  openReceivedStudy(conversation: string, message: string): void;
  closeReceivedStudy(): void;
  openRounds: () => void;
  changeSettings(change: Partial<SettingsView>): void;
  /** Ends listening. */
  close(): void;
}

export function createDesk(host: Host, start: StartView): Desk {
  const waiting = <T>(): Load<T> => ({ state: 'waiting', since: performance.now() });
  const session = createStore(start.session);
  const settings = createStore(start.settings);
  const connection = createStore(start.connection);
  const today = createStore<Load<TodayView>>(waiting());
  const preload = createStore<PreloadView | null>(null);
  const cases = createStore<Load<CasesView>>(waiting());
  const caseView = createStore<Load<CaseView>>(waiting());
  const images = createStore<Load<ImagesView>>(waiting());
  const decision = createStore<Load<DecisionView>>(waiting());
  const chat = createStore<Load<ChatView>>(waiting());
  const conversation = createStore<Load<ConversationView>>(waiting());
  const arrived = createStore<ArrivalView | null>(null);
  const wanted = createStore<{ conversation: string } | null>(null);
  const receivedStudy = createStore<Load<ReceivedStudyView>>(waiting());
  const rounds = createStore<Load<RoundsView>>(waiting());
  const presented = createStore<PresentedView | null>(null);
  const drafts = new MessageDrafts({
    keep: (whose, typed) => host.call({ type: 'keep-message-draft', conversation: whose, ...typed }),
    after: (milliseconds, then) => {
      const timer = setTimeout(then, milliseconds);
      return () => clearTimeout(timer);
    },
  });
  const transfers = new Transfers({
    ask: (request) => ask(host, request, 'file-door'),
    call: (request) => host.call(request),
    open: (address, hear) => host.door(address, hear),
    saves: host.saves,
    now: () => performance.now(),
  });
  // The patient whose views are mirrored; answers and events about another one are dropped (risk: old data under
  // a new banner).
  let patient: string | null = null;
  // The conversation whose lines are mirrored; those of another one are dropped.
  let room: string | null = null;
  // Whose conversations the list has.
  let listed: string | null = null;
  // The message whose study is mirrored.
  let studyOf: string | null = null;
  // Events about rounds so far: an answer that was overtaken by one is older than it.
  let roundsHeard = 0;
  let casesAsked = 0;
  let casesQuery = '';

  const forget = () => {
    patient = null;
    today.set(waiting());
    preload.set(null);
    cases.set(waiting());
    caseView.set(waiting());
    images.set(waiting());
    decision.set(waiting());
    room = null;
    listed = null;
    chat.set(waiting());
    conversation.set(waiting());
    studyOf = null;
    receivedStudy.set(waiting());
    roundsHeard += 1;
    rounds.set(waiting());
    presented.set(null);
    drafts.forget();
    transfers.forget();
  };

  // An answer and an event may overtake each other: of one patient's views the newer stays.
  const take = <T extends { patient: string; serial: number }>(store: Store<Load<T>>, value: T) => {
    if (value.patient !== patient) return;
    const here = store.get();
    if (here.state !== 'here' || here.value.patient !== value.patient || value.serial >= here.value.serial) store.set({ state: 'here', value });
  };

  const takeStudy = (value: ReceivedStudyView) => {
    if (studyOf !== `${value.conversation} ${value.message}`) return;
    const here = receivedStudy.get();
    if (here.state !== 'here' || value.serial >= here.value.serial) receivedStudy.set({ state: 'here', value });
  };

  const begins = (load: Load<ChatView>) => load.state === 'here' && load.value.state.state === 'connecting';

  // While chat begins anew the program has no list. The last one stays, of the same person only.
  const withList = (value: ChatView, before: Load<ChatView>, same: boolean): ChatView => {
    if (!same || before.state !== 'here' || value.state.state !== 'connecting' || value.conversations.length > 0) return value;
    const { conversations, unread, quiet } = before.value;
    return { ...value, conversations, unread, quiet };
  };

  // What is shown belongs to one round, and its numbers count there.
  const takeRounds = (value: RoundsView) => {
    const here = rounds.get();
    if (here.state === 'here' && here.value.round?.conversation !== value.round?.conversation) presented.set(null);
    rounds.set({ state: 'here', value });
  };

  const takePresented = (value: PresentedView) => {
    const here = presented.get();
    if (here === null || value.serial > here.serial) presented.set(value);
  };

  const takePreload = (value: PreloadView) => {
    const here = preload.get();
    if (here === null || value.serial > here.serial) preload.set(value);
  };

  const showChat = (value: ChatView) => {
    const before = chat.get();
    const whose = whoseChat(session.get());
    chat.set({ state: 'here', value: withList(value, before, whose === listed) });
    listed = whose;
    const open = conversation.get();
    // What was asked too early is asked again.
    if (begins(before) && value.state.state !== 'connecting' && room !== null && open.state !== 'here') openConversation(room);
    const back = before.state === 'here' && before.value.state.state === 'offline' && value.state.state === 'ready';
    if (back && open.state === 'here') transfers.backOnline(open.value.id, open.value.outgoing);
  };

  const hear = (event: Event) => {
    switch (event.type) {
      case 'session-changed':
        // Nothing of a patient stays in the page while nobody is signed in or the desk is locked.
        if (event.value.state !== 'signed-in') forget();
        session.set(event.value);
        return;
      case 'settings-changed':
        settings.set(event.value);
        return;
      case 'connection-changed':
        connection.set(event.value);
        return;
      case 'today-changed':
        today.set({ state: 'here', value: event.value });
        return;
      case 'preload-changed':
        if (signedIn()) takePreload(event.value);
        return;
      case 'cases-changed':
        if (event.value.query === casesQuery) cases.set({ state: 'here', value: event.value });
        return;
      case 'case-changed':
        take(caseView, event.value);
        return;
      case 'images-changed':
        take(images, event.value);
        return;
      case 'decision-changed':
        take(decision, event.value);
        return;
      case 'chat-changed':
        if (signedIn()) showChat(event.value);
        return;
      case 'conversation-changed':
        if (event.value.id !== room) return;
        conversation.set({ state: 'here', value: event.value });
        transfers.note(event.value);
        return;
      case 'messages-arrived':
        arrived.set(event.value);
        return;
      case 'conversation-wanted':
        wanted.set(event.value);
        return;
      case 'received-study-changed':
        takeStudy(event.value);
        return;
      case 'rounds-changed':
        roundsHeard += 1;
        if (signedIn()) takeRounds(event.value);
        return;
      case 'presented':
        if (signedIn()) takePresented(event.value);
        return;
      default: {
        const unknown: never = event;
        return unknown;
      }
    }
  };

  const enter = (whose: string) => {
    if (patient === whose) return;
    patient = whose;
    caseView.set(waiting());
    images.set(waiting());
    decision.set(waiting());
  };

  const load = <T>(store: Store<Load<T>>, answer: Promise<T>, current: () => boolean, show = (value: T) => store.set({ state: 'here', value })) => {
    if (store.get().state === 'failed') store.set(waiting());
    answer.then(
      (value) => {
        if (current()) show(value);
      },
      (thrown: unknown) => {
        if (current() && store.get().state !== 'here') store.set({ state: 'failed', failure: asFailure(thrown) });
      },
    );
  };

  /** An event may overtake the answer that it corrects. */
  const younger = <T extends { asOf: string }>(store: Store<Load<T>>, same: (here: T) => boolean, answer: Promise<T>): Promise<T> =>
    answer.then((value) => {
      const here = store.get();
      return here.state === 'here' && same(here.value) && Date.parse(here.value.asOf) > Date.parse(value.asOf) ? here.value : value;
    });

  const signedIn = () => session.get().state === 'signed-in';

  const openConversation = (id: string) => {
    if (room !== id) {
      room = id;
      conversation.set(waiting());
    }
    // Chat that has not begun knows no conversation, which is no answer about this one.
    const answer = ask(host, { type: 'open-conversation', conversation: id }, 'conversation').catch((thrown: unknown) => (begins(chat.get()) ? new Promise<never>(() => undefined) : Promise.reject(asFailure(thrown))));
    load(conversation, younger(conversation, (here) => here.id === id, answer), () => room === id);
  };

  const stop = host.listen(hear);

  return {
    host,
    version: start.version,
    session,
    settings,
    connection,
    today,
    preload,
    cases,
    caseView,
    images,
    decision,
    chat,
    conversation,
    arrived,
    wanted,
    receivedStudy,
    rounds,
    presented,
    drafts,
    transfers,
    openToday: () => load(today, younger(today, () => true, ask(host, { type: 'open-today' }, 'today')), signedIn),
    finishTask: (task, done) =>
      younger(today, () => true, ask(host, { type: 'finish-task', task, done }, 'today')).then((value) => {
        if (signedIn()) today.set({ state: 'here', value });
      }),
    openPreload() {
      // Whoever asks too early asks again with the agenda.
      ask(host, { type: 'open-preload' }, 'preload').then(
        (value) => {
          if (!signedIn()) return;
          if (value === null) preload.set(null);
          else takePreload(value);
        },
        () => undefined,
      );
    },
    startPreload: () => host.call({ type: 'start-preload' }).then(() => undefined),
    stopPreload: () => host.call({ type: 'stop-preload' }).then(() => undefined),
    openCases(query) {
      casesAsked += 1;
      casesQuery = query;
      const asked = casesAsked;
      load(cases, younger(cases, (here) => here.query === query, ask(host, { type: 'open-cases', query }, 'cases')), () => signedIn() && asked === casesAsked);
    },
    openCase(whose) {
      enter(whose);
      load(caseView, ask(host, { type: 'open-case', patient: whose }, 'case'), () => patient === whose, (value) => take(caseView, value));
    },
    openImages(whose) {
      enter(whose);
      load(images, ask(host, { type: 'open-images', patient: whose }, 'images'), () => patient === whose, (value) => take(images, value));
    },
    openDecision(whose) {
      enter(whose);
      load(decision, ask(host, { type: 'open-decision', patient: whose }, 'decision'), () => patient === whose, (value) => take(decision, value));
    },
    takeDecision(view) {
      if (decision.get().state === 'here') take(decision, view);
    },
    openChat: () => load(chat, younger(chat, () => true, ask(host, { type: 'open-chat' }, 'chat')), signedIn, showChat),
    openConversation,
    async openDay(id, day) {
      const view = await ask(host, { type: 'open-day', conversation: id, day }, 'conversation');
      if (room === id) conversation.set({ state: 'here', value: view });
    },
    async openUnread(id) {
      const view = await ask(host, { type: 'open-unread', conversation: id }, 'conversation');
      if (room === id) conversation.set({ state: 'here', value: view });
    },
    closeConversation() {
      if (room === null) return;
      room = null;
      conversation.set(waiting());
      host.call({ type: 'close-conversation' }).catch(() => undefined);
    },
    openReceivedStudy(whose, message) {
      const wanted = `${whose} ${message}`;
      studyOf = wanted;
      receivedStudy.set(waiting());
      load(receivedStudy, ask(host, { type: 'open-received-study', conversation: whose, message }, 'received-study'), () => studyOf === wanted, takeStudy);
    },
    closeReceivedStudy() {
      if (studyOf === null) return;
      studyOf = null;
      receivedStudy.set(waiting());
      host.call({ type: 'close-received-study' }).catch(() => undefined);
    },
    openRounds() {
      const heard = roundsHeard;
      load(rounds, ask(host, { type: 'open-rounds' }, 'rounds'), () => signedIn() && heard === roundsHeard, takeRounds);
      // A page that begins in the middle of a round.
      ask(host, { type: 'round', round: { step: 'open-presented' } }, 'presented').then(
        (value) => {
          if (signedIn() && value !== null) takePresented(value);
        },
        () => undefined,
      );
    },
    changeSettings(change) {
      const before = settings.get();
      const next = { ...before, ...change };
      // Shown at once; the program's answer is the truth.
      settings.set(next);
      ask(host, { type: 'change-settings', settings: next }, 'settings').then(
        (value) => settings.set(value),
        () => settings.set(before),
      );
    },
    close: stop,
  };
}

/** Whose chat it is; another person at another platform has another. */
function whoseChat(session: SessionView): string | null {
  return session.state === 'signed-in' ? `${session.platform.host} ${session.person.name}` : null;
}

export const DeskContext = createContext<Desk | null>(null);

export function useDesk(): Desk {
  const desk = useContext(DeskContext);
  if (!desk) throw new Error('no desk around this component');
  return desk;
}

export function useSettings(): SettingsView {
  return useStore(useDesk().settings);
}

/** Whether IT has fixed a setting; policies name it in kebab-case. */
export function isFixed(settings: SettingsView, field: keyof SettingsView): boolean {
  return settings.fixed.includes(field.replaceAll(/[A-Z]/gu, (letter) => `-${letter.toLowerCase()}`));
}

/** Whether the platform has chat; also when that could not be read, since the screen then says why. */
export function isChatOffered(chat: Load<ChatView>): boolean {
  return chat.state === 'failed' || (chat.state === 'here' && chat.value.state.state !== 'absent');
}

/** Whether there is anything to do or to see about rounds. */
export function areRoundsOffered(rounds: Load<RoundsView>): boolean {
  return rounds.state === 'here' && (rounds.value.offered || rounds.value.round !== null || rounds.value.running.length > 0);
}

/** The signed-in or locked person, else null. */
export function usePerson() {
  const session = useStore(useDesk().session);
  return session.state === 'signed-in' || session.state === 'locked' ? session.person : null;
}

/** Keeps the idle clock of the program from running out while somebody works. */
export function useTouch(everyMillis: number): void {
  const desk = useDesk();
  useEffect(() => {
    let last = -Infinity;
    const touch = () => {
      const now = performance.now();
      const session = desk.session.get();
      if (session.state !== 'signed-in') return;
      // Once the person was warned of the lock, every input counts at once.
      if (now - last < (session.locksAt === null ? everyMillis : 500)) return;
      last = now;
      desk.host.call({ type: 'touch' }).catch(() => undefined);
    };
    const events = ['pointerdown', 'pointermove', 'keydown', 'wheel'] as const;
    for (const name of events) window.addEventListener(name, touch, { capture: true, passive: true });
    return () => {
      for (const name of events) window.removeEventListener(name, touch, { capture: true });
    };
  }, [desk, everyMillis]);
}
