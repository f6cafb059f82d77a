/**
 * Stored values of the frames that are on screen or near, for the value under the pointer. The
 * picture itself lives on the GPU; this store may forget, and then there is no value to show until
 * the frame has come again.
 */

import { BYTES_PER_PIXEL, HEADER_BYTES, readFrameHeader, type FrameHeader, type StoredFormat } from './bulkMessage';
import { frameKey } from './prefetch';

/** 32 frames of 512 × 512 in 16 bit: those around the one that is looked at. */
export const DEFAULT_LIMIT_BYTES = 16 * 1024 * 1024;

type Part = { firstRow: number; rows: number; message: ArrayBuffer };
type StoredFrame = { format: StoredFormat; columns: number; parts: Part[]; complete: boolean; bytes: number };

export class FrameStore {
  readonly #limit: number;
  readonly #frames = new Map<string, StoredFrame>();
  #bytes = 0;

  constructor(limitBytes: number = DEFAULT_LIMIT_BYTES) {
    this.#limit = limitBytes;
  }

  /** Bytes held. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Keeps a message, which belongs to this store from now on. */
  put(message: ArrayBuffer, header: FrameHeader | undefined = readFrameHeader(message)): void {
    if (header === undefined || header.preview) return;
    const key = frameKey(header.series, header.frame);
    const known = this.#frames.get(key);
    const frame =
      known === undefined || known.complete
        ? { format: header.format, columns: header.columns, parts: [], complete: false, bytes: 0 }
        : known;
    if (known !== undefined && known !== frame) this.#letGo(known);
    frame.parts.push({ firstRow: header.firstRow, rows: header.rowsHere, message });
    frame.complete = header.lastPart;
    frame.bytes += message.byteLength;
    this.#bytes += message.byteLength;
    this.#frames.delete(key);
    this.#frames.set(key, frame);
    this.#forget(key);
  }

  /** The stored value, or the three of a colour pixel; undefined when the frame is not here. */
  valueAt(series: number, frame: number, column: number, row: number): number | [number, number, number] | undefined {
    const key = frameKey(series, frame);
    const stored = this.#frames.get(key);
    if (stored === undefined || !stored.complete) return undefined;
    // Read again means needed again: the frame goes to the end of the order of forgetting.
    this.#frames.delete(key);
    this.#frames.set(key, stored);
    if (column < 0 || column >= stored.columns) return undefined;
    const part = stored.parts.find(({ firstRow, rows }) => row >= firstRow && row < firstRow + rows);
    if (part === undefined) return undefined;
    const offset =
      HEADER_BYTES + ((row - part.firstRow) * stored.columns + column) * BYTES_PER_PIXEL[stored.format];
    const view = new DataView(part.message);
    switch (stored.format) {
      case 'u8':
        return view.getUint8(offset);
      case 'u16':
        return view.getUint16(offset, true);
      case 'i16':
        return view.getInt16(offset, true);
      case 'rgb8':
        return [view.getUint8(offset), view.getUint8(offset + 1), view.getUint8(offset + 2)];
    }
  }

  drop(series: number): void {
    for (const [key, frame] of this.#frames) {
      if (!key.startsWith(`${String(series)}/`)) continue;
      this.#letGo(frame);
      this.#frames.delete(key);
    }
  }

  #forget(except: string): void {
    for (const [key, frame] of this.#frames) {
      if (this.#bytes <= this.#limit) return;
      if (key === except) continue;
      this.#letGo(frame);
      this.#frames.delete(key);
    }
  }

  #letGo(frame: StoredFrame): void {
    this.#bytes -= frame.bytes;
    for (const { message } of frame.parts) release(message);
  }
}

/** Whoever puts a message here hands it over: its bytes go back at once, not when the collector next comes by. */
function release(message: ArrayBuffer): void {
  // ECMA-262 15.0, 25.1.6.9; a page that does not have it waits for the collector.
  (message as ArrayBuffer & { transfer?: (length: number) => ArrayBuffer }).transfer?.(0);
}
