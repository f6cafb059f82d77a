/**
 * Pictures of a round in Chromium: VP8 that Chromium's own encoder made comes through a door as the program opens it, is
 * decoded in the worker and stands in its tile; pixels stand there as well; what is asked for at the door is what the
 * contract says; and a door that was shut is followed by another.
 *
 *   KONSIL_SHOTS=folder   keeps a picture of the tiles
 */
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { serve } from './serve.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const { origin, stop } = await serve(join(here, '../node_modules/.stories'));
const browser = await chromium.launch({ executablePath: process.env.KONSIL_CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] });
const problems = [];
let checks = 0;
function check(what, ok) {
  checks += 1;
  if (!ok) problems.push(what);
}

/** A door: keeps what is asked, and sends pictures (RFC 6455, as far as a door needs it). */
function openDoor() {
  const doors = [];
  const server = createServer();
  server.on('upgrade', (request, socket) => {
    const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
    const door = { asked: [], socket };
    let rest = Buffer.alloc(0);
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      rest = Buffer.concat([rest, data]);
      // The page says short words only: a length in one byte, or in two.
      while (rest.length >= 6) {
        const short = rest[1] & 0x7f;
        const [at, length] = short === 126 ? [4, rest.readUInt16BE(2)] : [2, short];
        if (rest.length < at + 4 + length) return;
        const words = Buffer.from(rest.subarray(at + 4, at + 4 + length).map((byte, index) => byte ^ rest[at + (index % 4)]));
        if ((rest[0] & 0x0f) === 1) door.asked.push(JSON.parse(words.toString('utf8')));
        rest = rest.subarray(at + 4 + length);
      }
    });
    doors.push(door);
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve({ doors, address: `ws://127.0.0.1:${server.address().port}/pictures`, stop: () => server.close() })));
}

function send({ socket }, message) {
  // No message here is longer than two bytes can say.
  const head = message.length < 126 ? Buffer.from([0x82, message.length]) : Buffer.from([0x82, 126, message.length >> 8, message.length & 0xff]);
  socket.write(Buffer.concat([head, message]));
}

/** As `PictureDoorView` states it. */
function picture({ kind = 1, key = false, gap = false, track, time, width, height, number, bytes }) {
  const head = Buffer.alloc(32);
  head.set([1, kind, (key ? 1 : 0) | (gap ? 2 : 0), 1]);
  head.writeUInt32LE(track, 4);
  head.writeBigUInt64LE(BigInt(time), 8);
  head.writeUInt16LE(width, 16);
  head.writeUInt16LE(height, 18);
  head.writeUInt32LE(number, 20);
  head.writeBigUInt64LE(BigInt(time), 24);
  return Buffer.concat([head, bytes]);
}

async function until(what, found) {
  for (let tries = 0; tries < 100; tries += 1) {
    if (await found()) return true;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  problems.push(`never: ${what}`);
  return false;
}

const door = await openDoor();
const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, timezoneId: 'Europe/Berlin', reducedMotion: 'reduce' });
page.on('pageerror', (error) => problems.push(`page: ${error.name}`));
await page.goto(`${origin}/stories.html?story=11-round-two&door=${encodeURIComponent(door.address)}`);

// Left red, right blue.
const encoded = await page.evaluate(async () => {
  const chunks = [];
  const encoder = new VideoEncoder({
    output(chunk) {
      const bytes = new Uint8Array(chunk.byteLength);
      chunk.copyTo(bytes);
      chunks.push({ key: chunk.type === 'key', time: chunk.timestamp, bytes: [...bytes] });
    },
    error: (error) => chunks.push({ error: String(error) }),
  });
  encoder.configure({ codec: 'vp8', width: 320, height: 200, bitrate: 400_000, framerate: 30, latencyMode: 'realtime' });
  const canvas = new OffscreenCanvas(320, 200);
  const context = canvas.getContext('2d');
  for (let at = 0; at < 12; at += 1) {
    context.fillStyle = 'red';
    context.fillRect(0, 0, 160, 200);
    context.fillStyle = 'blue';
    context.fillRect(160, 0, 160, 200);
    const frame = new VideoFrame(canvas, { timestamp: at * 33_333 });
    encoder.encode(frame, { keyFrame: at === 0 });
    frame.close();
  }
  await encoder.flush();
  return chunks;
});
check('Chromium encodes VP8', encoded.length === 12 && encoded[0].key === true);

const asked = (at, type, track) => door.doors[at]?.asked.filter((one) => one.type === type && (track === undefined || one.track === track)) ?? [];
/** The color of a tile at a part of its width. */
const colorAt = (tile, part) =>
  page.evaluate(
    ([name, across]) => {
      const canvas = document.querySelector(`[data-testid="${name}"] canvas`);
      const probe = document.createElement('canvas');
      probe.width = 1;
      probe.height = 1;
      const context = probe.getContext('2d');
      context.drawImage(canvas, Math.round(canvas.width * across), Math.round(canvas.height / 2), 1, 1, 0, 0, 1, 1);
      return [...context.getImageData(0, 0, 1, 1).data];
    },
    [tile, part],
  );
