/** Pixels that the program decoded, for a web view without a decoder of its own. */

/**
 * I420 to RGBA. ITU-R BT.601, studio range (Y 16 to 235), as RFC 6386 §9.2 has it for VP8; in 16.16 fixed point.
 */
export function toRgba(bytes: Uint8Array, width: number, height: number, out: Uint8ClampedArray): void {
  const halfWidth = Math.ceil(width / 2);
  const u = width * height;
  const v = u + halfWidth * Math.ceil(height / 2);
  let at = 0;
  for (let row = 0; row < height; row += 1) {
    const chroma = (row >> 1) * halfWidth;
    for (let column = 0; column < width; column += 1) {
      const luma = 76_309 * ((bytes[row * width + column] ?? 16) - 16) + 32_768;
      const cb = (bytes[u + chroma + (column >> 1)] ?? 128) - 128;
      const cr = (bytes[v + chroma + (column >> 1)] ?? 128) - 128;
      // The array clamps.
      out[at] = (luma + 104_597 * cr) >> 16;
      out[at + 1] = (luma - 25_675 * cb - 53_279 * cr) >> 16;
      out[at + 2] = (luma + 132_201 * cb) >> 16;
      out[at + 3] = 255;
      at += 4;
    }
  }
}
