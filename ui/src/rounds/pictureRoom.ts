/**
 * What the worker does with pictures: one connection for all tracks, one decoder a track, and the places where each is
 * shown. Connection, decoder and timers are arguments, so that tests own them.
 */
import type { PictureAsked } from '../host/contract';
import type { Fit } from '../host/pictures';
import type { Socket } from '../imaging/socketPipe';
import type { After } from '../imaging/wirePipe';
import { type Picture, readPicture } from './pictureMessage';

/** Something that can be drawn, until it is closed. */
export interface Drawn {
  image: CanvasImageSource;
  width: number;
  height: number;
  close: () => void;
}

/** A canvas that pictures are drawn on. */
export interface Surface {
  resize: (width: number, height: number) => void;
  draw: (drawn: Omit<Drawn, 'close'>, fit: Fit) => void;
  /** What was drawn last, for the next place of the same track. */
  kept: () => Omit<Drawn, 'close'> | null;
}

export interface Decoding {
  /** Throws when the picture is refused. */
  decode: (picture: Picture) => void;
  /** Pictures that it has not decoded yet. */
  waiting: () => number;
  close: () => void;
}

/** Starts a decoder for one track. */
export type StartDecoding = (hear: { output: (drawn: Drawn) => void; failed: () => void }) => Decoding;

export interface RoomParts {
  connect: (address: string) => Socket;
  after: After;
  /** Absent where the web view has no decoder for VP8. */
  startDecoding: StartDecoding | undefined;
  /** Decoded pixels as something that can be drawn. */
  pixels: (picture: Picture) => Drawn;
  /** The door is shut, or was never open: a new one is needed. */
  needDoor: () => void;
  opened: () => void;
}

/** Pictures that wait in a decoder; more means that it does not keep up. */
export const MOST_WAITING = 3;
/** So long may a decoder be silent about what it was given. */
export const SILENT_MILLISECONDS = 2000;
const KEY_MILLISECONDS = 500;
const VIEW_MILLISECONDS = 100;
/** Credit is given back by so many pictures; 32 may come at the beginning. */
export const CREDIT_STEP = 8;

export class PictureRoom {
  readonly #parts: RoomParts;
  readonly #tracks = new Map<number, Track>();
  readonly #placed = new Map<number, Track>();
  #socket: Socket | undefined;
  #open = false;
  #taken = 0;

  constructor(parts: RoomParts) {
    this.#parts = parts;
  }

