import { describe, expect, it } from 'vitest';
import { writeFrameMessage, type StoredFormat } from './bulkMessage';
import { FrameStore } from './frameStore';
import { Thumbnails } from './thumbnails';

function message(
  frame: number,
  format: StoredFormat,
  bytes: number[],
  part: { firstRow?: number; last?: boolean; preview?: boolean; columns?: number } = {},
): ArrayBuffer {
  const { firstRow = 0, last = true, preview = false, columns = 2 } = part;
  return writeFrameMessage(
    { format, preview, lastPart: last, series: 7, frame, columns, rows: 2, request: 0, firstRow },
    new Uint8Array(bytes),
  );
}

describe('stored values', () => {
  it('are read with their sign and size', () => {
    const store = new FrameStore();
    store.put(message(0, 'i16', [0x00, 0xfc, 0x01, 0x00, 0x02, 0x00, 0xff, 0xff]));
    store.put(message(1, 'u16', [0x00, 0xfc, 0, 0, 0, 0, 0, 0]));
    store.put(message(2, 'rgb8', [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]));
    expect(store.valueAt(7, 0, 0, 0)).toBe(-1024);
    expect(store.valueAt(7, 0, 1, 1)).toBe(-1);
    expect(store.valueAt(7, 1, 0, 0)).toBe(64512);
    expect(store.valueAt(7, 2, 1, 0)).toEqual([4, 5, 6]);
  });

  it('outside the image do not exist', () => {
    const store = new FrameStore();
    store.put(message(0, 'u8', [1, 2, 3, 4]));
    expect(store.valueAt(7, 0, 2, 0)).toBeUndefined();
    expect(store.valueAt(7, 0, 0, 2)).toBeUndefined();
    expect(store.valueAt(8, 0, 0, 0)).toBeUndefined();
  });

  it('of a frame in parts are there once it is whole', () => {
    const store = new FrameStore();
    store.put(message(0, 'u8', [1, 2], { last: false }));
    expect(store.valueAt(7, 0, 0, 0)).toBeUndefined();
    store.put(message(0, 'u8', [3, 4], { firstRow: 1 }));
    expect(store.valueAt(7, 0, 1, 1)).toBe(4);
  });

  it('are never taken from a preview', () => {
    const store = new FrameStore();
    store.put(message(0, 'u8', [1, 2, 3, 4], { preview: true }));
    expect(store.valueAt(7, 0, 0, 0)).toBeUndefined();
  });

  it('keep within the bound, and those not read longest go first', () => {
    const store = new FrameStore(3 * 36);
    for (const frame of [0, 1, 2]) store.put(message(frame, 'u8', [frame, 0, 0, 0]));
    store.valueAt(7, 0, 0, 0);
    store.put(message(3, 'u8', [3, 0, 0, 0]));
    expect(store.bytes).toBeLessThanOrEqual(3 * 36);
    expect(store.valueAt(7, 0, 0, 0)).toBe(0);
    expect(store.valueAt(7, 1, 0, 0)).toBeUndefined();
  });

  it('that come twice are counted once', () => {
    const store = new FrameStore();
    store.put(message(0, 'u8', [1, 2, 3, 4]));
    store.put(message(0, 'u8', [5, 6, 7, 8]));
    expect(store.bytes).toBe(36);
    expect(store.valueAt(7, 0, 0, 0)).toBe(5);
    store.drop(7);
    expect(store.bytes).toBe(0);
  });
});

describe('a thumbnail', () => {
  it('is grey or coloured as it came', () => {
    const thumbnails = new Thumbnails();
    expect(thumbnails.put(message(0, 'u8', [10, 20, 30, 40]))).toBe(true);
    expect([...(thumbnails.get(7)?.rgba.slice(0, 8) ?? [])]).toEqual([10, 10, 10, 255, 20, 20, 20, 255]);
    thumbnails.put(message(0, 'rgb8', [1, 2, 3, 4, 5, 6], { columns: 2 }));
    expect([...(thumbnails.get(7)?.rgba ?? [])]).toEqual([1, 2, 3, 255, 4, 5, 6, 255]);
  });

  it('that is damaged is not shown', () => {
    const thumbnails = new Thumbnails();
    const damaged = message(0, 'u8', [10, 20, 30, 40]);
    new Uint8Array(damaged)[33] = 0;
    expect(thumbnails.put(damaged)).toBe(false);
    expect(thumbnails.get(7)).toBeUndefined();
  });
});
