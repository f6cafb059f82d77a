/** The way of pictures, driven by hand: no network, no decoder, no clock. */
import { describe, expect, test } from 'vitest';
import type { PictureAsked } from '../host/contract';
import type { Socket } from '../imaging/socketPipe';
import { CREDIT_STEP, type Drawn, MOST_WAITING, PictureRoom, SILENT_MILLISECONDS, type Surface } from './pictureRoom';
import type { Picture } from './pictureMessage';

const keyBytes = [0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01, 0x00];

function picture({ track = 7, key = false, gap = false, kind = 1, time = 1 }: { track?: number; key?: boolean; gap?: boolean; kind?: 1 | 2; time?: number } = {}): ArrayBuffer {
  const payload = kind === 2 ? [16, 128, 128] : key ? keyBytes : [0x31, 0, 0];
  const bytes = new Uint8Array(32 + payload.length);
  const view = new DataView(bytes.buffer);
  bytes.set([1, kind, (key ? 1 : 0) | (gap ? 2 : 0), 1]);
  view.setUint32(4, track, true);
  view.setBigUint64(8, BigInt(time), true);
  view.setUint16(16, kind === 2 ? 1 : 640, true);
  view.setUint16(18, kind === 2 ? 1 : 360, true);
  bytes.set(payload, 32);
  return bytes.buffer;
}

class FakeSocket implements Socket {
  binaryType: BinaryType = 'blob';
  onopen: (() => void) | null = null;
  onclose: (() => void) | null = null;
  onerror: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  closed = false;
  readonly sent: PictureAsked[] = [];
  send(text: string) {
    this.sent.push(JSON.parse(text) as PictureAsked);
  }
  close() {
    this.closed = true;
  }
}

class FakeSurface implements Surface {
  sizes: [number, number][] = [];
  drawn: unknown[] = [];
  resize(width: number, height: number) {
    this.sizes.push([width, height]);
  }
  draw(one: Omit<Drawn, 'close'>) {
    this.drawn.push(one.image);
  }
  kept() {
    return this.drawn.length === 0 ? null : { image: 'kept' as unknown as CanvasImageSource, width: 1, height: 1 };
  }
}

