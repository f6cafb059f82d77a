// Just enough of PNG (ISO/IEC 15948) to cut a piece out of a screenshot: 8 bit, no palette, not interlaced.

import { inflateSync } from 'node:zlib'

const CHANNELS = { 0: 1, 2: 3, 4: 2, 6: 4 }

// Rows of samples, unfiltered (§9.2).
export function decode(png) {
  const at = (offset) => png.readUInt32BE(offset)
  const [width, height, depth, color, interlace] = [at(16), at(20), png[24], png[25], png[28]]
  const channels = CHANNELS[color]
  if (depth !== 8 || channels === undefined || interlace !== 0) throw new Error(`a PNG of depth ${depth}, color ${color}, interlace ${interlace}`)
  const data = []
  for (let offset = 8; offset < png.length; offset += at(offset) + 12) {
    if (png.toString('latin1', offset + 4, offset + 8) === 'IDAT') data.push(png.subarray(offset + 8, offset + 8 + at(offset)))
  }
  const raw = inflateSync(Buffer.concat(data))
  const stride = width * channels
  const pixels = Buffer.alloc(stride * height)
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (stride + 1)]
    for (let x = 0; x < stride; x++) {
      const left = x < channels ? 0 : pixels[y * stride + x - channels]
      const up = y === 0 ? 0 : pixels[(y - 1) * stride + x]
      const corner = x < channels || y === 0 ? 0 : pixels[(y - 1) * stride + x - channels]
      const guess = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter]
      pixels[y * stride + x] = raw[y * (stride + 1) + 1 + x] + guess
    }
  }
  return { width, height, channels, pixels }
}

function paeth(left, up, corner) {
  const guess = left + up - corner
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)]
  if (a <= b && a <= c) return left
  return b <= c ? up : corner
}

// The samples of a rectangle.
export function cut({ width, height, channels, pixels }, { x, y, width: w, height: h }) {
  if (x < 0 || y < 0 || x + w > width || y + h > height) throw new Error(`${w} × ${h} at ${x}, ${y} is not within ${width} × ${height}`)
  return Buffer.concat(Array.from({ length: h }, (_, row) => pixels.subarray(((y + row) * width + x) * channels, ((y + row) * width + x + w) * channels)))
}
