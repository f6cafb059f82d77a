/**
 * The compiled viewer draws the grays of the standard in Chromium, on WebGL2 and by the processor: windows, padding, look-up tables, both
 * polarities. The formulas are written out here from PS3.3 C.11 and C.7.5.1.1.2. Without a compiled viewer nothing
 * is proved, so it fails.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { serve } from './serve.mjs';

const compiled = join(dirname(fileURLToPath(import.meta.url)), '../src/wasm');
if (!existsSync(join(compiled, 'viewer_web_bg.wasm'))) {
  console.error('pixels: the viewer is not compiled; cargo xtask web does it');
  process.exit(1);
}

const [COLUMNS, ROWS] = [64, 32];
const ramp = Array.from({ length: COLUMNS * ROWS }, (_, i) => i);
const curve = Array.from({ length: 3000 }, (_, i) => (i * i) % 4096);

const linear = (center, width) => (x) => {
  if (x <= center - 0.5 - (width - 1) / 2) return 0;
  if (x > center - 0.5 + (width - 1) / 2) return 1;
  return (x - (center - 0.5)) / (width - 1) + 0.5;
};
const exact = (center, width) => (x) => Math.min(1, Math.max(0, (x - center) / width + 0.5));
const sigmoid = (center, width) => (x) => 1 / (1 + Math.exp((-4 * (x - center)) / width));
const entry = ({ first, entries }) => (x) => entries[Math.max(0, Math.min(x - first, entries.length - 1))];

const voi = { first: -900, greatest: 4095, entries: curve };
const modality = { first: 100, greatest: 65535, entries: Array.from({ length: 65536 }, (_, i) => 65535 - i) };

/** What is stored, how it is described, and the gray of a stored value from 0 to 1; undefined for padding. */
const cases = [
  {
    name: 'signed, padding and a linear window',
    format: 'i16',
    stored: ramp.map((i) => i - 1000),
    pixels: { padding: [-990, -980] },
    gray: (v) => (v >= -990 && v <= -980 ? undefined : linear(40, 400)(v)),
    window: { center: 40, width: 400, function: 'linear' },
  },
  {
    name: 'bytes and an exact window',
    format: 'u8',
    stored: ramp.map((i) => i % 256),
    gray: exact(128, 77),
    window: { center: 128, width: 77, function: 'linear-exact' },
  },
  {
    name: 'a sigmoid window',
    format: 'u16',
    stored: ramp.map((i) => i * 32),
    gray: sigmoid(20000, 30000),
    window: { center: 20000, width: 30000, function: 'sigmoid' },
    tolerance: 1,
  },
  {
    name: 'a VOI table with a negative first value',
    format: 'u16',
    stored: ramp,
    intercept: -1024,
    tables: [voi],
    pixels: { voi: [0], beginsWithTable: true },
    gray: (v) => entry(voi)(v - 1024) / 4095,
  },
  {
    name: 'a modality table of 65,536 entries, then a window',
    format: 'u16',
    stored: ramp.map((i) => i * 32),
    tables: [modality],
    pixels: { modality: 0 },
    gray: (v) => linear(30000, 40000)(entry(modality)(v)),
    window: { center: 30000, width: 40000, function: 'linear' },
  },
  {
    name: 'a modality table, then a VOI table, padding',
    format: 'i16',
    stored: ramp.map((i) => i - 50),
    tables: [modality, voi],
    pixels: { modality: 0, voi: [1], beginsWithTable: true, padding: [-50, -50] },
    gray: (v) => (v === -50 ? undefined : entry(voi)(entry(modality)(v)) / 4095),
  },
];

