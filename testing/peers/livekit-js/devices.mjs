// What a camera and a microphone give: files that Chromium plays again and again in their place.
import { Buffer } from 'node:buffer';

const [WIDTH, HEIGHT, RATE] = [640, 360, 48_000];

/** A YUV4MPEG2 file of upright bars, each `[red, green, blue]`, at 20 pictures a second. */
export function bars(colors) {
  // ITU-R BT.601: luma from 16 to 235, differences of color around 128.
  const converted = colors.map(([red, green, blue]) => [
    16 + (65.481 * red + 128.553 * green + 24.966 * blue) / 255,
    128 + (-37.797 * red - 74.203 * green + 112 * blue) / 255,
    128 + (112 * red - 93.786 * green - 18.214 * blue) / 255,
  ]);
  const plane = (width, height, component) => {
    const row = Buffer.from(Array.from({ length: width }, (_, x) => Math.round(converted[Math.floor((x * colors.length) / width)][component])));
    return Buffer.concat(Array.from({ length: height }, () => row));
  };
  const picture = [plane(WIDTH, HEIGHT, 0), plane(WIDTH / 2, HEIGHT / 2, 1), plane(WIDTH / 2, HEIGHT / 2, 2)];
  return Buffer.concat([Buffer.from(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F20:1 Ip A1:1\nFRAME\n`), ...picture]);
}

/** A second of a tone as 16-bit WAV, at half of the full amplitude; it goes on without a step where `hz` is whole. */
export function tone(hz) {
  const samples = new Int16Array(Array.from({ length: RATE }, (_, n) => Math.round(16_384 * Math.sin((2 * Math.PI * hz * n) / RATE))));
  const header = Buffer.alloc(44);
  header.write('RIFF', 0);
  header.writeUInt32LE(36 + samples.byteLength, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  // PCM, one channel, its rate, bytes a second, bytes a sample, bits.
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(RATE, 24);
  header.writeUInt32LE(RATE * 2, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36);
  header.writeUInt32LE(samples.byteLength, 40);
  return Buffer.concat([header, Buffer.from(samples.buffer)]);
}
