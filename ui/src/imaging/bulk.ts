/** The page's end of the bulk pipe: wishes go out, frames and failures come in. */

import type { BulkAccessView } from '../host/contract';
import type { BulkWay } from '../host/contract';
import type { FromWorker, ToWorker } from './bulkWorker';
import type { Way } from './pipeKeeper';
import type { FrameFailure } from './wirePipe';

export interface BulkPipe {
  /** Ask for a run of frames; `near` is the one on screen. */
  want: (series: number, first: number, last: number, near: number) => void;
  /** Stop sending a series. */
  drop: (series: number) => void;
  onFrame: (listener: (message: ArrayBuffer) => void) => () => void;
  onFailed: (listener: (failure: FrameFailure) => void) => () => void;
  /** No way is left; a new pipe may be opened. */
  onGone: (listener: () => void) => () => void;
  close: () => void;
  readonly way: Way;
}

/** The part of `Worker` that is used. */
export type PipeWorker = {
  onmessage: ((event: MessageEvent<FromWorker>) => void) | null;
  postMessage: (message: ToWorker) => void;
  terminate: () => void;
};

function startWorker(): PipeWorker {
  return new Worker(new URL('./bulkWorker.ts', import.meta.url), { type: 'module', name: 'bulk' });
}

/** Resolves when one of the ways answers; rejects when none does. */
export async function openBulkPipe(
  openBulk: () => Promise<BulkAccessView>,
  way: BulkWay,
  start: () => PipeWorker = startWorker,
): Promise<BulkPipe> {
  const access = await openBulk();
  const worker = start();
  const frames = new Set<(message: ArrayBuffer) => void>();
  const failures = new Set<(failure: FrameFailure) => void>();
  const goners = new Set<() => void>();
  let current: Way | undefined;

  const pipe: BulkPipe = {
    want(series, first, last, near) {
      worker.postMessage({ type: 'want', series, first, last, near });
    },
    drop(series) {
      worker.postMessage({ type: 'drop', series });
    },
    onFrame: (listener) => listenTo(frames, listener),
    onFailed: (listener) => listenTo(failures, listener),
    onGone: (listener) => listenTo(goners, listener),
    close() {
      worker.onmessage = null;
      worker.postMessage({ type: 'close' });
    },
    get way() {
      return current ?? 'socket';
    },
  };

  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => {
      switch (data.type) {
        case 'opened':
          current = data.way;
          resolve(pipe);
          return;
        case 'frame':
          for (const listener of frames) listener(data.message);
          worker.postMessage({ type: 'consumed', messages: 1 });
          return;
        case 'failed':
          for (const listener of failures) listener(data);
          return;
        case 'need-access':
          openBulk().then(
            (fresh) => {
              worker.postMessage({ type: 'access', access: fresh });
            },
            () => {
              for (const listener of goners) listener();
            },
          );
          return;
        case 'gone':
          if (current === undefined) {
            worker.terminate();
            reject(new Error('no way for bulk bytes answers'));
          } else {
            for (const listener of goners) listener();
          }
      }
    };
    worker.postMessage({ type: 'start', way, access });
  });
}

function listenTo<Listener>(listeners: Set<Listener>, listener: Listener): () => void {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}
