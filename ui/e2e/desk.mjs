/**
 * The main job in Chromium over `desk-http`: the real desk and the evaluation platform behind the same page, WebGL2 by
 * software. Every screen is held against axe in both themes; a fault of the page or a violation of its policy fails.
 *
 *   node e2e/desk.mjs --desk PROGRAM --pages DIR --profile DIR --platform URL --browser PROGRAM [--lang de|en]
 *   KONSIL_SHOTS=folder   keeps a picture of each screen
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';

const { values: given } = parseArgs({
  options: {
    desk: { type: 'string' },
    pages: { type: 'string' },
    profile: { type: 'string' },
    platform: { type: 'string' },
    browser: { type: 'string' },
    lang: { type: 'string', default: 'de' },
  },
});
const PATIENT = 'pat-auenwald';
/** A picture of one pixel, as PNG. */
const DOT = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const shots = process.env.KONSIL_SHOTS;
if (shots) mkdirSync(shots, { recursive: true });

const test = (id) => `[data-testid="${id}"]`;
const problems = [];
const desks = [];
let screens = 0;

/** Somebody's desk on this machine; `hold` is a file that keeps the person from signing in. */
async function startDesk(user, hold) {
  const desk = spawn(given.desk, ['--profile', join(given.profile, user), '--pages', given.pages], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, BROWSER: given.browser, KONSIL_WALK_USER: user, KONSIL_WALK_HOLD: hold },
  });
  desks.push(desk);
  const lines = createInterface({ input: desk.stdout });
  for await (const line of lines) {
    const { ready, start } = JSON.parse(line);
    if (ready) return start;
  }
  throw new Error(`the desk of ${user} did not start`);
}

/** A browser window of that person. */
async function open(browser, user, start) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, timezoneId: 'Europe/Berlin', reducedMotion: 'reduce' });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  page.on('pageerror', (error) => problems.push(`${user}: ${error.name}: ${error.message}`));
  page.on('console', (message) => {
    // A refused request is an answer; the browser writes a line about it all the same.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) problems.push(`${user}: console: ${message.text()}`);
  });
  await page.goto(start);
  const policy = (await page.goto(new URL('/', start).href))?.headers()['content-security-policy'] ?? '';
  if (!policy.includes("style-src 'self'") || !policy.includes("default-src 'self'") || policy.includes('unsafe-inline') || policy.includes("'unsafe-eval'")) {
    problems.push(`${user}: the policy is not strict: ${policy}`);
  }
  return page;
}

const settle = (page, wish) =>
  page.evaluate(async (change) => {
    const call = async (request) => (await fetch('/call', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(request) })).json();
    const started = await call({ type: 'start' });
    await call({ type: 'change-settings', settings: { ...started.value.settings, ...change } });
  }, wish);

/** Holds what is on the screen against axe, bright and dark. */
async function screen(page, name) {
  for (const [theme, shown] of [['reading-room', 'dark'], ['office', 'light']]) {
    await settle(page, { theme });
    await page.waitForSelector(`html[data-theme=${shown}]`);
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
    for (const { id, nodes } of violations) {
      problems.push(`${name} ${theme}: ${id}: ${nodes.map((node) => node.target.join(' ')).slice(0, 3).join(' | ')}`);
    }
    if (shots) await page.screenshot({ path: join(shots, `${String(screens + 1).padStart(2, '0')}-${name}-${theme}.png`) });
  }
  const sideways = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  if (sideways) problems.push(`${name}: wider than the window`);
  screens += 1;
  process.stdout.write(`${String(screens).padStart(2)}  ${name}\n`);
}

async function signIn(page) {
  await page.fill(test('sign-in-address'), given.platform);
  await page.waitForSelector(test('sign-in-platform'));
  await page.keyboard.press('Enter');
}

async function openDecision(page) {
  await page.keyboard.press('g');
  await page.keyboard.press('f');
  await page.click(`${test(`case-row-${PATIENT}`)} td`);
  await page.click(test('tab-decision'));
  await page.waitForSelector(test('decision-form'));
}

const ready = (page, viewport) => page.waitForSelector(`${test(viewport)}[data-ready=true]`);

