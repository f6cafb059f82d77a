/**
 * Files of conversations as far as they are in the page: those that wait to be sent, those that are being sent, and
 * those that came. What happens to a file goes on while another conversation is shown; nothing of it stays when the
 * desk is locked. How far a file that is being sent is, the program says: here is what only the page knows of it.
 */
import type { ConversationView, Failure, FileDoorView, OutgoingView, RecognizedStudyView, Request } from './contract';
import { giveFile, lookThrough, type OpenDoor, type Passage, saveFile, takeFile } from './fileDoor';
import { claimedKind, type Danger, dangerOf, type FileKind, headBytes, judged, type ShownAs } from './fileKinds';
import { asFailure } from './host';
import { Pace } from './pace';
import { filesIn, imagesAmong, mayHoldImage } from './studyFiles';

/** A file that was chosen and not sent. */
export interface Attached {
  id: number;
  file: File;
  name: string;
  kind: FileKind;
  danger: Danger | null;
  /** Its content is not what its name says. */
  mismatch: boolean;
  /** In pixels. */
  picture: { width: number; height: number } | null;
  /** Images of a study; `looking` until it is known which. */
  study: 'looking' | RecognizedStudyView | null;
  /** Why it was not taken. */
  failure: Failure | null;
}

/** Why something that was dropped or pasted is not attached. */
export type Refusal = { why: 'folder' | 'empty'; name: string } | { why: 'too-many'; most: number } | { why: 'plain' } | { why: 'no-images'; count: number };

/** What the page knows about a file that is being sent. */
export interface Upload {
  /** Held by the person; to the program it waits. */
  paused: boolean;
  /** The door did not open, or another fault that the program does not know of. */
  failure: Failure | null;
  sent: number;
  pace: Pace;
  since: number;
}

/** A file that came, or is to come. */
export type Received =
  | { state: 'waiting' }
  | { state: 'loading'; moved: number; total: number | null; since: number; pace: Pace }
  | { state: 'failed'; failure: Failure }
  /** It is being saved, and only its content says that it can do harm: {@link Transfers.keep} saves it, {@link Transfers.stop} does not. */
  | { state: 'asking'; danger: Danger }
  | { state: 'here'; blob: Blob; shown: ShownAs | null; mismatch: boolean; danger: Danger | null };

/** What others may want to say aloud. */
export type Told = { conversation: string } & ({ what: 'attached'; count: number } | { what: 'sent' | 'not-sent' | 'loaded' | 'not-loaded' | 'saved'; name: string });

export interface TransferParts {
  ask: (request: Request) => Promise<FileDoorView>;
  call: (request: Request) => Promise<unknown>;
  open: OpenDoor;
  /** The program saves files itself. */
  saves: boolean;
  /** Milliseconds. */
  now: () => number;
}

interface Own extends Upload {
  conversation: string;
  name: string;
  file: File;
  giving: Passage<null> | null;
}

interface Lane {
  passage: Passage<Blob> | Passage<{ name: string }> | null;
  /** Answers whether a file that is asked about may be saved. */
  answer: ((may: boolean) => void) | null;
}

interface Wanted {
  conversation: string;
  message: string;
  name: string;
  mimetype: string | null;
  /** Nobody asked for it, so nobody is told. */
  quiet: boolean;
  /** It is saved by the program and does not come here; `warned` where the person knows what it may do. */
  save?: { warned: boolean };
  /** Not the file but the small picture of it. */
  small?: true;
}

/** As many as the program has at a time. */
export const mostAttached = 16;
/** Files fetched at a time. */
const lanes = 2;
/** So much of what came stays in the page; what came first goes first. */
const keptBytes = 256_000_000;
/** Progress is told no more often than this. */
const tellMillis = 200;

const none: readonly Attached[] = [];
const noRefusals: readonly Refusal[] = [];

export class Transfers {
  readonly #parts: TransferParts;
  readonly #attached = new Map<string, readonly Attached[]>();
  readonly #refusals = new Map<string, readonly Refusal[]>();
  readonly #own = new Map<string, Own>();
  readonly #notTaken = new Map<string, Failure>();
  readonly #received = new Map<string, Received>();
  readonly #queue: Wanted[] = [];
  readonly #taking = new Map<string, Lane>();
  readonly #hearers = new Set<() => void>();
  readonly #told = new Set<(told: Told) => void>();
  #turn = 0;
  #toldAt = -Infinity;
  #count = 0;
  /** Rises when all is forgotten: what was begun before does not come back. */
  #age = 0;

  constructor(parts: TransferParts) {
    this.#parts = parts;
  }

