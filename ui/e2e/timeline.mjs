/**
 * A conversation of two thousand lines in Chromium: what is being read stays in its place to the pixel while earlier
 * lines and new ones come, the end is followed only by those who are there, and only what is in sight is drawn.
 *
 *   KONSIL_SHOTS=folder   keeps a picture where a check fails
 */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { serve } from './serve.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const { origin, stop } = await serve(join(here, '../node_modules/.stories'));
const browser = await chromium.launch({ executablePath: process.env.KONSIL_CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] });
const problems = [];
let checks = 0;

async function open(story) {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, timezoneId: 'Europe/Berlin', reducedMotion: 'reduce' });
  page.on('pageerror', (error) => problems.push(`${story}: ${error.name}`));
  await page.goto(`${origin}/stories.html?story=${story}`);
  await page.waitForSelector('[data-testid=timeline] article');
  await page.evaluate(() => document.fonts.ready);
  return page;
}

async function check(page, what, ok) {
  checks += 1;
  if (ok) return;
  problems.push(what);
  if (process.env.KONSIL_SHOTS) await page.screenshot({ path: join(process.env.KONSIL_SHOTS, `timeline-${checks}.png`) });
}

/** Where the list stands, how many lines are drawn, and where those in sight are. */
const look = (page) =>
  page.evaluate(() => {
    const list = document.querySelector('[data-testid=timeline]');
    const box = list.getBoundingClientRect();
    const lines = [...list.querySelectorAll('[data-line]')].map((line) => ({ id: line.dataset.line, top: line.getBoundingClientRect().top - box.top, bottom: line.getBoundingClientRect().bottom - box.top }));
    return {
      toEnd: list.scrollHeight - list.scrollTop - list.clientHeight,
      drawn: lines.length,
      // Lines that begin in sight.
      seen: lines.filter((line) => line.top >= 0 && line.bottom <= box.height && line.id.startsWith('many-')),
      gap: lines.every((line) => line.bottom <= 0 || line.top >= box.height) ? 'nothing in sight' : '',
    };
  });

/** The greatest distance by which a line seen before and after has moved, without the first one, whose heading may go. */
function moved(before, after) {
  const known = new Map(after.seen.map((line) => [line.id, line.top]));
  const both = before.seen.slice(1).filter((line) => known.has(line.id));
  if (both.length === 0) return Infinity;
  return Math.max(...both.map((line) => Math.abs(line.top - known.get(line.id))));
}

const scrollBy = (page, by) =>
  page.evaluate((distance) => {
    document.querySelector('[data-testid=timeline]').scrollTop += distance;
  }, by);
const settled = (page) => page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));

// New messages come every half second.
let page = await open('10-messages-talking');
await page.waitForSelector('[data-testid=message-new-2]');
await check(page, 'who is at the end stays there', (await look(page)).toEnd <= 1);
await scrollBy(page, -1500);
await settled(page);
const reading = await look(page);
await page.waitForFunction(() => document.querySelector('[data-testid=to-end]')?.textContent?.includes('3 neue'));
const later = await look(page);
await check(page, `new messages moved what was read by ${moved(reading, later)} px`, moved(reading, later) < 1);
await check(page, 'the end is not followed by who is not there', later.toEnd > 1000);
await page.click('[data-testid=to-end]');
await settled(page);
await check(page, 'the button leads to the end', (await look(page)).toEnd <= 1);
await page.waitForSelector('[data-testid=message-new-10]');
await check(page, 'and the end is followed again', (await look(page)).toEnd <= 1);
await page.close();

page = await open('10-messages-long');
await settled(page);
await check(page, `${(await look(page)).drawn} lines are drawn of two thousand`, (await look(page)).drawn < 80);

// Through the whole conversation by the wheel: lines of unknown height come from above all the time.
await page.mouse.move(900, 400);
let worst = 0;
for (let turn = 0; turn < 12; turn += 1) {
  const before = await look(page);
  await page.mouse.wheel(0, -300);
  await page.waitForFunction((top) => document.querySelector('[data-testid=timeline]').scrollTop !== top, await page.evaluate(() => document.querySelector('[data-testid=timeline]').scrollTop), { timeout: 300 }).catch(() => undefined);
  await page.waitForTimeout(120);
  await settled(page);
  const after = await look(page);
  const known = new Map(after.seen.map((line) => [line.id, line.top]));
  const distances = before.seen.filter((line) => known.has(line.id)).map((line) => known.get(line.id) - line.top);
  worst = Math.max(worst, ...distances.map((distance) => Math.abs(distance - 300)));
}
await check(page, `a turn of the wheel moved the lines by up to ${worst} px more or less than it should`, worst <= 2);

