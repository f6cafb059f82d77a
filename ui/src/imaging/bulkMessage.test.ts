import { describe, expect, it } from 'vitest';
import { checksumHolds, crc32, readFrameHeader } from './bulkMessage';

/** A message written byte by byte, as the form is laid down: header of 32 bytes, little endian. */
function message(): ArrayBuffer {
  const bytes = new Uint8Array([
    1, 3, 2, 2, // version, kind, format i16, last part
    7, 0, 0, 0, // series handle
    70, 0, 0, 0, // frame index
    2, 0, 3, 0, // columns, rows
    9, 0, 0, 0, // request
    1, 0, 0, 0, // first row
    0, 0, 0, 0, // checksum, below
    0, 0, 0, 0,
    0x00, 0xfc, 0x01, 0x00, // −1024, 1
    0xff, 0xff, 0x02, 0x00, // −1, 2
  ]);
  new DataView(bytes.buffer).setUint32(24, crc32(bytes.subarray(32)), true);
  return bytes.buffer;
}

describe('the bulk message', () => {
  it('is read field by field', () => {
    expect(readFrameHeader(message())).toMatchObject({
      format: 'i16',
      preview: false,
      lastPart: true,
      series: 7,
      frame: 70,
      columns: 2,
      rows: 3,
      request: 9,
      firstRow: 1,
      rowsHere: 2,
    });
  });

  it('of another version, kind or format is not read', () => {
    for (const [at, value] of [
      [0, 2],
      [1, 1],
      [2, 4],
    ] as const) {
      const changed = message();
      new Uint8Array(changed)[at] = value;
      expect(readFrameHeader(changed), `byte ${String(at)}`).toBeUndefined();
    }
    expect(readFrameHeader(message().slice(0, 31)), 'shorter than a header').toBeUndefined();
  });

  it('has the checksum of zlib', () => {
    // The check value of CRC-32/ISO-HDLC.
    expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926);
  });

  it('with one bit changed on its way is found out', () => {
    const sound = message();
    const header = readFrameHeader(sound);
    if (header === undefined) throw new Error('the message is a frame');
    expect(checksumHolds(sound, header)).toBe(true);
    const bytes = new Uint8Array(sound);
    bytes[33] = (bytes[33] ?? 0) ^ 1;
    expect(checksumHolds(sound, header)).toBe(false);
  });
});