const near = (color, wanted) => color.slice(0, 3).every((value, at) => Math.abs(value - wanted[at]) < 40);

// In the demonstration: the colleague's camera, and the own one.
const [theirs, own] = [1, 99];
const tile = 'tile-@dr-lerchenhain:eschenland.example:SL1';
const ownTile = 'tile-@dr-falkenried:eschenland.example:AF1';
await until('both pictures are asked for', () => asked(0, 'view', theirs).length > 0 && asked(0, 'view', own).length > 0);
const box = await page.locator(`[data-testid="${tile}"]`).boundingBox();
const view = asked(0, 'view', theirs).at(-1);
check('a picture is asked for in the size of its tile', view?.visible === true && Math.abs(view.width - box.width) <= 1 && Math.abs(view.height - box.height) <= 1);

for (const [at, { key, time, bytes }] of encoded.entries()) send(door.doors[0], picture({ key, track: theirs, time, width: 320, height: 200, number: at, bytes: Buffer.from(bytes) }));
await until('VP8 stands in its tile', async () => near(await colorAt(tile, 0.2), [255, 0, 0]) && near(await colorAt(tile, 0.8), [0, 0, 255]));
check('no decoder is missed', asked(0, 'cannot').length === 0);
check('credit comes back', asked(0, 'credit').reduce((sum, one) => sum + one.pictures, 0) >= 8);

// ITU-R BT.601: 100 % green.
const [width, height] = [64, 40];
const green = Buffer.concat([Buffer.alloc(width * height, 145), Buffer.alloc((width * height) / 4, 54), Buffer.alloc((width * height) / 4, 34)]);
send(door.doors[0], picture({ kind: 2, track: own, time: 1, width, height, number: 1, bytes: green }));
await until('pixels stand in their tile', async () => near(await colorAt(ownTile, 0.5), [0, 255, 0]));

send(door.doors[0], picture({ gap: true, track: theirs, time: 500_000, width: 320, height: 200, number: 40, bytes: Buffer.from(encoded[5].bytes) }));
await until('after a gap a picture is asked for that depends on no other', () => asked(0, 'key', theirs).length > 0);

// Messages that are none change nothing.
for (const bytes of [Buffer.alloc(0), Buffer.alloc(31, 255), Buffer.alloc(4000, 255)]) send(door.doors[0], bytes);

// A key frame by its first bytes, and nothing of one after them.
const broken = Buffer.concat([Buffer.from(encoded[0].bytes.slice(0, 10)), Buffer.alloc(20, 255)]);
for (let at = 0; at < 3; at += 1) send(door.doors[0], picture({ key: true, track: theirs, time: 600_000 + at, width: 320, height: 200, number: 50 + at, bytes: broken }));
await until('a decoder that fails is told', () => asked(0, 'cannot', theirs).length > 0);

door.doors[0].socket.destroy();
await until('another door is opened', () => asked(1, 'view', theirs).length > 0 && asked(1, 'cannot', theirs).length > 0);
check('what was decoded before is decoded on', asked(1, 'cannot', own).length === 0);
check('what was shown stands until something else comes', near(await colorAt(ownTile, 0.5), [0, 255, 0]));

await page.click('[data-testid=rail-today]');
await until('the face in the bar is asked for', () => asked(1, 'view', theirs).at(-1)?.width === 68);
await until('what is not shown is not asked for', () => asked(1, 'view', own).at(-1)?.visible === false);
check('the face shows what its tile showed', near(await page.evaluate(() => {
  const canvas = document.querySelector('[data-testid=round-bar] canvas');
  const probe = document.createElement('canvas').getContext('2d');
  probe.drawImage(canvas, Math.round(canvas.width * 0.2), Math.round(canvas.height / 2), 1, 1, 0, 0, 1, 1);
  return [...probe.getImageData(0, 0, 1, 1).data];
}), [255, 0, 0]));
const faults = await page.evaluate(() => window.__faults);
for (const fault of faults) problems.push(`fault: ${fault}`);
if (process.env.KONSIL_SHOTS) await page.screenshot({ path: join(process.env.KONSIL_SHOTS, 'pictures.png') });

await browser.close();
door.stop();
stop();
for (const { socket } of door.doors) socket.destroy();
for (const problem of problems) process.stdout.write(`${problem}\n`);
process.stdout.write(`${checks} checks of pictures, ${problems.length} problems\n`);
process.exit(problems.length === 0 ? 0 : 1);