async function walk(browser) {
  mkdirSync(given.profile, { recursive: true });
  const hold = join(given.profile, 'hold');
  const page = await open(browser, 'moderator', await startDesk('dr-falkenried', hold));
  const { keyboard } = page;
  await page.waitForSelector(test('sign-in-address'));
  await settle(page, { language: given.lang });
  await page.waitForSelector(`html[lang=${given.lang}]`);
  await screen(page, 'sign-in');
  writeFileSync(hold, '');
  await signIn(page);
  await page.waitForSelector(test('sign-in-waiting'));
  await screen(page, 'waiting');
  rmSync(hold);
  await page.waitForSelector(test(`agenda-row-${PATIENT}`));
  await screen(page, 'today');
  await keyboard.press('g');
  await keyboard.press('f');
  await page.waitForSelector(test(`case-row-${PATIENT}`));
  await screen(page, 'cases');
  await page.click(`${test(`case-row-${PATIENT}`)} td`);
  await page.waitForSelector(test('question'));
  await page.waitForFunction(() => document.querySelectorAll('[data-testid=overview] svg').length > 3);
  await screen(page, 'case');
  await page.click(test('tab-documents'));
  await page.locator('[data-testid^="document-doc-"]').first().click();
  await page.waitForSelector(test('document-reader'));
  await screen(page, 'documents');
  for (const tab of ['laboratory', 'timeline']) {
    await page.click(test(`tab-${tab}`));
    await screen(page, tab);
  }
  await images(page);
  await decision(browser, page);
  await chat(page);
  await messages(page);
  await keyboard.press('Control+,');
  for (const section of ['person', 'appearance', 'media', 'images', 'security', 'keyboard', 'connection', 'about']) {
    await page.click(test(`settings-${section}`));
    if (section === 'connection') await page.waitForSelector(test('diagnosis'));
    if (section === 'media') await page.waitForSelector(test('device-camera'));
    await screen(page, `settings-${section}`);
  }
  await keyboard.press('Control+k');
  await page.waitForSelector(test('palette'));
  await screen(page, 'palette');
  await keyboard.press('Escape');
  await page.waitForSelector(test('palette'), { state: 'detached' });
  await keyboard.press('?');
  await page.waitForSelector(test('key-table'));
  await screen(page, 'help');
  await keyboard.press('Escape');
  await keyboard.press('Control+Shift+X');
  await page.waitForSelector(test('locked'));
  if (await page.evaluate(() => document.body.textContent.includes('Auenwald'))) problems.push('locked: a patient is on the page');
  await screen(page, 'locked');
  await keyboard.press('Enter');
  await page.waitForSelector(test('settings'));
  await faults(page, 'moderator');
}

async function messages(page) {
  await page.keyboard.press('g');
  await page.keyboard.press('c');
  const row = page.locator('[data-testid^="conversation-!"]').filter({ hasText: given.lang === 'de' ? 'Fall Auenwald' : 'Case Auenwald' });
  await row.waitFor({ timeout: 120_000 });
  await screen(page, 'messages');
  await row.click();
  await page.waitForSelector(test('composer'));
  await page.waitForFunction((id) => document.querySelector(id)?.textContent.includes('Damit keine Operation'), test('timeline'));
  await screen(page, 'conversation');
}

async function images(page) {
  await page.click(test('tab-images'));
  await page.waitForSelector('[data-testid^="refused-"]');
  await ready(page, 'viewport-1');
  await screen(page, 'refused-study');
  for (const fold of await page.$$('[data-testid=series-strip] [aria-expanded=false]')) await fold.click();
  const ct = page.locator('[data-testid=series-strip] [data-modality=CT]').first();
  const series = (await ct.getAttribute('data-testid')).replace('series-', '');
  await ct.click();
  await page.waitForSelector(`${test('viewport-1')}[data-series="${series}"][data-ready=true]`);
  await page.keyboard.press('ArrowDown');
  await page.waitForSelector(`${test('viewport-1')}[data-index="1"][data-ready=true]`);
  await page.keyboard.press('2');
  await page.waitForFunction((id) => /1[.,]?500/u.test(document.querySelector(id)?.textContent ?? ''), test('corner-window-1'));
  // A picture of air, lung and bone has many shades; an empty canvas has one.
  const png = await page.locator(test('viewport-1')).screenshot();
  const shades = await page.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
    const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d');
    context.drawImage(bitmap, 0, 0);
    // The middle half holds no text.
    const [width, height] = [Math.floor(bitmap.width / 2), Math.floor(bitmap.height / 2)];
    const { data } = context.getImageData(Math.floor(width / 2), Math.floor(height / 2), width, height);
    return new Set(data.filter((_, at) => at % 4 === 0)).size;
  }, png.toString('base64'));
  if (shades < 50) problems.push(`images: the picture has ${shades} shades of gray`);
  await screen(page, 'images');
  await page.keyboard.press('$');
  await page.waitForSelector(test('viewport-4'));
  await screen(page, 'images-2x2');
  await page.keyboard.press('!');
}