  enter(address: string): void {
    const socket = this.#parts.connect(address);
    this.#socket = socket;
    this.#open = false;
    this.#taken = 0;
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => {
      if (this.#socket !== socket) return;
      this.#open = true;
      this.#parts.opened();
      for (const track of this.#tracks.values()) track.connected();
    };
    socket.onmessage = ({ data }) => {
      if (this.#socket === socket && data instanceof ArrayBuffer) this.#take(data);
    };
    const gone = () => {
      if (this.#socket !== socket) return;
      this.#socket = undefined;
      this.#open = false;
      this.#parts.needDoor();
    };
    socket.onclose = gone;
    socket.onerror = gone;
  }

  show(place: number, number: number, surface: Surface, fit: Fit): void {
    const track = this.#tracks.get(number) ?? new Track(number, this.#parts, (asked) => this.#say(asked));
    this.#tracks.set(number, track);
    this.#placed.set(place, track);
    track.show(place, surface, fit);
  }

  view(place: number, width: number, height: number, visible: boolean): void {
    this.#placed.get(place)?.view(place, width, height, visible);
  }

  hide(place: number): void {
    this.#placed.get(place)?.hide(place);
    this.#placed.delete(place);
  }

  close(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
    for (const track of this.#tracks.values()) track.close();
  }

  #say(asked: PictureAsked): void {
    if (this.#open) this.#socket?.send(JSON.stringify(asked));
  }

  #take(message: ArrayBuffer): void {
    const picture = readPicture(message);
    if (picture) this.#tracks.get(picture.track)?.take(picture);
    this.#taken += 1;
    if (this.#taken < CREDIT_STEP) return;
    this.#say({ type: 'credit', pictures: this.#taken });
    this.#taken = 0;
  }
}

interface Place {
  surface: Surface;
  fit: Fit;
  width: number;
  height: number;
  visible: boolean;
}

/** One track: its decoder, and where it is shown. */
class Track {
  readonly #number: number;
  readonly #parts: RoomParts;
  readonly #say: (asked: PictureAsked) => void;
  readonly #places = new Map<number, Place>();
  #decoding: Decoding | undefined;
  /** Decoded pixels come in place of encoded pictures. */
  #pixels: boolean;
  #waitsForKey = true;
  #askedForKey = false;
  #stopWatch: (() => void) | undefined;
  #stopView: (() => void) | undefined;
  /** What was said of it last on this connection. */
  #said = '';
  /** The last place that is gone: what it shows is there until the next picture comes. */
  #kept: Surface | undefined;

  constructor(number: number, parts: RoomParts, say: (asked: PictureAsked) => void) {
    this.#number = number;
    this.#parts = parts;
    this.#say = say;
    this.#pixels = parts.startDecoding === undefined;
  }

  /** What a new connection has to know. */
  connected(): void {
    this.#said = '';
    this.#waitsForKey = true;
    this.#tellView();
  }

  show(place: number, surface: Surface, fit: Fit): void {
    this.#places.set(place, { surface, fit, width: 0, height: 0, visible: false });
  }

  view(place: number, width: number, height: number, visible: boolean): void {
    const placed = this.#places.get(place);
    if (!placed) return;
    if (visible && width > 0 && height > 0 && (placed.width !== width || placed.height !== height)) {
      const before = placed.width > 0 ? placed.surface.kept() : (this.#kept?.kept() ?? null);
      placed.surface.resize(width, height);
      if (before) placed.surface.draw(before, placed.fit);
    }
    Object.assign(placed, { width, height, visible });
    this.#stopView ??= this.#parts.after(VIEW_MILLISECONDS, () => {
      this.#stopView = undefined;
      this.#tellView();
    });
  }

  hide(place: number): void {
    const placed = this.#places.get(place);
    if (!placed) return;
    this.#places.delete(place);
    if (placed.width > 0) this.#kept = placed.surface;
    if (this.#places.size > 0) return;
    this.#stopView?.();
    this.#stopView = undefined;
    this.#tellView();
    this.#stopDecoding();
  }

  take(picture: Picture): void {
    if (this.#places.size === 0) return;
    if (picture.kind === 'i420') {
      this.#draw(this.#parts.pixels(picture));
      return;
    }
    if (this.#pixels) return;
    if (picture.gap) this.#waitsForKey = true;
    if (this.#waitsForKey && !picture.key) {
      this.#askForKey();
      return;
    }
    if (this.#decoding !== undefined && this.#decoding.waiting() >= MOST_WAITING) {
      // A decoder that does not keep up would show an ever older past.
      this.#waitsForKey = true;
      this.#askForKey();
      return;
    }
    this.#waitsForKey = false;
    this.#decode(picture);
  }

  close(): void {
    this.#stopView?.();
    this.#stopDecoding();
    this.#places.clear();
  }

  #decode(picture: Picture): void {
    const start = this.#parts.startDecoding;
    if (start === undefined) return;
    try {
      this.#decoding ??= start({
        output: (drawn) => {
          this.#stopWatch?.();
          this.#stopWatch = undefined;
          this.#draw(drawn);
        },
        failed: () => this.#cannot(),
      });
      this.#decoding.decode(picture);
      this.#stopWatch ??= this.#parts.after(SILENT_MILLISECONDS, () => this.#cannot());
    } catch {
      // A decoder that refuses is one that cannot: the program decodes.
      this.#cannot();
    }
  }

  #draw(drawn: Drawn): void {
    for (const { surface, fit, visible } of this.#places.values()) if (visible) surface.draw(drawn, fit);
    drawn.close();
    this.#kept = undefined;
  }

  #cannot(): void {
    if (this.#pixels) return;
    this.#pixels = true;
    this.#stopDecoding();
    this.#say({ type: 'cannot', track: this.#number });
  }

  #stopDecoding(): void {
    this.#stopWatch?.();
    this.#stopWatch = undefined;
    this.#decoding?.close();
    this.#decoding = undefined;
    this.#waitsForKey = true;
  }

  #askForKey(): void {
    if (this.#askedForKey) return;
    this.#askedForKey = true;
    this.#say({ type: 'key', track: this.#number });
    this.#parts.after(KEY_MILLISECONDS, () => {
      this.#askedForKey = false;
    });
  }

  /** The largest place that can be seen counts. */
  #tellView(): void {
    const seen = [...this.#places.values()].filter((one) => one.visible && one.width > 0 && one.height > 0);
    const largest = seen.toSorted((a, b) => b.width * b.height - a.width * a.height)[0];
    if (largest === undefined && this.#said === '') return;
    const asked: PictureAsked = { type: 'view', track: this.#number, width: largest?.width ?? 0, height: largest?.height ?? 0, visible: largest !== undefined };
    const words = JSON.stringify(asked);
    if (words === this.#said) return;
    const first = this.#said === '';
    this.#said = words;
    this.#say(asked);
    if (first && this.#pixels) this.#say({ type: 'cannot', track: this.#number });
  }
}
