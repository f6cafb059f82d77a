/**
 * The page's end of the door of files: a socket on the loopback address that opens once, by which the bytes of one
 * file cross. Who reads does not need to trust what comes before the last word.
 */
import type { Failure, FileHeard, FileSaid, RecognizedStudyView } from './contract';

/** What is heard at a door. */
export interface DoorHearer {
  opened: () => void;
  said: (word: FileSaid) => void;
  piece: (bytes: ArrayBuffer) => void;
  /** It is shut; nothing more is heard. */
  gone: () => void;
}

export interface Door {
  say: (word: FileHeard | ArrayBuffer) => void;
  close: () => void;
}

/** Opens the door at an address. */
export type OpenDoor = (address: string, hear: DoorHearer) => Door;

/** A file on its way through a door. It ends with its value, with `stopped`, or is rejected with a {@link Failure}. */
export interface Passage<T> {
  done: Promise<T | 'stopped'>;
  stop: () => void;
}

/** Before a piece stands where in the file it begins: 8 bytes, little endian. */
const headerBytes = 8;
/** So much may be on its way to the page. */
const ahead = 4 * 1024 * 1024;
/** Pieces are put together by so much: the web view keeps what is put together outside the script's memory. */
const heap = 16 * 1024 * 1024;

export const socketDoor: OpenDoor = (address, hear) => {
  const socket = new WebSocket(address);
  socket.binaryType = 'arraybuffer';
  socket.onopen = hear.opened;
  socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
    if (typeof data === 'string') hear.said(JSON.parse(data) as FileSaid);
    else hear.piece(data);
  };
  socket.onclose = hear.gone;
  return {
    say: (word) => socket.send(word instanceof ArrayBuffer ? word : JSON.stringify(word)),
    close() {
      socket.onmessage = null;
      socket.onclose = null;
      socket.close();
    },
  };
};