async function decision(browser, page) {
  await page.click(test('tab-decision'));
  await page.waitForSelector(test('decision-form'));
  await screen(page, 'decision');
  // Somebody else has the same case open on a computer of their own and saves first.
  const other = await open(browser, 'coordinator', await startDesk('taubengruen', ''));
  await signIn(other);
  await other.waitForSelector(test('today'));
  await openDecision(other);
  await other.fill(test('decision-text'), 'Operation nach Induktion, Wiedervorstellung nach Restaging.');
  await other.waitForFunction(() => /\d\d:\d\d:\d\d[^]*\d\d:\d\d:\d\d/u.test(document.querySelector('[data-testid=decision-form] aside')?.textContent ?? ''));
  await faults(other, 'coordinator');
  await other.context().close();
  await page.fill(test('decision-text'), 'Definitive simultane Radiochemotherapie, danach Durvalumab bei fehlendem Progress.');
  await page.waitForSelector('[data-testid^="conflict-"]');
  await screen(page, 'conflict');
  await page.locator('[data-testid^="conflict-"] label').first().click();
  await page.click(test('take-choices'));
  await page.waitForSelector('[data-testid^="conflict-"]', { state: 'detached' });
  await page.click(test('segment-consensus'));
  await page.click(test('add-measure'));
  await page.click(test('measure-code-1'));
  await page.click('[role=option][data-key=ST]');
  await page.fill(test('measure-text-1'), 'Definitive Radiotherapie 60 bis 66 Gy, konventionell fraktioniert, simultan');
  for (const role of ['dr-falkenried', 'dr-sonnkaya', 'pd-brunnengold', 'dr-ahlefels', 'dr-weidenlohe', 'prof-sturmwald']) {
    const box = page.locator(`${test(`present-${role}`)} input, input${test(`present-${role}`)}`);
    if (!(await box.isChecked())) await page.click(test(`present-${role}`));
  }
  await page.waitForSelector(test('missing'), { state: 'detached' });
  await screen(page, 'draft');
  await page.click(`${test('sign')}:not([disabled])`);
  await page.waitForSelector(test('signing-preview'));
  await screen(page, 'preview');
  await page.click(test('sign-as'));
  await page.waitForSelector(test('signed-line'));
  await page.waitForSelector(`${test('check')}[data-state=matches]`);
  await screen(page, 'signed');
}

/** A picture goes into a conversation about a case, encrypted, and comes back from there. */
async function chat(page) {
  await page.keyboard.press('g');
  await page.keyboard.press('c');
  // Another conversation's last line may name the case, too; this one's past is there with its last line.
  const row = page.locator('[data-testid^="conversation-!"]', { hasText: given.lang === 'de' ? 'Fall Auenwald' : 'Case Auenwald' }).filter({ hasText: 'Einwilligung' });
  await row.click({ timeout: 120_000 });
  await page.locator(test('timeline'), { hasText: 'Damit keine Operation' }).waitFor();
  await page.setInputFiles(test('attach-input'), { name: 'Thorax.png', mimeType: 'image/png', buffer: Buffer.from(DOT, 'base64') });
  await page.locator(test('attached'), { hasText: 'Thorax.png' }).waitFor();
  await screen(page, 'attached');
  await page.click(test('send'));
  const picture = page.locator('[data-testid^="picture-"]').last();
  await picture.waitFor();
  const size = await picture.evaluate(async (image) => {
    await image.decode();
    return `${image.naturalWidth} × ${image.naturalHeight}`;
  });
  if (size !== '1 × 1') problems.push(`messages: the picture is ${size}`);
  await screen(page, 'picture');
  await page.locator('[data-testid^="show-"]').last().click();
  await page.waitForSelector(test('viewer-picture'));
  await screen(page, 'viewer');
  await page.keyboard.press('Escape');
  await page.waitForSelector(test('viewer'), { state: 'detached' });
}

async function faults(page, who) {
  for (const fault of await page.evaluate(() => window.__faults ?? ['the page keeps no list of faults'])) problems.push(`${who}: fault: ${fault}`);
}

const browser = await chromium.launch({
  executablePath: process.env.KONSIL_CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--ignore-gpu-blocklist'],
});
try {
  await walk(browser);
} catch (error) {
  problems.push(`after screen ${screens}: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`);
  for (const page of browser.contexts().flatMap((context) => context.pages())) {
    if (shots) await page.screenshot({ path: join(shots, 'failed.png') }).catch(() => undefined);
  }
} finally {
  await browser.close();
  for (const desk of desks) desk.kill('SIGINT');
}
for (const problem of problems) process.stdout.write(`${problem}\n`);
process.stdout.write(`${screens} screens in both themes over the real desk, ${problems.length} problems\n`);
process.exit(problems.length === 0 ? 0 : 1);
