/**
 * The bulk message of an image frame, little endian: 32 bytes of header, then stored values as they
 * lie in the frame, row by row. Large frames come as several messages of whole rows.
 */

export const HEADER_BYTES = 32;

const VERSION = 1;
const KIND_FRAME = 3;
const FLAG_PREVIEW = 1;
const FLAG_LAST_PART = 2;

export type StoredFormat = 'u8' | 'u16' | 'i16' | 'rgb8';

const FORMATS: readonly StoredFormat[] = ['u8', 'u16', 'i16', 'rgb8'];

export const BYTES_PER_PIXEL: Readonly<Record<StoredFormat, number>> = { u8: 1, u16: 2, i16: 2, rgb8: 3 };

export type FrameHeader = {
  format: StoredFormat;
  /** An incomplete picture that is shown but never measured. */
  preview: boolean;
  lastPart: boolean;
  series: number;
  frame: number;
  columns: number;
  /** Rows as the header states them. */
  rows: number;
  request: number;
  firstRow: number;
  checksum: number;
  /** Rows that this message's payload holds. */
  rowsHere: number;
};

/** Undefined when the message is no image frame of a version we know. */
export function readFrameHeader(message: ArrayBuffer): FrameHeader | undefined {
  if (message.byteLength < HEADER_BYTES) return undefined;
  const view = new DataView(message);
  const format = FORMATS[view.getUint8(2)];
  if (view.getUint8(0) !== VERSION || view.getUint8(1) !== KIND_FRAME || format === undefined) return undefined;
  const flags = view.getUint8(3);
  const columns = view.getUint16(12, true);
  const rowBytes = columns * BYTES_PER_PIXEL[format];
  return {
    format,
    preview: (flags & FLAG_PREVIEW) !== 0,
    lastPart: (flags & FLAG_LAST_PART) !== 0,
    series: view.getUint32(4, true),
    frame: view.getUint32(8, true),
    columns,
    rows: view.getUint16(14, true),
    request: view.getUint32(16, true),
    firstRow: view.getUint32(20, true),
    checksum: view.getUint32(24, true),
    rowsHere: rowBytes === 0 ? 0 : Math.floor((message.byteLength - HEADER_BYTES) / rowBytes),
  };
}

/** What a test or a story needs to stand in for the program. */
export function writeFrameMessage(
  header: Omit<FrameHeader, 'checksum' | 'rowsHere'>,
  payload: Uint8Array,
): ArrayBuffer {
  const message = new ArrayBuffer(HEADER_BYTES + payload.byteLength);
  const view = new DataView(message);
  view.setUint8(0, VERSION);
  view.setUint8(1, KIND_FRAME);
  view.setUint8(2, FORMATS.indexOf(header.format));
  view.setUint8(3, (header.preview ? FLAG_PREVIEW : 0) | (header.lastPart ? FLAG_LAST_PART : 0));
  view.setUint32(4, header.series, true);
  view.setUint32(8, header.frame, true);
  view.setUint16(12, header.columns, true);
  view.setUint16(14, header.rows, true);
  view.setUint32(16, header.request, true);
  view.setUint32(20, header.firstRow, true);
  view.setUint32(24, crc32(payload), true);
  new Uint8Array(message, HEADER_BYTES).set(payload);
  return message;
}

export function checksumHolds(message: ArrayBuffer, header: FrameHeader): boolean {
  return crc32(new Uint8Array(message, HEADER_BYTES)) === header.checksum;
}

const CRC_TABLE = new Uint32Array(256).map((_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value >>> 0;
});

/** CRC-32 as in ISO 3309, reflected, the polynomial of zlib and PNG. */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (CRC_TABLE[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}
