/** One-frame pictures of the series strip: they come over the bulk pipe, ready to show. */

import { BYTES_PER_PIXEL, HEADER_BYTES, checksumHolds, readFrameHeader } from './bulkMessage';

export type Picture = { columns: number; rows: number; rgba: Uint8ClampedArray<ArrayBuffer> };

type Assembly = { columns: number; rows: Map<number, ArrayBuffer> };

export class Thumbnails {
  readonly #pictures = new Map<number, Picture>();
  readonly #assemblies = new Map<number, Assembly>();

  get(handle: number): Picture | undefined {
    return this.#pictures.get(handle);
  }

  /** True when the message completed a picture. A damaged one is not shown at all. */
  put(message: ArrayBuffer): boolean {
    const header = readFrameHeader(message);
    if (header === undefined || !checksumHolds(message, header)) return false;
    const assembly = this.#assemblies.get(header.series) ?? { columns: header.columns, rows: new Map() };
    assembly.rows.set(header.firstRow, message);
    this.#assemblies.set(header.series, assembly);
    if (!header.lastPart) return false;
    this.#assemblies.delete(header.series);
    const picture = assemble(assembly);
    if (picture === undefined) return false;
    this.#pictures.set(header.series, picture);
    return true;
  }
}

function assemble({ columns, rows: parts }: Assembly): Picture | undefined {
  const ordered = [...parts].sort(([a], [b]) => a - b).map(([, message]) => message);
  const first = ordered[0];
  const header = first === undefined ? undefined : readFrameHeader(first);
  if (header === undefined || (header.format !== 'u8' && header.format !== 'rgb8')) return undefined;
  const samples = BYTES_PER_PIXEL[header.format];
  const pixels = ordered.reduce((sum, part) => sum + (part.byteLength - HEADER_BYTES) / samples, 0);
  const rows = Math.floor(pixels / columns);
  const rgba = new Uint8ClampedArray(columns * rows * 4);
  let at = 0;
  for (const part of ordered) {
    const stored = new Uint8Array(part, HEADER_BYTES);
    for (let sample = 0; sample + samples <= stored.length; sample += samples) {
      const red = stored[sample] ?? 0;
      rgba[at] = red;
      rgba[at + 1] = samples === 3 ? (stored[sample + 1] ?? 0) : red;
      rgba[at + 2] = samples === 3 ? (stored[sample + 2] ?? 0) : red;
      rgba[at + 3] = 255;
      at += 4;
    }
  }
  return { columns, rows, rgba };
}
