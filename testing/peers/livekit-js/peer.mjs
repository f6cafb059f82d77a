// livekit-client in a headless Chromium as somebody else's program, driven line by line: `{"id":1,"do":"join",…}` on stdin is
// answered by `{"id":1,"ok":…}` or `{"id":1,"error":"…"}` on stdout. `page.js` says what can be done.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { bars, tone } from './devices.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const dist = dirname(createRequire(import.meta.url).resolve('livekit-client'));
const FILES = {
  '/': [join(here, 'page.html'), 'text/html'],
  '/page.js': [join(here, 'page.js'), 'text/javascript'],
  '/livekit-client.umd.js': [join(dist, 'livekit-client.umd.js'), 'text/javascript'],
  '/livekit-client.e2ee.worker.js': [join(dist, 'livekit-client.e2ee.worker.js'), 'text/javascript'],
};
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
  // Nobody looks at the page, and it goes on all the same.
  '--disable-background-timer-throttling',
  '--disable-renderer-backgrounding',
  '--disable-backgrounding-occluded-windows',
  '--autoplay-policy=no-user-gesture-required',
  '--use-fake-device-for-media-stream',
  '--use-fake-ui-for-media-stream',
  // Server and browser meet on loopback, by addresses and not by names that another program would have to resolve.
  '--allow-loopback-in-peer-connection',
  '--disable-features=WebRtcHideLocalIpsWithMdns',
];

const folder = mkdtempSync(join(tmpdir(), 'konsil-peer-'));
// SMPTE's bars at 75 %, and concert pitch.
let shown = { colors: [[191, 191, 191], [0, 191, 191], [0, 191, 0], [191, 0, 191], [0, 0, 191]], hz: 440 };
let opened;

/** The page, opened by the first act that needs it. */
function page() {
  opened ??= open();
  return opened;
}

async function open() {
  const [camera, microphone] = [join(folder, 'camera.y4m'), join(folder, 'microphone.wav')];
  writeFileSync(camera, bars(shown.colors));
  writeFileSync(microphone, tone(shown.hz));
  const server = createServer(({ url }, answer) => {
    const [file, type] = FILES[url] ?? [];
    if (!file) return answer.writeHead(404).end();
    return answer.writeHead(200, { 'content-type': type }).end(readFileSync(file));
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  const browser = await chromium.launch({
    executablePath: process.env.KONSIL_CHROMIUM ?? '/usr/bin/chromium',
    args: [...FLAGS, `--use-file-for-fake-video-capture=${camera}`, `--use-file-for-fake-audio-capture=${microphone}`],
  });
  // A page at a loopback address may use cameras, microphones and workers as one by TLS may.
  const address = `http://127.0.0.1:${server.address().port}/`;
  const context = await browser.newContext();
  await context.grantPermissions(['camera', 'microphone'], { origin: address });
  const window = await context.newPage();
  window.on('console', (line) => console.error(line.type(), line.text()));
  await window.goto(address);
  return { browser, window };
}

/** Chromium ends with its pipe, even where this program is killed. */
async function close() {
  if (opened) await opened.then(({ browser }) => browser.close()).catch((error) => console.error(String(error)));
  rmSync(folder, { recursive: true, force: true });
  process.exit(0);
}

const acts = {
  /** What camera and microphone give from the first `join` on: five colors from left to right, and a tone of whole hertz. */
  async devices({ colors, hz }) {
    if (opened) throw new Error('the devices are in use');
    shown = { colors: colors ?? shown.colors, hz: hz ?? shown.hz };
  },
  async end() {
    setTimeout(close, 50);
  },
};

async function act(name, rest) {
  if (acts[name]) return acts[name](rest);
  const { window } = await page();
  // The page's `acts` is no property of its window.
  return window.evaluate(([name_, rest_]) => {
    if (!acts[name_]) throw new Error(`${name_} is nothing that this program does`);
    return acts[name_](rest_);
  }, [name, rest]);
}

for await (const line of createInterface({ input: process.stdin })) {
  const { id, do: name, ...rest } = JSON.parse(line);
  // One after the other is not needed: an answer says to what it belongs.
  act(name, rest).then(
    (ok) => process.stdout.write(`${JSON.stringify({ id, ok: ok ?? null })}\n`),
    // What follows the first line is where in the page it happened.
    (error) => process.stdout.write(`${JSON.stringify({ id, error: String(error?.message ?? error).split('\n')[0] })}\n`),
  );
}
await close();