function deferred<T>() {
  let resolve: (value: T) => void = () => undefined;
  let reject: (failure: Failure) => void = () => undefined;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

/** A door that shut before the last word. */
const shut = (): Failure => ({ code: 'platform-unreachable', detail: 'door' });

/** Gives a file's bytes as they are asked for. */
export const giveFile = (open: OpenDoor, address: string, file: Blob): Passage<null> => give(open, address, file, (word) => (word.type === 'done' ? { value: null } : null));

/** What files are that were looked at. */
export interface Looked {
  studies: RecognizedStudyView[];
  leftOut: number;
}

/** Gives the bytes of files, put together, so that the program finds out what they are. */
export const lookThrough = (open: OpenDoor, address: string, files: Blob): Passage<Looked> =>
  give(open, address, files, (word) => (word.type === 'studies' ? { value: { studies: word.studies, leftOut: word.leftOut } } : null));

/** Gives bytes until a last word, of which `last` makes the value. */
function give<T>(open: OpenDoor, address: string, file: Blob, last: (word: FileSaid) => { value: T } | null): Passage<T> {
  const { promise: done, resolve, reject } = deferred<T | 'stopped'>();
  let shutHere = false;
  const ended = () => shutHere;
  const end = (how: () => void) => {
    if (shutHere) return;
    shutHere = true;
    door.close();
    how();
  };
  // In the order in which they were asked for.
  let turn = Promise.resolve();
  const answer = async (offset: number, length: number) => {
    if (ended()) return;
    const bytes = await file.slice(offset, offset + length).arrayBuffer().catch(() => null);
    if (ended()) return;
    if (bytes?.byteLength !== length) {
      // It was changed or removed since it was chosen.
      door.say({ type: 'unreadable' });
      return;
    }
    const message = new Uint8Array(headerBytes + length);
    new DataView(message.buffer).setBigUint64(0, BigInt(offset), true);
    message.set(new Uint8Array(bytes), headerBytes);
    door.say(message.buffer);
  };
  const door = open(address, {
    opened: () => undefined,
    said(word) {
      switch (word.type) {
        case 'read':
          turn = turn.then(() => answer(word.offset, word.length));
          return;
        case 'done':
        case 'studies': {
          const found = last(word);
          if (found !== null) end(() => resolve(found.value));
          return;
        }
        case 'failed':
          end(() => reject(word.failure));
          return;
        case 'file':
        case 'moved':
        case 'saved':
          return;
        default: {
          const unknown: never = word;
          return unknown;
        }
      }
    },
    piece: () => undefined,
    gone: () => end(() => reject(shut())),
  });
  return { done, stop: () => end(() => resolve('stopped')) };
}

/** Takes a file. Nothing of it is given out before the last word has said that it is what was sent. */
export function takeFile(open: OpenDoor, address: string, came: (bytes: number, total: number | null) => void): Passage<Blob> {
  const { promise: done, resolve, reject } = deferred<Blob | 'stopped'>();
  let ended = false;
  let loose: ArrayBuffer[] = [];
  let looseBytes = 0;
  let whole = new Blob([]);
  let taken = 0;
  let total: number | null = null;
  const end = (how: () => void) => {
    if (ended) return;
    ended = true;
    door.close();
    how();
    loose = [];
    whole = new Blob([]);
  };
  const gather = () => {
    whole = new Blob([whole, ...loose]);
    loose = [];
    looseBytes = 0;
  };
  const door = open(address, {
    opened: () => door.say({ type: 'credit', bytes: ahead }),
    said(word) {
      switch (word.type) {
        case 'file':
          total = word.size;
          came(0, total);
          return;
        case 'done':
          gather();
          if (whole.size === word.size) {
            const file = whole;
            end(() => resolve(file));
          } else {
            end(() => reject({ code: 'file-altered', detail: 'length' } satisfies Failure));
          }
          return;
        case 'failed':
          end(() => reject(word.failure));
          return;
        case 'read':
        case 'studies':
        case 'moved':
        case 'saved':
          return;
        default: {
          const unknown: never = word;
          return unknown;
        }
      }
    },
    piece(bytes) {
      if (ended) return;
      loose.push(bytes);
      looseBytes += bytes.byteLength;
      taken += bytes.byteLength;
      if (looseBytes >= heap) gather();
      came(taken, total);
      door.say({ type: 'credit', bytes: bytes.byteLength });
    },
    gone: () => end(() => reject(shut())),
  });
  return { done, stop: () => end(() => resolve('stopped')) };
}

/** Has the program save a file. `looked` gets its first bytes when all of it is there and says whether it may have its name; it ends with that name. */
export function saveFile(open: OpenDoor, address: string, came: (bytes: number, total: number | null) => void, looked: (head: Uint8Array) => Promise<boolean>): Passage<{ name: string }> {
  const { promise: done, resolve, reject } = deferred<{ name: string } | 'stopped'>();
  let ended = false;
  let total: number | null = null;
  const end = (how: () => void) => {
    if (ended) return;
    ended = true;
    door.close();
    how();
  };
  const door = open(address, {
    opened: () => undefined,
    said(word) {
      switch (word.type) {
        case 'file':
          total = word.size;
          came(0, total);
          return;
        case 'moved':
          came(word.bytes, total);
          return;
        case 'saved':
          end(() => resolve({ name: word.name }));
          return;
        case 'failed':
          end(() => reject(word.failure));
          return;
        case 'read':
        case 'studies':
        case 'done':
          return;
        default: {
          const unknown: never = word;
          return unknown;
        }
      }
    },
    piece(bytes) {
      void looked(new Uint8Array(bytes)).then((may) => {
        if (ended) return;
        if (may) door.say({ type: 'keep' });
        else end(() => resolve('stopped'));
      });
    },
    gone: () => end(() => reject(shut())),
  });
  return { done, stop: () => end(() => resolve('stopped')) };
}
