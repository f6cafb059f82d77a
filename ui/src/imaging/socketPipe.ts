/**
 * Frames over a loopback WebSocket: one JSON text per wish, one binary message per part of a frame,
 * at most as many as there is credit for.
 */

import { readFrameHeader } from './bulkMessage';
import { type Outstanding } from './prefetch';
import { INITIAL_CREDIT, PROBE_MILLISECONDS, type After, type WirePipe, type WireSink } from './wirePipe';

/** The part of `WebSocket` that is used. */
export type Socket = {
  binaryType: BinaryType;
  onopen: (() => void) | null;
  onclose: (() => void) | null;
  onerror: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  send: (text: string) => void;
  close: () => void;
};

/**
 * Resolves once the other side has answered a ping in time; what is outstanding from a former
 * connection is asked for again. Rejects when there is no answer: the caller takes the other way.
 */
export function openSocketPipe(
  connect: () => Socket,
  after: After,
  sink: WireSink,
  outstanding: Outstanding,
): Promise<WirePipe> {
  return new Promise((resolve, reject) => {
    const socket = connect();
    socket.binaryType = 'arraybuffer';
    let answered = false;
    let over = false;

    const end = () => {
      if (over) return;
      over = true;
      stopProbe();
      socket.close();
      if (answered) sink.lost();
      else reject(new Error('the bulk socket does not answer'));
    };
    const stopProbe = after(PROBE_MILLISECONDS, end);
    const send = (message: object) => {
      if (!over) socket.send(JSON.stringify(message));
    };

    socket.onopen = () => {
      send({ type: 'ping' });
    };
    socket.onclose = end;
    socket.onerror = end;
    socket.onmessage = ({ data }) => {
      if (over) return;
      if (data instanceof ArrayBuffer) {
        const header = readFrameHeader(data);
        if (header?.lastPart === true && !header.preview) outstanding.done(header.series, header.frame);
        sink.frame(data);
        return;
      }
      const message = readText(data);
      if (message?.type === 'failed') {
        outstanding.done(message.series, message.frame);
        sink.failed({ series: message.series, frame: message.frame, code: message.code });
      } else if (message?.type === 'pong' && !answered) {
        answered = true;
        stopProbe();
        send({ type: 'credit', n: INITIAL_CREDIT });
        for (const wanted of outstanding.asWants()) send({ type: 'want', ...wanted });
        resolve(pipe);
      }
    };

    const pipe: WirePipe = {
      want(wanted) {
        outstanding.want(wanted);
        send({ type: 'want', ...wanted });
      },
      drop(series) {
        outstanding.drop(series);
        send({ type: 'drop', series });
      },
      consumed(messages) {
        send({ type: 'credit', n: messages });
      },
      close() {
        over = true;
        stopProbe();
        socket.close();
      },
    };
  });
}

type ServerText = { type: 'pong' } | { type: 'failed'; series: number; frame: number; code: string };

function readText(data: unknown): ServerText | undefined {
  if (typeof data !== 'string') return undefined;
  let message: unknown;
  try {
    message = JSON.parse(data);
  } catch {
    return undefined;
  }
  if (typeof message !== 'object' || message === null || !('type' in message)) return undefined;
  if (message.type === 'pong') return { type: 'pong' };
  if (message.type !== 'failed' || !('series' in message) || !('frame' in message) || !('code' in message)) {
    return undefined;
  }
  return {
    type: 'failed',
    series: Number(message.series),
    frame: Number(message.frame),
    code: String(message.code),
  };
}
