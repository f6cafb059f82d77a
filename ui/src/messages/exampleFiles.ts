/** Invented files for stories: a picture, a document, a sound. */
import { bytesOf } from '../case/documentBytes';
import { pdfOf } from '../stories/pdf';

/** An uncompressed gray PNG (ISO/IEC 15948) that looks like a slice of a phantom. */
export function pictureBytes(width = 480, height = 360): Uint8Array<ArrayBuffer> {
  const raw = new Uint8Array(height * (width + 1));
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const [u, v] = [(x - width / 2) / (height * 0.44), (y - height / 2) / (height * 0.44)];
      const body = u * u * 0.62 + v * v;
      const lung = Math.min((u - 0.42) ** 2 * 5 + v * v * 2.6, (u + 0.42) ** 2 * 5 + v * v * 2.6);
      const node = (u - 0.34) ** 2 + (v + 0.18) ** 2;
      const grain = ((x * 31 + y * 57 + ((x * y) % 13) * 7) % 11) - 5;
      const shade = body > 1 ? 0 : body > 0.94 ? 205 : node < 0.008 ? 190 : lung < 0.55 ? 26 : u * u + (v - 0.62) ** 2 < 0.018 ? 235 : 118;
      raw[y * (width + 1) + 1 + x] = Math.max(0, Math.min(255, shade === 0 ? 0 : shade + grain));
    }
  }
  return png(width, height, raw);
}

function png(width: number, height: number, raw: Uint8Array): Uint8Array<ArrayBuffer> {
  const table = Array.from({ length: 256 }, (_, at) => {
    let value = at;
    for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
    return value >>> 0;
  });
  const crc = (bytes: number[]) => (bytes.reduce((sum, byte) => (table[(sum ^ byte) & 255] ?? 0) ^ (sum >>> 8), 0xffffffff) ^ 0xffffffff) >>> 0;
  const big = (value: number) => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
  const chunk = (name: string, data: number[]) => {
    const body = [...new TextEncoder().encode(name), ...data];
    return [...big(data.length), ...body, ...big(crc(body))];
  };
  // Stored blocks of RFC 1951, in the frame of RFC 1950.
  const stored: number[] = [0x78, 0x01];
  let [a, b] = [1, 0];
  for (const byte of raw) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  for (let at = 0; at < raw.length; at += 65535) {
    const part = raw.subarray(at, at + 65535);
    stored.push(at + 65535 >= raw.length ? 1 : 0, part.length & 255, part.length >> 8, ~part.length & 255, (~part.length >> 8) & 255);
    for (const byte of part) stored.push(byte);
  }
  stored.push(...big(((b << 16) | a) >>> 0));
  return new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, ...chunk('IHDR', [...big(width), ...big(height), 8, 0, 0, 0, 0]), ...chunk('IDAT', stored), ...chunk('IEND', [])]);
}

export const pdfBytes = (): Uint8Array<ArrayBuffer> =>
  bytesOf(pdfOf([['Koloskopie vom 12.11.2026', 'Klinikum Eschenfurt, Endoskopie', '', 'Tumor ab 9 cm ab ano, nicht stenosierend, sechs Biopsien.', 'Restliches Kolon unauffällig.'], ['Anlage: Dokumentation']]));

/** A second of silence, 8 kHz, 8 bit (RIFF WAVE). */
export function soundBytes(): Uint8Array<ArrayBuffer> {
  const samples = 8000;
  const bytes = new Uint8Array(44 + samples).fill(128);
  const view = new DataView(bytes.buffer);
  const text = (at: number, words: string) => bytes.set(new TextEncoder().encode(words), at);
  text(0, 'RIFF');
  view.setUint32(4, 36 + samples, true);
  text(8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, 8000, true);
  view.setUint32(28, 8000, true);
  view.setUint16(32, 1, true);
  view.setUint16(34, 8, true);
  text(36, 'data');
  view.setUint32(40, samples, true);
  return bytes;
}

export const file = (name: string, bytes: Uint8Array<ArrayBuffer> | number, type = ''): File =>
  new File([typeof bytes === 'number' ? new Uint8Array(bytes) : bytes], name, { type, lastModified: Date.parse('2026-11-24T13:30:00+01:00') });

/** A file that says it is larger than what it holds. */
export function sized(name: string, size: number, type = ''): File {
  const made = file(name, 1024, type);
  Object.defineProperty(made, 'size', { value: size });
  return made;
}
