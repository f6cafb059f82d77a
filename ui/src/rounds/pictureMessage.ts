/**
 * A picture as it comes through the door (`crates/contract/src/round.rs`, `PictureDoorView`): 32 bytes of header,
 * little endian, then the bytes of the picture. What is not exactly of this form is no picture.
 */

export const HEADER_BYTES = 32;

const VERSION = 1;
const KIND_ENCODED = 1;
const KIND_I420 = 2;
const FLAG_KEY = 1;
const FLAG_GAP = 2;
const CODEC_VP8 = 1;

/** More pixels than any camera or screen of a round sends. A decoder would ask for memory by what a picture says of itself. */
const MOST_PIXELS = 4096 * 2560;

export interface Picture {
  kind: 'encoded' | 'i420';
  /** It depends on no other. */
  key: boolean;
  /** Pictures are missing before it. */
  gap: boolean;
  track: number;
  /** Microseconds of the track's clock. */
  time: number;
  /** In pixels; of an encoded picture 0 where not said. */
  width: number;
  height: number;
  bytes: Uint8Array<ArrayBuffer>;
}

/** Undefined when the message is no picture that this page can read. */
export function readPicture(message: ArrayBuffer): Picture | undefined {
  if (message.byteLength <= HEADER_BYTES) return undefined;
  const view = new DataView(message);
  const kind = view.getUint8(1);
  if (view.getUint8(0) !== VERSION || (kind !== KIND_ENCODED && kind !== KIND_I420)) return undefined;
  const flags = view.getUint8(2);
  const time = Number(view.getBigUint64(8, true));
  const width = view.getUint16(16, true);
  const height = view.getUint16(18, true);
  const bytes = new Uint8Array(message, HEADER_BYTES);
  // WebCodecs §8.2: a time that is no exact integer is refused by the decoder with an exception.
  if (!Number.isSafeInteger(time) || width * height > MOST_PIXELS) return undefined;
  const picture = { key: (flags & FLAG_KEY) !== 0, gap: (flags & FLAG_GAP) !== 0, track: view.getUint32(4, true), time, width, height, bytes };
  if (kind === KIND_I420) return width > 0 && height > 0 && bytes.byteLength === i420Bytes(width, height) ? { ...picture, kind: 'i420' } : undefined;
  if (view.getUint8(3) !== CODEC_VP8) return undefined;
  if (picture.key) {
    const size = vp8KeySize(bytes);
    if (size === undefined || size.width * size.height > MOST_PIXELS) return undefined;
  }
  return { ...picture, kind: 'encoded' };
}

/** Bytes of a picture in I420: a plane of luma, then two of a quarter, each rounded up to whole samples. */
export function i420Bytes(width: number, height: number): number {
  return width * height + 2 * Math.ceil(width / 2) * Math.ceil(height / 2);
}

/** The size that a VP8 key frame states (RFC 6386 §9.1); undefined when it is none. */
function vp8KeySize(bytes: Uint8Array): { width: number; height: number } | undefined {
  const [first = 1, , , a, b, c, widthLow = 0, widthHigh = 0, heightLow = 0, heightHigh = 0] = bytes;
  if (bytes.byteLength < 10 || (first & 1) !== 0 || a !== 0x9d || b !== 0x01 || c !== 0x2a) return undefined;
  // The upper two bits of each are a scale.
  const width = widthLow | ((widthHigh & 0x3f) << 8);
  const height = heightLow | ((heightHigh & 0x3f) << 8);
  return width > 0 && height > 0 ? { width, height } : undefined;
}
