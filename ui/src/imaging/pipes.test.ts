/** Both ways of the bulk pipe behave the same; each is driven by hand, without a network or a clock. */

import { describe, expect, it } from 'vitest';
import { writeFrameMessage } from './bulkMessage';
import { PipeKeeper, type Openers } from './pipeKeeper';
import { Outstanding } from './prefetch';
import { MAX_IN_FLIGHT, openSchemePipe } from './schemePipe';
import { openSocketPipe, type Socket } from './socketPipe';
import { INITIAL_CREDIT, type FrameFailure, type WirePipe, type WireSink } from './wirePipe';

function frame(series: number, index: number, part: { firstRow?: number; rows?: number; last?: boolean } = {}) {
  const { firstRow = 0, rows = 2, last = true } = part;
  return writeFrameMessage(
    { format: 'u8', preview: false, lastPart: last, series, frame: index, columns: 2, rows, request: 0, firstRow },
    new Uint8Array(2 * rows),
  );
}

class Sink implements WireSink {
  frames: ArrayBuffer[] = [];
  failures: FrameFailure[] = [];
  losses = 0;
  frame = (message: ArrayBuffer) => {
    this.frames.push(message);
  };
  failed = (failure: FrameFailure) => {
    this.failures.push(failure);
  };
  lost = () => {
    this.losses += 1;
  };
}

/** Lets every promise that can go on go on. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

class FakeSocket implements Socket {
  binaryType: BinaryType = 'blob';
  onopen: (() => void) | null = null;
  onclose: (() => void) | null = null;
  onerror: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  sent: unknown[] = [];
  closed = false;
  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }
  close(): void {
    this.closed = true;
  }
  says(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

function opened() {
  const socket = new FakeSocket();
  const sink = new Sink();
  const outstanding = new Outstanding();
  const timers: (() => void)[] = [];
  let waits = 0;
  const pipe = openSocketPipe(
    () => socket,
    (milliseconds, then) => {
      waits = milliseconds;
      timers.push(then);
      return () => timers.splice(timers.indexOf(then), 1);
    },
    sink,
    outstanding,
  );
  return { socket, sink, outstanding, pipe, timers, waits: () => waits };
}

describe('the socket', () => {
  it('is used once it has answered a ping, and grants credit', async () => {
    const { socket, pipe, timers } = opened();
    socket.onopen?.();
    expect(socket.sent).toEqual([{ type: 'ping' }]);
    socket.says({ type: 'pong' });
    await pipe;
    expect(socket.binaryType).toBe('arraybuffer');
    expect(socket.sent.at(-1)).toEqual({ type: 'credit', n: INITIAL_CREDIT });
    expect(timers).toEqual([]);
  });

  it('that does not answer within half a second is given up', async () => {
    const { socket, pipe, timers, waits, sink } = opened();
    socket.onopen?.();
    expect(waits()).toBe(500);
    timers[0]?.();
    await expect(pipe).rejects.toThrow('does not answer');
    expect(socket.closed).toBe(true);
    expect(sink.losses, 'it was never there to be lost').toBe(0);
  });

  it('is told wishes and consumed messages in words', async () => {
    const { socket, pipe } = opened();
    socket.says({ type: 'pong' });
    const wire = await pipe;
    wire.want({ series: 7, first: 0, last: 134, near: 67 });
    wire.consumed(1);
    wire.drop(7);
    expect(socket.sent.slice(1)).toEqual([
      { type: 'want', series: 7, first: 0, last: 134, near: 67 },
      { type: 'credit', n: 1 },
      { type: 'drop', series: 7 },
    ]);
  });

  it('hands on frames and failures, and both are outstanding no more', async () => {
    const { socket, sink, pipe, outstanding } = opened();
    socket.says({ type: 'pong' });
    (await pipe).want({ series: 7, first: 0, last: 2, near: 0 });
    socket.onmessage?.({ data: frame(7, 0) });
    socket.says({ type: 'failed', series: 7, frame: 1, code: 'image-damaged' });
    expect(sink.frames).toHaveLength(1);
    expect(sink.failures).toEqual([{ series: 7, frame: 1, code: 'image-damaged' }]);
    expect(outstanding.asWants()).toEqual([{ series: 7, first: 2, last: 2, near: 0 }]);
  });

  it('tells its loss once', async () => {
    const { socket, sink, pipe } = opened();
    socket.says({ type: 'pong' });
    await pipe;
    socket.onerror?.();
    socket.onclose?.();
    expect(sink.losses).toBe(1);
  });

  it('passes over what is no word of ours', async () => {
    const { socket, sink, pipe } = opened();
    socket.says({ type: 'pong' });
    await pipe;
    socket.onmessage?.({ data: 'not json' });
    socket.says({ type: 'failed' });
    expect(sink.failures).toEqual([]);
  });
});

type Asked = {
  address: string;
  token: string | undefined;
  answer: (answer: Partial<Pick<Response, 'status' | 'ok'>> & { body?: ArrayBuffer; json?: unknown }) => Promise<void>;
  fail: () => Promise<void>;
};

function scheme() {
  const asked: Asked[] = [];
  const sink = new Sink();
  const outstanding = new Outstanding();
  const pipe = openSchemePipe(
    { scheme: 'bulk://localhost', token: 'secret' },
    (address) =>
      new Promise((resolve, reject) => {
        asked.push({
          address: address.replace(/&token=.*/, ''),
          token: new URL(address).searchParams.get('token') ?? undefined,
          answer: async ({ status = 200, ok = true, body, json }) => {
            resolve({
              status,
              ok,
              arrayBuffer: () => Promise.resolve(body ?? new ArrayBuffer(0)),
              json: () => Promise.resolve(json),
            });
            await settle();
          },
          fail: async () => {
            reject(new TypeError('Load failed'));
            await settle();
          },
        });
      }),
    sink,
    outstanding,
  );
  return { asked, sink, outstanding, pipe, at: (index: number) => asked[index] ?? missing(index) };
}