function opened({ able = true }: { able?: boolean } = {}) {
  const sockets: FakeSocket[] = [];
  const timers = new Set<{ milliseconds: number; then: () => void }>();
  const decoders: { given: Picture[]; waiting: number; closed: boolean; output: (name: string) => void; fail: () => void }[] = [];
  let doors = 0;
  let held = 0;
  const image = (name: string) => name as unknown as CanvasImageSource;
  const room = new PictureRoom({
    connect() {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket;
    },
    after(milliseconds, then) {
      const timer = { milliseconds, then };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    startDecoding: able
      ? ({ output, failed }) => {
          const decoder = {
            given: [] as Picture[],
            waiting: 0,
            closed: false,
            output(name: string) {
              held += 1;
              output({ image: image(name), width: 640, height: 360, close: () => (held -= 1) });
            },
            fail: failed,
          };
          decoders.push(decoder);
          return { decode: (one) => decoder.given.push(one), waiting: () => decoder.waiting, close: () => (decoder.closed = true) };
        }
      : undefined,
    pixels: () => ({ image: image('pixels'), width: 1, height: 1, close: () => undefined }),
    needDoor: () => (doors += 1),
    opened: () => undefined,
  });
  /** Lets the timers of a length run out. */
  const pass = (milliseconds: number) => {
    for (const timer of [...timers].filter((one) => one.milliseconds === milliseconds)) {
      timers.delete(timer);
      timer.then();
    }
  };
  const enter = () => {
    room.enter('ws://door');
    const socket = sockets.at(-1)!;
    socket.onopen?.();
    return socket;
  };
  const shown = (place = 1, track = 7) => {
    const surface = new FakeSurface();
    room.show(place, track, surface, 'cover');
    room.view(place, 320, 200, true);
    pass(100);
    return surface;
  };
  return { room, enter, shown, pass, decoders, doors: () => doors, held: () => held };
}

const only = (socket: FakeSocket, type: PictureAsked['type']) => socket.sent.filter((one) => one.type === type);

describe('what is asked for', () => {
  test('is nothing before a picture is shown, then its size, once', () => {
    const { enter, shown, room, pass } = opened();
    const socket = enter();
    expect(socket.sent).toEqual([]);
    shown();
    room.view(1, 320, 200, true);
    pass(100);
    expect(socket.sent).toEqual([{ type: 'view', track: 7, width: 320, height: 200, visible: true }]);
  });

  test('is the largest of the places where it can be seen, and nothing once there is none', () => {
    const { enter, shown, room, pass } = opened();
    const socket = enter();
    shown(1);
    shown(2);
    room.view(2, 68, 44, true);
    pass(100);
    room.view(1, 320, 200, false);
    pass(100);
    room.hide(2);
    room.hide(1);
    expect(only(socket, 'view')).toEqual([
      { type: 'view', track: 7, width: 320, height: 200, visible: true },
      { type: 'view', track: 7, width: 68, height: 44, visible: true },
      { type: 'view', track: 7, width: 0, height: 0, visible: false },
    ]);
  });

  test('is told again to a door that was opened after another was shut', () => {
    const { enter, shown, doors } = opened();
    const first = enter();
    shown();
    first.onclose?.();
    first.onerror?.();
    expect(doors()).toBe(1);
    const second = enter();
    expect(second.sent).toEqual([{ type: 'view', track: 7, width: 320, height: 200, visible: true }]);
  });

  test('is credit for what was taken, a few at a time, also for what could not be read', () => {
    const { enter, shown } = opened();
    const socket = enter();
    shown();
    for (let at = 0; at < CREDIT_STEP - 1; at += 1) socket.onmessage?.({ data: picture({ key: true }) });
    expect(only(socket, 'credit')).toEqual([]);
    socket.onmessage?.({ data: new ArrayBuffer(3) });
    expect(only(socket, 'credit')).toEqual([{ type: 'credit', pictures: CREDIT_STEP }]);
  });
});

describe('a track', () => {
  test('is decoded from a picture that depends on no other, which is asked for', () => {
    const { enter, shown, decoders, pass } = opened();
    const socket = enter();
    shown();
    socket.onmessage?.({ data: picture() });
    socket.onmessage?.({ data: picture() });
    expect([decoders.length, only(socket, 'key')]).toEqual([0, [{ type: 'key', track: 7 }]]);
    pass(500);
    socket.onmessage?.({ data: picture() });
    expect(only(socket, 'key').length).toBe(2);
    socket.onmessage?.({ data: picture({ key: true, time: 2 }) });
    socket.onmessage?.({ data: picture({ time: 3 }) });
    expect(decoders[0]?.given.map(({ time, key }) => [time, key])).toEqual([
      [2, true],
      [3, false],
    ]);
  });

  test('waits for such a picture after a gap', () => {
    const { enter, shown, decoders } = opened();
    const socket = enter();
    shown();
    socket.onmessage?.({ data: picture({ key: true, time: 1 }) });
    socket.onmessage?.({ data: picture({ gap: true, time: 2 }) });
    socket.onmessage?.({ data: picture({ time: 3 }) });
    socket.onmessage?.({ data: picture({ key: true, gap: true, time: 4 }) });
    expect(decoders[0]?.given.map(({ time }) => time)).toEqual([1, 4]);
    expect(only(socket, 'key')).toEqual([{ type: 'key', track: 7 }]);
  });

  test('holds no more than a few pictures when its decoder does not keep up', () => {
    const { enter, shown, decoders } = opened();
    const socket = enter();
    shown();
    socket.onmessage?.({ data: picture({ key: true }) });
    decoders[0]!.waiting = MOST_WAITING;
    socket.onmessage?.({ data: picture() });
    expect([decoders[0]!.given.length, only(socket, 'key').length]).toEqual([1, 1]);
  });

  test('is drawn on each of its places, and what was drawn is given back', () => {
    const { enter, shown, decoders, held } = opened();
    const socket = enter();
    const [one, two] = [shown(1), shown(2)];
    socket.onmessage?.({ data: picture({ key: true }) });
    decoders[0]!.output('a');
    expect([one.drawn, two.drawn, held()]).toEqual([['a'], ['a'], 0]);
  });

  test('shows its last picture in the next place until another comes', () => {
    const { enter, shown, decoders, room } = opened();
    const socket = enter();
    shown(1);
    socket.onmessage?.({ data: picture({ key: true }) });
    decoders[0]!.output('a');
    room.hide(1);
    expect(shown(2).drawn).toEqual(['kept']);
  });

  test('that nobody shows is not decoded, and its decoder is closed', () => {
    const { enter, shown, decoders, room } = opened();
    const socket = enter();
    shown();
    socket.onmessage?.({ data: picture({ key: true }) });
    room.hide(1);
    socket.onmessage?.({ data: picture({ key: true }) });
    expect([decoders.length, decoders[0]?.closed]).toEqual([1, true]);
  });
});

describe('without a decoder that works', () => {
  test('pixels are asked for at once where the web view has none', () => {
    const { enter, shown } = opened({ able: false });
    const socket = enter();
    const surface = shown();
    expect(socket.sent.map(({ type }) => type)).toEqual(['view', 'cannot']);
    socket.onmessage?.({ data: picture({ kind: 2 }) });
    expect(surface.drawn).toEqual(['pixels']);
  });

  test.each([
    ['fails', ({ decoders }: ReturnType<typeof opened>) => decoders[0]!.fail()],
    ['is silent for two seconds', ({ pass }: ReturnType<typeof opened>) => pass(SILENT_MILLISECONDS)],
  ])('pixels are asked for once it %s, and again at the next door', (_, ends) => {
    const all = opened();
    const socket = all.enter();
    all.shown();
    socket.onmessage?.({ data: picture({ key: true }) });
    ends(all);
    expect(only(socket, 'cannot')).toEqual([{ type: 'cannot', track: 7 }]);
    socket.onmessage?.({ data: picture({ key: true }) });
    expect(all.decoders.length).toBe(1);
    socket.onclose?.();
    expect(all.enter().sent.map(({ type }) => type)).toEqual(['view', 'cannot']);
  });

  test('a decoder that gives pictures is not taken for a silent one', () => {
    const { enter, shown, decoders, pass } = opened();
    const socket = enter();
    shown();
    socket.onmessage?.({ data: picture({ key: true }) });
    decoders[0]!.output('a');
    pass(SILENT_MILLISECONDS);
    expect(only(socket, 'cannot')).toEqual([]);
  });
});