// To the beginning of what is loaded: the forty lines before it come by themselves.
await page.evaluate(() => {
  document.querySelector('[data-testid=timeline]').scrollTop = 900;
});
await settled(page);
await page.waitForTimeout(60);
let before = await look(page);
await page.waitForFunction(() => document.querySelector('[data-testid=timeline]').scrollTop > 2000, undefined, { timeout: 4000 }).catch(() => undefined);
await settled(page);
let after = await look(page);
await check(page, `earlier lines moved what was read by ${moved(before, after)} px`, moved(before, after) < 1);
await check(page, 'and all of it stayed in sight', after.gap === '');

// A jump into the middle draws what is there.
await page.evaluate(() => {
  const list = document.querySelector('[data-testid=timeline]');
  list.scrollTop = list.scrollHeight / 2;
});
await settled(page);
await settled(page);
const middle = await look(page);
await check(page, `a jump shows lines (${middle.seen.length})`, middle.seen.length > 3);
await page.waitForTimeout(200);
await check(page, 'and they stand still', moved(middle, await look(page)) < 1);

// A window that gets narrower breaks the lines anew; the one being read stays at the top.
const first = middle.seen[0];
await page.setViewportSize({ width: 1000, height: 700 });
await settled(page);
await page.waitForTimeout(100);
const narrow = await look(page);
const same = narrow.seen.find((line) => line.id === first.id);
await check(page, 'the first line in sight stays in its place when the window changes', same !== undefined && Math.abs(same.top - first.top) < 1);
await page.close();

// An answer leads to the message that it answers, however far above.
page = await open('10-messages-long');
await page.evaluate(() => {
  const list = document.querySelector('[data-testid=timeline]');
  list.scrollTop = list.scrollHeight / 2;
});
await page.waitForTimeout(200);
let replied = '';
for (let turn = 0; turn < 20 && replied === ''; turn += 1) {
  await scrollBy(page, 400);
  await settled(page);
  replied = await page.evaluate(() => {
    const list = document.querySelector('[data-testid=timeline]').getBoundingClientRect();
    const found = [...document.querySelectorAll('[data-testid^=replied-]')].find((one) => one.getBoundingClientRect().top > list.top && one.getBoundingClientRect().bottom < list.bottom);
    found?.click();
    return found?.dataset.testid?.slice('replied-$'.length) ?? '';
  });
}
await page.waitForTimeout(300);
const target = await page.evaluate((id) => {
  const line = document.querySelector(`[data-testid="message-${id}"]`);
  const list = document.querySelector('[data-testid=timeline]').getBoundingClientRect();
  const box = line?.getBoundingClientRect();
  return { focused: document.activeElement === line, seen: box !== undefined && box.top >= list.top && box.bottom <= list.bottom };
}, replied);
await check(page, `an answer leads to its message (${replied})`, replied !== '' && target.focused && target.seen);

// Home and End by the keyboard, with the focus.
await page.keyboard.press('End');
await page.waitForTimeout(200);
await check(page, 'End goes to the last line', await page.evaluate(() => document.activeElement?.getAttribute('data-testid') === 'message-many-2199'));
await page.keyboard.press('Home');
await page.waitForTimeout(200);
await check(page, 'Home goes to the first line that is loaded', await page.evaluate(() => document.activeElement?.getAttribute('data-testid') === 'message-many-200'));
const faults = await page.evaluate(() => window.__faults);
problems.push(...faults.map((fault) => `fault: ${fault}`));
await page.close();

await browser.close();
stop();
for (const problem of problems) process.stdout.write(`${problem}\n`);
process.stdout.write(`${checks} checks of a long conversation, ${problems.length} problems\n`);
process.exit(problems.length === 0 ? 0 : 1);