function missing(index: number): never {
  throw new Error(`request ${String(index)} was not made`);
}

describe('the scheme', () => {
  it('asks for the frame on screen first and for four at a time', () => {
    const { asked, pipe } = scheme();
    pipe.want({ series: 7, first: 0, last: 9, near: 5 });
    expect(asked.map(({ address }) => address)).toEqual(
      [5, 6, 4, 7].map((index) => `bulk://localhost/frame/7/${String(index)}?row=0`),
    );
    expect(asked).toHaveLength(MAX_IN_FLIGHT);
    expect(asked[0]?.token).toBe('secret');
  });

  it('asks for the next rows until the last part', async () => {
    const { asked, sink, pipe, at } = scheme();
    pipe.want({ series: 7, first: 0, last: 0, near: 0 });
    await at(0).answer({ body: frame(7, 0, { rows: 3, last: false }) });
    expect(asked[1]?.address).toBe('bulk://localhost/frame/7/0?row=3');
    await at(1).answer({ body: frame(7, 0, { firstRow: 3, rows: 1 }) });
    expect(sink.frames).toHaveLength(2);
    expect(asked).toHaveLength(2);
  });

  it('stops asking when the page does not take what came', async () => {
    const { asked, pipe, at } = scheme();
    pipe.want({ series: 7, first: 0, last: 99, near: 0 });
    for (let index = 0; index < INITIAL_CREDIT; index += 1) await at(index).answer({ body: frame(7, index) });
    expect(asked).toHaveLength(INITIAL_CREDIT);
    pipe.consumed(2);
    expect(asked).toHaveLength(INITIAL_CREDIT + 2);
  });

  it('tells which frame failed and why', async () => {
    const { sink, pipe, at } = scheme();
    pipe.want({ series: 7, first: 3, last: 3, near: 3 });
    await at(0).answer({ ok: false, status: 422, json: { series: 7, frame: 3, code: 'image-truncated' } });
    expect(sink.failures).toEqual([{ series: 7, frame: 3, code: 'image-truncated' }]);
  });

  it('is lost when its token is refused or nobody answers', async () => {
    for (const end of ['refuse', 'fail'] as const) {
      const { sink, outstanding, pipe, at } = scheme();
      pipe.want({ series: 7, first: 0, last: 1, near: 0 });
      await (end === 'refuse' ? at(0).answer({ ok: false, status: 403 }) : at(0).fail());
      expect(sink.losses, end).toBe(1);
      expect(outstanding.wants(7, 0), 'the next connection asks again').toBe(true);
    }
  });

  it('sends nothing more of a series that is dropped', async () => {
    const { asked, sink, pipe, at } = scheme();
    pipe.want({ series: 7, first: 0, last: 9, near: 0 });
    pipe.drop(7);
    await at(0).answer({ body: frame(7, 0) });
    expect(sink.frames).toEqual([]);
    expect(asked).toHaveLength(MAX_IN_FLIGHT);
  });
});

describe('the choice of the way', () => {
  const access = { socket: 'ws://127.0.0.1:1/bulk', scheme: 'bulk://localhost', token: 't' };
  const wire: WirePipe = { want: () => undefined, drop: () => undefined, consumed: () => undefined, close: () => undefined };

  function keeper(way: 'auto' | 'socket' | 'scheme', openers: Partial<Openers>) {
    const told: string[] = [];
    const made = new PipeKeeper(
      way,
      { socket: () => Promise.resolve(wire), scheme: () => wire, ...openers },
      {
        frame: () => undefined,
        failed: () => undefined,
        opened: (opened) => told.push(opened),
        needAccess: () => told.push('need-access'),
        gone: () => told.push('gone'),
      },
    );
    return { made, told };
  }

  const silent = { socket: () => Promise.reject(new Error('silent')) };

  it.each<['auto' | 'socket' | 'scheme', Partial<Openers>, string]>([
    ['auto', {}, 'socket'],
    ['auto', silent, 'scheme'],
    ['auto', { socket: () => undefined }, 'scheme'],
    ['scheme', {}, 'scheme'],
    ['socket', silent, 'gone'],
    ['auto', { ...silent, scheme: () => undefined }, 'gone'],
  ])('%s %j is %s', async (way, openers, expected) => {
    const { made, told } = keeper(way, openers);
    await made.access(access);
    expect(told).toEqual([expected]);
  });

  it('asks for a new access once after a loss, and gives up at the second without a frame', async () => {
    const sinks: WireSink[] = [];
    const { made, told } = keeper('auto', {
      socket: (_, sink) => {
        sinks.push(sink);
        return Promise.resolve(wire);
      },
    });
    await made.access(access);
    sinks[0]?.lost();
    await made.access(access);
    sinks[1]?.frame(new ArrayBuffer(0));
    sinks[1]?.lost();
    await made.access(access);
    sinks[2]?.lost();
    expect(told).toEqual(['socket', 'need-access', 'socket', 'need-access', 'socket', 'gone']);
  });

  it('keeps wishes that come while there is no way', async () => {
    let outstanding: Outstanding | undefined;
    const { made } = keeper('auto', {
      socket: (_, __, wishes) => {
        outstanding = wishes;
        return Promise.resolve(wire);
      },
    });
    made.want(7, 0, 3, 1);
    await made.access(access);
    expect(outstanding?.asWants()).toEqual([{ series: 7, first: 0, last: 3, near: 1 }]);
  });
});
