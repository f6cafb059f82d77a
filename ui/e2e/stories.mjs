/**
 * Draws every story in both themes and both languages in Chromium and fails on an accessibility finding, a fault of
 * the page, text that is cut off sideways, a patient banner out of sight, or a scroll bar where none may be: behind a
 * dialog, and over the images of a message. In the messages and rounds also on text that is shortened without a title, a target that
 * is lower than 24 px (WCAG 2.5.8), and a short message over the text that is being written.
 *
 *   KONSIL_SHOTS=folder   keeps a picture of each
 *   KONSIL_STORIES=05     only stories whose name contains this
 *   KONSIL_QUICK=1        only Büro and German
 *
 * Three are drawn at a time: a drawing waits most of its time for the page's own delays.
 */
import { createRequire } from 'node:module';
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { serve } from './serve.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const shots = process.env.KONSIL_SHOTS;
const only = process.env.KONSIL_STORIES ?? '';
const quick = process.env.KONSIL_QUICK === '1';
if (shots) mkdirSync(shots, { recursive: true });

const { origin, stop } = await serve(join(here, '../node_modules/.stories'));
const browser = await chromium.launch({ executablePath: process.env.KONSIL_CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] });
const problems = [];
let count = 0;

/** Carries out the drawings, a few at a time. */
async function all(drawings) {
  const waiting = drawings.values();
  const lane = async () => {
    for (const drawing of waiting) await drawing();
  };
  await Promise.all([lane(), lane(), lane()]);
}

async function draw(context, { id, keys }, theme, language, name, check) {
  const page = await context.newPage();
  page.on('pageerror', (error) => problems.push(`${name}: ${error.name}`));
  await page.goto(`${origin}/stories.html?story=${id}&theme=${theme}&language=${language}`);
  await page.waitForSelector('main');
  await page.evaluate(() => document.fonts.ready);
  // Discovery starts 400 ms after the last key, a skeleton after 300 ms.
  await page.waitForTimeout(650);
  for (const key of keys) {
    if (key.startsWith('click:')) await page.click(key.slice('click:'.length));
    else if (key.startsWith('see:')) await page.waitForSelector(key.slice('see:'.length));
    else await page.keyboard.press(key);
  }
  if (keys.length > 0) await page.waitForTimeout(450);
  if (shots) await page.screenshot({ path: join(shots, `${name}.png`) });
  if (check) {
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
    for (const violation of violations) {
      problems.push(`${name}: ${violation.id}: ${violation.nodes.map((node) => node.target.join(' ')).slice(0, 3).join(' | ')}`);
    }
  }
  const found = await page.evaluate(() => {
    const banner = document.querySelector('[data-testid=patient-banner]');
    const box = banner?.getBoundingClientRect();
    const scrolling = [...document.body.querySelectorAll('*')].filter((one) => {
      const { overflowX, overflowY } = getComputedStyle(one);
      const scrolls = (overflow) => overflow === 'auto' || overflow === 'scroll';
      return (scrolls(overflowY) && one.scrollHeight > one.clientHeight) || (scrolls(overflowX) && one.scrollWidth > one.clientWidth);
    });
    const named = (one) => `${one.tagName.toLowerCase()}.${one.className}`;
    const reached = [...document.body.querySelectorAll('*')].filter((one) => !one.closest('[inert], [aria-hidden=true], .visually-hidden') && one.checkVisibility());
    const covers = (one, other) => {
      const [a, b] = [one.getBoundingClientRect(), other?.getBoundingClientRect() ?? new DOMRect()];
      return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
    };
    // In a smaller window the images scroll in their own box.
    const roomy = window.innerWidth >= 1100;
    return {
      faults: window.__faults,
      bars: scrolling.filter((one) => one.closest('[inert]')).map(named),
      overImages: roomy ? scrolling.filter((one) => one.closest('[data-testid=study-viewer]')).map(named) : [],
      shortened: reached.filter((one) => getComputedStyle(one).textOverflow === 'ellipsis' && one.scrollWidth > one.clientWidth && !one.closest('[title]')).map((one) => one.textContent),
      // A target within a sentence is as high as its line (2.5.8, inline).
      low: reached.filter((one) => one.matches('button') && one.offsetWidth > 1 && one.offsetHeight < 24 && ![...one.parentNode.childNodes].some((beside) => beside.nodeType === Node.TEXT_NODE || beside.matches?.('span'))).map((one) => one.getAttribute('aria-label') ?? one.textContent),
      covered: reached.some((one) => one.matches('[data-testid=toast]') && covers(one, document.querySelector('[data-testid=composer]'))),
      sideways: document.documentElement.scrollWidth > window.innerWidth,
      banner: box ? box.top >= 0 && box.bottom <= window.innerHeight && box.right <= window.innerWidth + 1 : null,
    };
  });
  for (const fault of found.faults) problems.push(`${name}: fault: ${fault}`);
  for (const bar of found.bars) problems.push(`${name}: a scroll bar behind the dialog: ${bar}`);
  for (const bar of found.overImages) problems.push(`${name}: a scroll bar over images: ${bar}`);
  if (id.startsWith('10-') || id.startsWith('11-')) {
    for (const text of found.shortened) problems.push(`${name}: shortened without a title: ${text}`);
    for (const label of found.low) problems.push(`${name}: a low target: ${label}`);
    if (found.covered) problems.push(`${name}: a short message over the text`);
  }
  if (found.sideways) problems.push(`${name}: wider than the window`);
  if (id.startsWith('05') && found.banner !== true) problems.push(`${name}: patient banner out of sight`);
  await page.close();
  count += 1;
}