function crc32(bytes) {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

function message(handle, format, stored) {
  const payload = new Uint8Array({ u8: Uint8Array, u16: Uint16Array, i16: Int16Array }[format].from(stored).buffer);
  const bytes = new Uint8Array(32 + payload.length);
  const view = new DataView(bytes.buffer);
  bytes.set([1, 3, { u8: 0, u16: 1, i16: 2 }[format], 2]);
  view.setUint32(4, handle, true);
  view.setUint16(12, COLUMNS, true);
  view.setUint16(14, ROWS, true);
  view.setUint32(24, crc32(payload), true);
  bytes.set(payload, 32);
  return [...bytes];
}

function series(handle, one) {
  const none = { padding: null, modality: null, voi: [], beginsWithTable: false, window: null, inverted: null, scale: null };
  return {
    handle,
    columns: COLUMNS,
    rows: ROWS,
    format: one.format,
    frames: [{ position: null, orientation: null, thickness: null, slope: 1, intercept: one.intercept ?? 0, pixels: 0 }],
    spacing: null,
    calibration: 'none',
    window: one.window ?? { center: 0, width: 1, function: 'linear' },
    inverted: false,
    pixels: [{ ...none, ...one.pixels }],
    tables: one.tables ?? [],
  };
}

const { origin, stop } = await serve(compiled);
const browser = await chromium.launch({
  executablePath: process.env.KONSIL_CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--ignore-gpu-blocklist'],
});
const page = await browser.newPage();
await page.route(`${origin}/`, (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html><canvas width="64" height="32"></canvas><canvas width="64" height="32"></canvas>' }));
await page.goto(`${origin}/`);
const means = await page.evaluate(async (address) => {
  const module = await import(address);
  await module.default({ module_or_path: '/viewer_web_bg.wasm' });
  const [device, memory] = document.querySelectorAll('canvas');
  window.viewers = [await module.Viewer.create(device, true), module.Viewer.on_processor(memory)];
  for (const viewer of window.viewers) viewer.set_layout(JSON.stringify([{ id: 0, x: 0, y: 0, width: 64, height: 32 }]));
  return window.viewers.map((viewer) => viewer.info());
}, `${origin}/viewer_web.js`);

const problems = [];
let compared = 0;
const runs = [...cases.entries()].flatMap(([number, one]) => means.map((_, by) => ({ number, one, by })));
for (const { number, one, by } of runs) {
  for (const inverted of [false, true]) {
    const handle = number * 2 + (inverted ? 2 : 1);
    const pixels = await page.evaluate(
      async ([view, bytes, low, which]) => {
        const viewer = window.viewers[which];
        viewer.add_series(JSON.stringify(view));
        viewer.show(0, view.handle);
        viewer.one_to_one(0);
        viewer.set_inverted(0, low);
        viewer.frame(new Uint8Array(bytes));
        viewer.draw();
        // What the processor paints is read where a person sees it.
        const canvas = document.querySelectorAll('canvas')[which];
        if (which === 1) return [...canvas.getContext('2d').getImageData(0, 0, 64, 32).data];
        return [...(await viewer.read_back(0))];
      },
      [series(handle, one), message(handle, one.format, one.stored), inverted, by],
    );
    let wrong = 0;
    one.stored.forEach((value, at) => {
      const gray = one.gray(value);
      const level = gray === undefined ? 0 : Math.floor(gray * 255 + 0.5);
      const want = gray !== undefined && inverted ? 255 - level : level;
      // Halves round upwards; within f32's error of one, either neighbor is right.
      const near = gray !== undefined && Math.abs(((gray * 255) % 1) - 0.5) < 2e-4;
      if (Math.abs(pixels[at * 4] - want) > (near ? 1 : (one.tolerance ?? 0))) wrong += 1;
      compared += 1;
    });
    if (wrong > 0) problems.push(`${one.name}${inverted ? ', inverted' : ''}, ${means[by]}: ${wrong} of ${one.stored.length} pixels`);
  }
}
await browser.close();
stop();
console.log(`${compared} pixels compared on ${means.join(' and ')}`);
if (problems.length > 0) {
  console.error(problems.join('\n'));
  process.exit(1);
}
