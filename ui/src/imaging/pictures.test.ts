import { expect, it, vi } from 'vitest';
import type { BulkPipe } from './bulk';
import { writeFrameMessage } from './bulkMessage';
import { Pictures } from './pictures';

function pipe() {
  const hearers: ((message: ArrayBuffer) => void)[] = [];
  const made = {
    want: vi.fn(),
    drop: vi.fn(),
    onFrame: (listener: (message: ArrayBuffer) => void) => {
      hearers.push(listener);
      return () => undefined;
    },
    onFailed: () => () => undefined,
    onGone: () => () => undefined,
    close: vi.fn(),
    way: 'socket' as const,
  } satisfies BulkPipe;
  const send = (series: number) => {
    const message = writeFrameMessage({ series, frame: 0, format: 'u8', columns: 2, rows: 1, firstRow: 0, preview: false, lastPart: true, request: 0 }, new Uint8Array([0, 255]));
    for (const hear of hearers) hear(message);
  };
  return { made, send };
}

it('asks for a picture that was wanted before the pipe was there, and only once', async () => {
  const { made } = pipe();
  const pictures = new Pictures(() => Promise.resolve(made));
  pictures.want(7);
  pictures.want(7);
  await Promise.resolve();
  pictures.want(7);
  expect(made.want.mock.calls).toEqual([[7, 0, 0, 0]]);
});

it('takes no picture that it has not asked for', async () => {
  const { made, send } = pipe();
  const pictures = new Pictures(() => Promise.resolve(made));
  pictures.want(7);
  await Promise.resolve();
  const heard = vi.fn();
  pictures.subscribe(heard);
  send(8);
  expect(heard).not.toHaveBeenCalled();
  send(7);
  expect(heard).toHaveBeenCalledTimes(1);
  expect(pictures.get(7)?.rgba).toEqual(new Uint8ClampedArray([0, 0, 0, 255, 255, 255, 255, 255]));
  expect(pictures.get(8)).toBeUndefined();
});

it('lets go of a pipe that opens after nobody looks any more', async () => {
  const { made } = pipe();
  const pictures = new Pictures(() => Promise.resolve(made));
  pictures.close();
  await Promise.resolve();
  expect(made.close).toHaveBeenCalledTimes(1);
});
