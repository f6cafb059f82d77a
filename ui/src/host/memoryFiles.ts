/** Files of the host in memory: doors that take and give bytes as the program's do, as far and as well as a fixture says. */
import type { Failure, FileSaid, MessageBodyView, OutgoingStateView, OutgoingView, Reply, Request } from './contract';
import type { DoorHearer, Looked, OpenDoor } from './fileDoor';

export interface FilesFixture {
  /** This part of a file that is sent is taken, then nothing moves; all of it without. */
  upTo?: number;
  /** Milliseconds from one piece to the next. */
  stride?: number;
  /** How sending ends instead. */
  sendFails?: Failure;
  /** Begins a file no further than here. */
  beginFails?: (size: number) => Failure | null;
  /** What is found among images; without it they are looked at for ever. */
  looked?: Looked;
  /** What a message's file holds, or why it does not come; under its id and "small", of its small picture. */
  content?: Record<string, { bytes: Uint8Array<ArrayBuffer>; size?: number } | Failure>;
}

type FileBody = Extract<MessageBodyView, { type: 'file' }>;

interface Parts {
  outgoing: (conversation: string, how: (before: OutgoingView[]) => OutgoingView[]) => void;
  sent: (conversation: string, body: FileBody) => void;
}

interface Going {
  conversation: string;
  name: string;
  size: number;
  mimetype: string | null;
  done: number;
}

const piece = 256 * 1024;

export function memoryFiles(fixture: FilesFixture, parts: Parts) {
  const going = new Map<string, Going>();
  let count = 0;
  const upload = (id: string): Reply => ({ type: 'file-door', value: { attachment: id, socket: `memory:send/${id}` } });
  const stands = (id: string, state: OutgoingStateView) => {
    const one = going.get(id);
    if (one) parts.outgoing(one.conversation, (before) => before.map((view) => (view.id === id ? { ...view, state } : view)));
  };
  const leave = (id: string) => {
    const one = going.get(id);
    going.delete(id);
    if (one) parts.outgoing(one.conversation, (before) => before.filter((view) => view.id !== id));
  };

  const taking = (id: string, hear: DoorHearer) => {
    const file = going.get(id);
    const say = (word: FileSaid) => void setTimeout(() => hear.said(word), 0);
    let open = true;
    const next = () => {
      if (!file || !open) return;
      if (fixture.sendFails) {
        stands(id, { state: 'failed', failure: fixture.sendFails });
        say({ type: 'failed', failure: fixture.sendFails });
        open = false;
      } else if (file.done >= file.size) {
        open = false;
        leave(id);
        parts.sent(file.conversation, { type: 'file', name: file.name, mimetype: file.mimetype, size: file.size, study: null, picture: null, caption: [] });
        say({ type: 'done', size: file.size });
      } else if (file.done < file.size * (fixture.upTo ?? 1)) {
        setTimeout(() => open && hear.said({ type: 'read', offset: file.done, length: Math.min(piece, file.size - file.done) }), fixture.stride ?? 0);
      }
    };
    setTimeout(() => {
      stands(id, { state: 'sending', sent: file?.done ?? 0 });
      next();
    }, 0);
    return {
      say(word: unknown) {
        if (!file || !open) return;
        if (!(word instanceof ArrayBuffer)) {
          open = false;
          const failure: Failure = { code: 'file-unreadable', detail: 'fixture' };
          stands(id, { state: 'failed', failure });
          say({ type: 'failed', failure });
          return;
        }
        file.done += word.byteLength - 8;
        stands(id, { state: 'sending', sent: file.done });
        next();
      },
      close() {
        if (!open) return;
        open = false;
        stands(id, { state: 'waiting' });
      },
    };
  };

  const giving = (message: string, hear: DoorHearer) => {
    const content = fixture.content?.[message] ?? ({ code: 'not-found', detail: 'fixture' } satisfies Failure);
    let [open, at] = [true, 0];
    const failed = 'code' in content;
    setTimeout(() => {
      if (!open) return;
      hear.opened();
      hear.said({ type: 'file', name: message, mimetype: null, size: failed ? null : (content.size ?? content.bytes.length) });
    }, 0);
    return {
      say(word: unknown) {
        if (!open || typeof word !== 'object' || word === null || !('bytes' in word) || typeof word.bytes !== 'number') return;
        const credit = word.bytes;
        setTimeout(() => {
          if (!open) return;
          if (failed) return hear.said({ type: 'failed', failure: content });
          const end = Math.min(content.bytes.length, at + credit);
          while (at < end) {
            const next = Math.min(end, at + piece);
            hear.piece(content.bytes.slice(at, next).buffer);
            at = next;
          }
          // A file that says it is longer has not come to its end.
          if (at === content.bytes.length && at === (content.size ?? at)) hear.said({ type: 'done', size: at });
        }, 0);
      },
      close() {
        open = false;
      },
    };
  };

  const looking = (hear: DoorHearer) => {
    const { looked } = fixture;
    if (looked) setTimeout(() => hear.said({ type: 'studies', ...looked }), 0);
    return { say: () => undefined, close: () => undefined };
  };

  const door: OpenDoor = (address, hear) => {
    const [, way, id = ''] = /^memory:(send|open|look)\/(.+)$/u.exec(address) ?? [];
    return way === 'send' ? taking(id, hear) : way === 'look' ? looking(hear) : giving(id, hear);
  };

  return {
    door,
    begin(request: Extract<Request, { type: 'begin-attachment' }>): Reply {
      const { conversation, name, size, mimetype } = request;
      const failure = fixture.beginFails?.(size) ?? null;
      if (failure) throw failure;
      count += 1;
      const id = `file-${count}`;
      going.set(id, { conversation, name, size, mimetype, done: 0 });
      parts.outgoing(conversation, (before) => [...before, { id, name, size, study: null, held: false, anew: false, state: { state: 'waiting' } }]);
      return upload(id);
    },
    takeUp(request: Extract<Request, { type: 'take-up-attachment' }>): Reply {
      const { conversation, attachment: id, size, mimetype } = request;
      parts.outgoing(conversation, (before) =>
        before.map((view) => {
          if (view.id !== id) return view;
          const anew = view.size !== size;
          const done = !anew && view.state.state === 'interrupted' ? view.state.sent : 0;
          going.set(id, { conversation, name: view.name, size, mimetype, done });
          return { ...view, size, anew, state: { state: 'waiting' } };
        }),
      );
      return upload(id);
    },
    look: (): Reply => ({ type: 'file-door', value: { attachment: null, socket: 'memory:look/images' } }),
    resume: (id: string): Reply => upload(id),
    cancel: leave,
    openSmall: (message: string): Reply => ({ type: 'file-door', value: { attachment: null, socket: `memory:open/${message} small` } }),
    open: (message: string): Reply => ({ type: 'file-door', value: { attachment: null, socket: `memory:open/${message}` } }),
  };
}