const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, timezoneId: 'Europe/Berlin', reducedMotion: 'reduce' });
// A browser without a GPU draws a page of pictures in seconds when another program takes a core.
context.setDefaultNavigationTimeout(120_000);
const index = await context.newPage();
await index.goto(`${origin}/stories.html`);
await index.waitForFunction(() => window.__stories !== undefined);
const stories = (await index.evaluate(() => window.__stories)).filter(({ id }) => id.includes(only));
await index.close();

const looks = (quick ? ['office'] : ['office', 'reading-room']).flatMap((theme) => (quick ? ['de'] : ['de', 'en']).map((language) => [theme, language]));
await all(stories.flatMap((story) => looks.map(([theme, language]) => () => draw(context, story, theme, language, `${story.id}-${theme}-${language}`, true))));
await context.close();

// The sizes of the frame: the smallest window, 200 % zoom, a large monitor.
for (const [label, viewport] of [
  ['1280', { width: 1280, height: 720 }],
  ['zoom200', { width: 720, height: 450 }],
  ['1920', { width: 1920, height: 1080 }],
]) {
  const sized = await browser.newContext({ viewport, deviceScaleFactor: label === 'zoom200' ? 2 : 1, timezoneId: 'Europe/Berlin', reducedMotion: 'reduce' });
  const shown = stories.filter(({ id }) => ['01-sign-in', '01f-start-machine', '02-today', '04-cases', '05-case', '05-case-documents', '10-messages', '10-messages-list', '10-messages-file-details', '10-messages-search-open', '10-messages-told', '11-rounds-running', '11-round', '11-round-before', '11-round-spotlight-people', '11-round-keys', '11-round-bar', '11-round-bar-stopped', '11-round-share-choose', '11-round-sharing', '11-round-advice-sends-with-loss', '11-round-advice-bar', '11-round-way-tcp', '11-round-sharing-screen', '11-round-screen', '13-settings', '13-settings-media', '13-settings-media-round'].includes(id));
  await all(shown.map((story) => () => draw(sized, story, 'office', 'de', `${story.id}-${label}`, false)));
  await sized.close();
}

await browser.close();
stop();
for (const problem of problems) process.stdout.write(`${problem}\n`);
process.stdout.write(`${count} pictures of ${stories.length} stories, ${problems.length} problems\n`);
process.exit(problems.length === 0 ? 0 : 1);
