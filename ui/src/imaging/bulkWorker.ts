/** The worker that holds the bulk pipe: bytes arrive here and are handed on without a copy. */

import type { BulkAccessView } from '../host/contract';
import type { BulkWay } from '../host/contract';
import { PipeKeeper, type Way } from './pipeKeeper';
import { openSchemePipe } from './schemePipe';
import { openSocketPipe, type Socket } from './socketPipe';
import type { After, FrameFailure } from './wirePipe';

export type ToWorker =
  | { type: 'start'; way: BulkWay; access: BulkAccessView }
  | { type: 'access'; access: BulkAccessView }
  | { type: 'want'; series: number; first: number; last: number; near: number }
  | { type: 'drop'; series: number }
  | { type: 'consumed'; messages: number }
  | { type: 'close' };

export type FromWorker =
  | { type: 'opened'; way: Way }
  | { type: 'frame'; message: ArrayBuffer }
  | ({ type: 'failed' } & FrameFailure)
  | { type: 'need-access' }
  | { type: 'gone' };

/** The part of a dedicated worker's global scope that is used. */
type Scope = {
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
  postMessage: (message: FromWorker, transfer?: Transferable[]) => void;
  close: () => void;
};

const scope = globalThis as unknown as Scope;

const after: After = (milliseconds, then) => {
  const timer = setTimeout(then, milliseconds);
  return () => {
    clearTimeout(timer);
  };
};

function startKeeper(way: BulkWay): PipeKeeper {
  return new PipeKeeper(
    way,
    {
      socket(access, sink, outstanding) {
        const { socket } = access;
        if (socket == null) return undefined;
        return openSocketPipe(() => new WebSocket(socket) as unknown as Socket, after, sink, outstanding);
      },
      scheme(access, sink, outstanding) {
        const { scheme, token } = access;
        if (scheme == null) return undefined;
        return openSchemePipe({ scheme, token }, (address, options) => fetch(address, options), sink, outstanding);
      },
    },
    {
      frame(message) {
        scope.postMessage({ type: 'frame', message }, [message]);
      },
      failed(failure) {
        scope.postMessage({ type: 'failed', ...failure });
      },
      opened(opened) {
        scope.postMessage({ type: 'opened', way: opened });
      },
      needAccess() {
        scope.postMessage({ type: 'need-access' });
      },
      gone() {
        scope.postMessage({ type: 'gone' });
      },
    },
  );
}

let keeper: PipeKeeper | undefined;

scope.onmessage = ({ data }) => {
  switch (data.type) {
    case 'start':
      keeper = startKeeper(data.way);
      void keeper.access(data.access);
      return;
    case 'access':
      void keeper?.access(data.access);
      return;
    case 'want':
      keeper?.want(data.series, data.first, data.last, data.near);
      return;
    case 'drop':
      keeper?.drop(data.series);
      return;
    case 'consumed':
      keeper?.consumed(data.messages);
      return;
    case 'close':
      keeper?.close();
      scope.close();
  }
};
