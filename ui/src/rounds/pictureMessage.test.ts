import { describe, expect, test } from 'vitest';
import { toRgba } from './i420';
import { HEADER_BYTES, i420Bytes, readPicture } from './pictureMessage';

/** The fields in the order and the widths that `PictureDoorView` states, written by hand and not by the reader's constants. */
function message(more: { version?: number; kind?: number; flags?: number; codec?: number; track?: number; time?: bigint; width?: number; height?: number; number?: number; payload?: readonly number[] } = {}): ArrayBuffer {
  const { version = 1, kind = 1, flags = 0, codec = 1, track = 7, time = 90_000n, width = 640, height = 360, number = 1, payload = [0x31, 0, 0, 1, 2, 3] } = more;
  const bytes = new Uint8Array(32 + payload.length);
  const view = new DataView(bytes.buffer);
  bytes.set([version, kind, flags, codec]);
  view.setUint32(4, track, true);
  view.setBigUint64(8, time, true);
  view.setUint16(16, width, true);
  view.setUint16(18, height, true);
  view.setUint32(20, number, true);
  view.setBigUint64(24, 1n, true);
  bytes.set(payload, 32);
  return bytes.buffer;
}

/** The first ten bytes of a VP8 key frame of 640 × 360 (RFC 6386 §9.1): frame tag, start code, sizes. */
const keyFrame = [0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01, 0x00];

describe('a picture at the door', () => {
  test('is read field by field', () => {
    const picture = readPicture(message({ flags: 3, track: 4_000_000_000, time: 1_234_567_890_123n, payload: keyFrame }));
    expect(picture).toMatchObject({ kind: 'encoded', key: true, gap: true, track: 4_000_000_000, time: 1_234_567_890_123, width: 640, height: 360 });
    expect([...(picture?.bytes ?? [])]).toEqual(keyFrame);
  });

  test('that depends on others needs no key frame', () => {
    expect(readPicture(message())).toMatchObject({ key: false, gap: false });
  });

  test.each([
    ['nothing', new ArrayBuffer(0)],
    ['half a header', message().slice(0, 16)],
    ['a header without a picture', message().slice(0, HEADER_BYTES)],
    ['another version', message({ version: 2 })],
    ['kind 0', message({ kind: 0 })],
    ['kind 3', message({ kind: 3 })],
    ['another codec', message({ codec: 2 })],
    ['a time beyond what a decoder takes', message({ time: 0xffff_ffff_ffff_ffffn })],
    ['a size that would fill the memory', message({ width: 65_535, height: 65_535 })],
    ['a key frame that is too short', message({ flags: 1, payload: keyFrame.slice(0, 9) })],
    ['a key frame without its start code', message({ flags: 1, payload: keyFrame.with(3, 0) })],
    ['a key frame that depends on others', message({ flags: 1, payload: keyFrame.with(0, 0x11) })],
    ['a key frame of 16383 × 16383 under a small header', message({ flags: 1, payload: [...keyFrame.slice(0, 6), 0xff, 0x3f, 0xff, 0x3f, 0] })],
    ['a key frame of no width', message({ flags: 1, payload: [...keyFrame.slice(0, 6), 0, 0, 0x68, 1, 0] })],
    ['pixels that are too few', message({ kind: 2, width: 4, height: 2, payload: Array<number>(11).fill(0) })],
    ['pixels that are too many', message({ kind: 2, width: 4, height: 2, payload: Array<number>(13).fill(0) })],
    ['pixels of no size', message({ kind: 2, width: 0, height: 0, payload: [0] })],
  ])('is not %s', (_, hostile) => {
    expect(readPicture(hostile)).toBeUndefined();
  });

  test('of pixels has a plane and two quarters, rounded up', () => {
    expect([i420Bytes(4, 2), i420Bytes(3, 3)]).toEqual([12, 17]);
    expect(readPicture(message({ kind: 2, codec: 0, width: 4, height: 2, payload: Array<number>(12).fill(128) }))).toMatchObject({ kind: 'i420', width: 4, height: 2 });
  });
});

describe('pixels', () => {
  // ITU-R BT.601-7, 8 bit studio range: the Y, Cb and Cr of 100 % bars, as SMPTE EG 1 tabulates them.
  test.each([
    ['black', [16, 128, 128], [0, 0, 0]],
    ['white', [235, 128, 128], [255, 255, 255]],
    ['red', [81, 90, 240], [255, 0, 0]],
    ['green', [145, 54, 34], [0, 255, 0]],
    ['blue', [41, 240, 110], [0, 0, 255]],
  ])('of %s come out as such', (_, [y, cb, cr], wanted) => {
    const out = new Uint8ClampedArray(4);
    toRgba(new Uint8Array([y!, cb!, cr!]), 1, 1, out);
    // The rounding of three studio codes leaves up to 2 of 255.
    expect([...out.slice(0, 3)].map((value, at) => Math.abs(value - wanted[at]!) <= 2)).toEqual([true, true, true]);
    expect(out[3]).toBe(255);
  });

  test('of an odd size take the color of their own quarter', () => {
    const out = new Uint8ClampedArray(3 * 1 * 4);
    toRgba(new Uint8Array([81, 81, 41, 90, 240, 240, 110]), 3, 1, out);
    expect([out[0]! > 200, out[4]! > 200, out[8]! < 50, out[10]! > 200]).toEqual([true, true, true, true]);
  });
});