  readonly subscribe = (hear: () => void): (() => void) => {
    this.#hearers.add(hear);
    return () => {
      this.#hearers.delete(hear);
    };
  };

  /** Another number after every change. */
  readonly turn = (): number => this.#turn;

  listen(hear: (told: Told) => void): () => void {
    this.#told.add(hear);
    return () => {
      this.#told.delete(hear);
    };
  }

  // What waits to be sent.

  attached(conversation: string): readonly Attached[] {
    return this.#attached.get(conversation) ?? none;
  }

  refusals(conversation: string): readonly Refusal[] {
    return this.#refusals.get(conversation) ?? noRefusals;
  }

  /** `largest` is what the server takes, where that is known. */
  attach(conversation: string, files: readonly File[], { folders = [], largest = null }: { folders?: readonly string[]; largest?: number | null } = {}): void {
    const [perhaps, others] = [files.filter((file) => mayHoldImage(file.name)), files.filter((file) => !mayHoldImage(file.name))];
    if (perhaps.length > 0) void this.#attachImages(conversation, perhaps, largest);
    this.#attachFiles(conversation, others, folders, largest);
  }

  #attachFiles(conversation: string, files: readonly File[], folders: readonly string[], largest: number | null): void {
    const refused: Refusal[] = folders.map((name) => ({ why: 'folder', name }));
    const kept = [...this.attached(conversation)];
    for (const file of files) {
      if (file.size === 0) {
        refused.push({ why: 'empty', name: file.name });
      } else if (kept.length >= mostAttached) {
        refused.push({ why: 'too-many', most: mostAttached });
        break;
      } else if (!kept.some((one) => one.name === file.name && one.file.size === file.size && one.file.lastModified === file.lastModified)) {
        this.#count += 1;
        const kind = claimedKind(file.name, file.type === '' ? null : file.type);
        kept.push({ id: this.#count, file, name: file.name, kind, danger: dangerOf(kind), mismatch: false, picture: null, study: null, failure: largest !== null && file.size > largest ? { code: 'file-too-large', detail: String(largest) } : null });
      }
    }
    const count = kept.length - this.attached(conversation).length;
    this.#attached.set(conversation, kept);
    this.#refusals.set(conversation, refused);
    this.#changed();
    if (count > 0) this.#tell({ what: 'attached', count, conversation });
    for (const one of kept.slice(kept.length - count)) void this.#look(conversation, one.id, one.file);
  }

  /** The studies in a folder; a folder without one is refused. */
  async attachFolder(conversation: string, folder: FileSystemDirectoryEntry, largest: number | null): Promise<void> {
    const age = this.#age;
    const files = await filesIn(folder).catch(() => null);
    const { images } = await imagesAmong(files ?? []);
    if (age !== this.#age) return;
    if (images.length > 0) return this.#attachStudies(conversation, images, largest);
    this.#refusals.set(conversation, [...this.refusals(conversation), { why: 'folder', name: folder.name }]);
    this.#changed();
  }

  /** Images become studies; what else may have held some is attached as it is. */
  async #attachImages(conversation: string, files: readonly File[], largest: number | null): Promise<void> {
    const age = this.#age;
    const { images, others } = await imagesAmong(files);
    if (age !== this.#age) return;
    if (others.length > 0) this.#attachFiles(conversation, others, [], largest);
    if (images.length > 0) await this.#attachStudies(conversation, images, largest);
  }

  /** One entry for each study, once the program has found out which there are. */
  async #attachStudies(conversation: string, images: readonly File[], largest: number | null): Promise<void> {
    const age = this.#age;
    this.#count += 1;
    const [id, all] = [this.#count, new File([...images], '')];
    const entry: Attached = { id, file: all, name: '', kind: 'images', danger: null, mismatch: false, picture: null, study: 'looking', failure: null };
    this.#attached.set(conversation, [...this.attached(conversation), entry]);
    this.#changed();
    try {
      const door = await this.#parts.ask({ type: 'look-at-files', conversation, sizes: images.map((image) => image.size) });
      const looked = await lookThrough(this.#parts.open, door.socket, all).done;
      const here = this.attached(conversation);
      if (age !== this.#age || looked === 'stopped' || !here.some((one) => one.id === id)) return;
      const found = looked.studies.map((study): Attached => {
        this.#count += 1;
        const own = study.files.flatMap((place) => images[place] ?? []);
        const failure: Failure | null = study.failure ?? (largest !== null && study.size > largest ? { code: 'file-too-large', detail: String(largest) } : null);
        return { ...entry, id: this.#count, file: new File(own, study.name), name: study.name, study, failure };
      });
      this.#attached.set(conversation, here.flatMap((one) => (one.id === id ? found : [one])));
      if (looked.leftOut > 0) this.#refusals.set(conversation, [...this.refusals(conversation), { why: 'no-images', count: looked.leftOut }]);
      this.#changed();
      if (found.length > 0) this.#tell({ what: 'attached', count: found.length, conversation });
    } catch (thrown) {
      if (age === this.#age) this.#change(conversation, id, { study: null, failure: asFailure(thrown) });
    }
  }

  detach(conversation: string, id: number): void {
    this.#attached.set(conversation, this.attached(conversation).filter((one) => one.id !== id));
    this.#changed();
  }

  refuse(conversation: string, refusal: Refusal): void {
    this.#refusals.set(conversation, [refusal]);
    this.#changed();
  }

  dismissRefusals(conversation: string): void {
    this.#refusals.delete(conversation);
    this.#changed();
  }

  /** Sends what is attached, one after the other; what is not taken stays attached with the reason. */
  async send(conversation: string): Promise<void> {
    const age = this.#age;
    for (const one of this.attached(conversation)) {
      const { file, name, picture, study } = one;
      // What it is is not known yet, or forbids it.
      if (study === 'looking' || (study !== null && study.failure !== null)) continue;
      this.#change(conversation, one.id, { failure: null });
      try {
        const door = await this.#parts.ask(
          study !== null
            ? { type: 'begin-study', conversation, study: study.id }
            : {
                type: 'begin-attachment',
                conversation,
                name,
                size: file.size,
                modified: file.lastModified,
                mimetype: file.type === '' ? null : file.type,
                width: picture?.width ?? null,
                height: picture?.height ?? null,
              },
        );
        if (age !== this.#age) return;
        this.detach(conversation, one.id);
        if (door.attachment !== null) this.#give(conversation, door.attachment, name, file, door.socket);
      } catch (thrown) {
        if (age !== this.#age) return;
        this.#change(conversation, one.id, { failure: asFailure(thrown) });
        this.#tell({ what: 'not-sent', name, conversation });
      }
    }
  }

  // What is being sent.

  /** Absent where the page does not have the file: it was begun by an earlier page. */
  upload(id: string): Upload | undefined {
    return this.#own.get(id);
  }

  pause(id: string): void {
    const own = this.#own.get(id);
    if (!own) return;
    own.paused = true;
    own.giving?.stop();
    own.giving = null;
    this.#changed();
  }

  async resume(conversation: string, id: string): Promise<void> {
    const own = this.#own.get(id);
    if (!own) return;
    const age = this.#age;
    try {
      const door = await this.#parts.ask({ type: 'resume-attachment', conversation, attachment: id });
      if (age === this.#age && this.#own.has(id)) this.#give(conversation, id, own.name, own.file, door.socket);
    } catch (thrown) {
      own.paused = false;
      own.failure = asFailure(thrown);
      this.#changed();
    }
  }

  /** A file that the person has chosen once more goes on, or begins anew if it is another one. */
  async takeUp(conversation: string, id: string, name: string, file: File): Promise<void> {
    const age = this.#age;
    try {
      const door = await this.#parts.ask({ type: 'take-up-attachment', conversation, attachment: id, name: file.name, size: file.size, modified: file.lastModified, mimetype: file.type === '' ? null : file.type });
      if (age === this.#age) this.#give(conversation, id, name, file, door.socket);
    } catch (thrown) {
      if (age !== this.#age) return;
      this.#notTaken.set(id, asFailure(thrown));
      this.#changed();
      this.#tell({ what: 'not-sent', name, conversation });
    }
  }

  /** Why a file that was chosen once more was not taken. */
  notTaken(id: string): Failure | undefined {
    return this.#notTaken.get(id);
  }

  /** A file whose bytes the program has goes on. */
  async resumeHeld(conversation: string, id: string): Promise<void> {
    try {
      await this.#parts.call({ type: 'resume-attachment', conversation, attachment: id });
    } catch {
      // The program says of the file itself what is the matter with it.
    }
  }

  async cancel(conversation: string, id: string): Promise<void> {
    const own = this.#own.get(id);
    own?.giving?.stop();
    try {
      await this.#parts.call({ type: 'cancel-attachment', conversation, attachment: id });
      this.#own.delete(id);
    } catch (thrown) {
      if (own) own.failure = asFailure(thrown);
    }
    this.#changed();
  }

  /** The program tells how far the files of a conversation are. */
  note(view: ConversationView): void {
    for (const one of view.outgoing) {
      const own = this.#own.get(one.id);
      if (!own || one.state.state !== 'sending') continue;
      own.sent = one.state.sent;
      own.pace.note(this.#parts.now(), one.state.sent);
    }
    this.#changed();
  }

  /** The network is back: what stopped for want of it goes on by itself. */
  backOnline(conversation: string, outgoing: readonly OutgoingView[]): void {
    for (const one of outgoing) {
      const own = this.#own.get(one.id);
      const failed = one.state.state === 'failed' && one.state.failure.code === 'platform-unreachable';
      if (one.held && one.size > 0 && failed) void this.resumeHeld(conversation, one.id);
      if (own && failed && !own.paused) void this.resume(own.conversation, one.id);
    }
  }

  // What came.

  received(conversation: string, message: string): Received | undefined {
    return this.#received.get(keyOf({ conversation, message }));
  }

  /** The small picture of a message. */
  thumbnail(conversation: string, message: string): Received | undefined {
    return this.#received.get(keyOf({ conversation, message, small: true }));
  }

  /** Fetches a file; two at a time, the others wait. */
  fetch(wanted: Wanted): void {
    const key = keyOf(wanted);
    const known = this.#received.get(key);
    if (known !== undefined && known.state !== 'failed') return;
    if (wanted.save !== undefined && this.#taking.has(key)) return;
    this.#received.set(key, { state: 'waiting' });
    this.#queue.push(wanted);
    this.#changed();
    this.#next();
  }

  /** Whether files are saved by the program. */
  get saves(): boolean {
    return this.#parts.saves;
  }

  /** A file that was asked about is saved all the same. */
  keep(conversation: string, message: string): void {
    this.#taking.get(keyOf({ conversation, message }))?.answer?.(true);
  }

  /** It is not wanted any more. */
  stop(conversation: string, message: string, small = false): void {
    const key = keyOf({ conversation, message, small });
    const at = this.#queue.findIndex((one) => keyOf(one) === key);
    if (at >= 0) this.#queue.splice(at, 1);
    this.#taking.get(key)?.passage?.stop();
    this.#taking.delete(key);
    if (this.#received.get(key)?.state !== 'here') this.#received.delete(key);
    this.#changed();
    this.#next();
  }

  /** Nothing stays in the page. */
  forget(): void {
    this.#age += 1;
    for (const own of this.#own.values()) own.giving?.stop();
    for (const lane of this.#taking.values()) lane.passage?.stop();
    this.#own.clear();
    this.#notTaken.clear();
    this.#taking.clear();
    this.#queue.length = 0;
    this.#attached.clear();
    this.#refusals.clear();
    this.#received.clear();
    this.#changed();
  }

  #give(conversation: string, id: string, name: string, file: File, socket: string): void {
    const former = this.#own.get(id);
    former?.giving?.stop();
    const own: Own = { conversation, name, file, paused: false, failure: null, sent: former?.sent ?? 0, pace: new Pace(), since: this.#parts.now(), giving: null };
    this.#own.set(id, own);
    this.#notTaken.delete(id);
    const giving = giveFile(this.#parts.open, socket, file);
    own.giving = giving;
    this.#changed();
    giving.done.then(
      (ended) => {
        if (ended === 'stopped' || this.#own.get(id) !== own) return;
        this.#own.delete(id);
        this.#changed();
        this.#tell({ what: 'sent', name, conversation });
      },
      (thrown: unknown) => {
        if (this.#own.get(id) !== own) return;
        own.failure = asFailure(thrown);
        own.giving = null;
        this.#changed();
        this.#tell({ what: 'not-sent', name, conversation });
      },
    );
  }

  #next(): void {
    while (this.#taking.size < lanes) {
      const wanted = this.#queue.shift();
      if (!wanted) return;
      const lane: Lane = { passage: null, answer: null };
      this.#taking.set(keyOf(wanted), lane);
      void (wanted.save === undefined ? this.#take(wanted, lane) : this.#save(wanted, wanted.save.warned, lane));
    }
  }

  async #take(wanted: Wanted, lane: Lane): Promise<void> {
    const { conversation, message, name, mimetype, quiet } = wanted;
    const [key, pace, since] = [keyOf(wanted), new Pace(), this.#parts.now()];
    const current = () => this.#taking.get(key) === lane;
    try {
      this.#received.set(key, { state: 'loading', moved: 0, total: null, since, pace });
      this.#changed();
      const door = await this.#parts.ask({ type: wanted.small === true ? 'open-thumbnail' : 'open-attachment', conversation, message });
      if (!current()) return;
      const taking = takeFile(this.#parts.open, door.socket, (moved, total) => {
        if (!current()) return;
        pace.note(this.#parts.now(), moved);
        this.#received.set(key, { state: 'loading', moved, total, since, pace });
        this.#changedSoon();
      });
      lane.passage = taking;
      const blob = await taking.done;
      if (blob === 'stopped' || !current()) return;
      const head = new Uint8Array(await blob.slice(0, headBytes).arrayBuffer());
      if (!current()) return;
      this.#received.set(key, { state: 'here', blob, ...judged(name, mimetype, head) });
      this.#makeRoom(key);
      if (!quiet) this.#tell({ what: 'loaded', name, conversation });
    } catch (thrown) {
      if (!current()) return;
      this.#received.set(key, { state: 'failed', failure: asFailure(thrown) });
      if (!quiet) this.#tell({ what: 'not-loaded', name, conversation });
    } finally {
      if (current()) {
        this.#taking.delete(key);
        this.#changed();
        this.#next();
      }
    }
  }

  /** Has the program save a file. */
  async #save(wanted: Wanted, warned: boolean, lane: Lane): Promise<void> {
    const { conversation, message, name, mimetype } = wanted;
    const [key, pace, since] = [keyOf(wanted), new Pace(), this.#parts.now()];
    const current = () => this.#taking.get(key) === lane;
    try {
      this.#received.set(key, { state: 'loading', moved: 0, total: null, since, pace });
      this.#changed();
      const door = await this.#parts.ask({ type: 'save-attachment', conversation, message });
      if (!current()) return;
      const came = (moved: number, total: number | null) => {
        if (!current()) return;
        pace.note(this.#parts.now(), moved);
        this.#received.set(key, { state: 'loading', moved, total, since, pace });
        this.#changedSoon();
      };
      const looked = async (head: Uint8Array): Promise<boolean> => {
        const { danger } = judged(name, mimetype, head);
        if (danger === null || warned) return true;
        this.#received.set(key, { state: 'asking', danger });
        this.#changed();
        return new Promise((resolve) => {
          lane.answer = resolve;
        });
      };
      const saving = saveFile(this.#parts.open, door.socket, came, looked);
      lane.passage = saving;
      const saved = await saving.done;
      if (!current()) return;
      this.#received.delete(key);
      if (saved !== 'stopped') this.#tell({ what: 'saved', name: saved.name, conversation });
    } catch (thrown) {
      if (!current()) return;
      this.#received.set(key, { state: 'failed', failure: asFailure(thrown) });
      this.#tell({ what: 'not-loaded', name, conversation });
    } finally {
      if (current()) {
        this.#taking.delete(key);
        this.#changed();
        this.#next();
      }
    }
  }

  #makeRoom(newest: string): void {
    const here = [...this.#received].flatMap(([key, one]) => (one.state === 'here' ? [[key, one.blob.size] as const] : []));
    let bytes = here.reduce((sum, [, size]) => sum + size, 0);
    for (const [key, size] of here) {
      if (bytes <= keptBytes) return;
      if (key === newest) continue;
      this.#received.delete(key);
      bytes -= size;
    }
  }

  /** What its first bytes say about a file that was chosen, and how large a picture is. */
  async #look(conversation: string, id: number, file: File): Promise<void> {
    try {
      const head = new Uint8Array(await file.slice(0, headBytes).arrayBuffer());
      const { shown, mismatch, danger } = judged(file.name, file.type === '' ? null : file.type, head);
      if (mismatch || danger !== null) this.#change(conversation, id, { mismatch, danger });
      if (shown?.kind !== 'image') return;
      const bitmap = await createImageBitmap(new Blob([file], { type: shown.type }));
      this.#change(conversation, id, { picture: { width: bitmap.width, height: bitmap.height } });
      bitmap.close();
    } catch {
      // What cannot be looked at goes as it is; reading it to its end tells whether it can be sent.
    }
  }

  #change(conversation: string, id: number, change: Partial<Attached>): void {
    this.#attached.set(conversation, this.attached(conversation).map((one) => (one.id === id ? { ...one, ...change } : one)));
    this.#changed();
  }

  #tell(told: Told): void {
    for (const hear of [...this.#told]) hear(told);
  }

  #changedSoon(): void {
    if (this.#parts.now() - this.#toldAt >= tellMillis) this.#changed();
  }

  #changed(): void {
    this.#turn += 1;
    this.#toldAt = this.#parts.now();
    for (const hear of [...this.#hearers]) hear();
  }
}

function keyOf({ conversation, message, small = false }: { conversation: string; message: string; small?: boolean }): string {
  return `${conversation} ${message}${small ? ' small' : ''}`;
}
