/**
 * The main job by keyboard alone, in Chromium over the in-memory host: sign in, today, cases, search, case, its
 * parts, next case, command palette, theme, lock. Fails at the first step that does not show what it should.
 */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { serve } from './serve.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const { origin, stop } = await serve(join(here, '../node_modules/.stories'));
const browser = await chromium.launch({ executablePath: process.env.KONSIL_CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] });
const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, timezoneId: 'Europe/Berlin' });
const { keyboard } = page;
let steps = 0;

async function step(what, act, selector, check = () => true) {
  await act();
  try {
    await page.waitForSelector(selector, { timeout: 4000 });
    const ok = await page.evaluate(([test, chosen]) => {
      const element = document.querySelector(chosen);
      return new Function('element', `return (${test})(element)`)(element);
    }, [check.toString(), selector]).catch(() => false);
    if (!ok) throw new Error('shown, but not as it should be');
  } catch (error) {
    process.stdout.write(`FAILED ${what}: ${error instanceof Error ? error.message.split('\n')[0] : error}\n`);
    if (process.env.KONSIL_SHOTS) await page.screenshot({ path: join(process.env.KONSIL_SHOTS, 'walk-failed.png') });
    await browser.close();
    stop();
    process.exit(1);
  }
  steps += 1;
}
const press = (...keys) => async () => {
  for (const key of keys) await keyboard.press(key);
};
const focused = (selector) => page.waitForFunction((wanted) => document.activeElement?.matches(wanted), selector, { timeout: 4000 });

await page.goto(`${origin}/stories.html?story=01-sign-in`);
await page.waitForSelector('[data-testid=sign-in-platform]');
await step('Enter in the address signs in and waits for the browser', press('Enter'), '[data-testid=sign-in-waiting]');
await step('the program goes on by itself', async () => undefined, '[data-testid=today]');
await step('J enters the agenda', press('j'), '[data-testid=agenda-row-pat-auenwald]:focus');
await step('J again moves to the second case', press('j'), '[data-testid=agenda-row-pat-birkenlicht]:focus');
await step('G F opens the cases', press('g', 'f'), '[data-testid=cases]');
await step('"/" goes to the search', press('/'), '[data-testid=cases-search]:focus');
await step('typing searches', async () => keyboard.type('Ahrenf'), '[data-testid=case-row-pat-aehrenfeld]');
await page.waitForFunction(() => document.querySelectorAll('[data-testid^=case-row-]').length === 1);
await step('Esc clears the search', press('Escape'), '[data-testid=case-row-pat-auenwald]');
await step('arrows move', press('j', 'ArrowDown', 'ArrowUp'), '[data-testid=case-row-pat-auenwald]:focus');
await step('space previews', press(' '), '[data-testid=case-preview]');
await step('Enter opens the case', press('Enter'), '[data-testid=overview]');
await step('the banner names the patient', async () => undefined, '[data-testid=patient-banner]', (element) => element.textContent.includes('AUENWALD, Gernot') && element.textContent.includes('*14.03.1957'));
await step('Alt 4 shows the laboratory', press('Alt+4'), '[data-testid=tab-laboratory][aria-selected=true]');
await step('Alt 3 shows the reports', press('Alt+3'), '[data-testid=tab-documents][aria-selected=true]');
await step('a report opens in the same frame', async () => {
  await page.focus('[data-testid=document-doc-1r]');
  await keyboard.press('Enter');
}, '[data-testid=document-reader]', (element) => element.textContent.includes('N3 histologisch gesichert'));
await step('Esc closes it', press('Escape'), '.x, [data-testid=tab-documents]', () => document.querySelector('[data-testid=document-reader]') === null);
await step('Strg Bild ↓ opens the next case', press('Control+PageDown'), '[data-testid=patient-banner]', (element) => element.textContent.includes('BIRKENLICHT, Selma'));
await step('the next case keeps the part', async () => undefined, '[data-testid=tab-documents][aria-selected=true]');
await step('an allergy is in the banner', async () => page.waitForFunction(() => document.body.textContent.includes('Penicillin')), '[data-testid=patient-banner]', (element) => element.textContent.includes('Penicillin'));
await step('Strg K opens the palette', press('Control+k'), '[data-testid=palette-input]:focus');
await step('the palette finds a case by its number', async () => keyboard.type('TH-204471'), '[data-testid=palette-case-pat-auerwald][aria-selected=true]');
await step('Esc closes the palette', press('Escape'), '[data-testid=patient-banner]', () => document.querySelector('[data-testid=palette]') === null);
await step('"?" opens the keys', press('?'), '[data-testid=key-table]');
await step('a message lies in front of a dialog', press('Control+Shift+L'), '[data-testid=toast]', (element) => {
  const { left, top, width, height } = element.getBoundingClientRect();
  return element.contains(document.elementFromPoint(left + width / 2, top + height / 2));
});
await step('and is said there', async () => undefined, '[role=status][aria-live=polite]', (element) => element.closest('[inert], [aria-hidden=true]') === null && element.textContent === document.querySelector('[data-testid=toast] span').textContent);
await step('F6 goes to it', press('F6'), '[data-testid=toast] button:focus');
await step('Esc ends it and comes back to the dialog', press('Escape'), '[data-testid=help] :focus', () => document.querySelector('[data-testid=toast]') === null);
await step('Tab stays in the dialog', press('Control+Shift+L', 'Shift+Tab', 'Shift+Tab', 'Tab', 'Tab'), '[data-testid=help] :focus');
await step('F6 and Enter take back what the message tells', press('F6', 'Shift+F6', 'F6', 'Enter'), '[data-testid=help] :focus', () => document.querySelector('[data-testid=toast]') === null && document.documentElement.dataset.theme === 'dark');
await step('a second one tells of the way back', press('Control+Shift+L'), 'html[data-theme=light]');
await step('Esc closes them', press('Escape'), '[data-testid=patient-banner]', () => document.querySelector('[data-testid=help]') === null);
await step('Strg Umschalt L switches to the reading room', press('Control+Shift+L'), 'html[data-theme=dark]');
await step('Strg Z takes it back', press('Control+z'), 'html[data-theme=light]');
await step('Strg + makes the type larger', press('Control++'), 'html', (element) => element.style.fontSize === '110%');
await step('F6 moves from region to region', press('F6'), ':focus');
await step('G C opens the messages', press('g', 'c'), '[data-testid=conversations]');
await step('J enters the conversations', press('j'), '[data-testid="conversation-!steinklee"]:focus');
await step('Ende goes to the last conversation, and Pos1 back', press('End', 'Home'), '[data-testid="conversation-!steinklee"]:focus');
await step('Enter opens it and goes to the text', press('Enter'), '[data-testid=composer]:focus');
await step('a text and Enter send it', async () => {
  await keyboard.type('Wie ist der MMR-Status?');
  await keyboard.press('Enter');
}, '[data-testid=message-new-1]', (element) => element.textContent.includes('Wie ist der MMR-Status?'));
await step('the text field is empty again', async () => undefined, '[data-testid=composer]:focus', (element) => element.value === '');
await step('a colleague answers', async () => undefined, '[data-testid=message-new-2]', (element) => element.textContent.includes('pMMR'));
await step('the answer is said aloud with its sender', async () => undefined, '[role=status][aria-live=polite]', (element) => element.textContent === 'Brunnengold: pMMR, alle vier Proteine erhalten.');
await step('Umschalt Tab enters the lines at the last one', press('Shift+Tab'), '[data-testid=timeline] :focus');
await step('arrows move from message to message', press('End', 'ArrowUp'), '[data-testid=message-new-1]:focus');
await step('Ende goes to the last message, E reacts', press('End', 'e'), '[data-testid="pick-👍"]:focus');
await step('an arrow and Enter choose', press('ArrowRight', 'Enter'), '[data-testid="reaction-new-2-✅"]');
await step('R answers the message', async () => {
  await focused('[data-testid=message-new-2]');
  await keyboard.press('r');
}, '[data-testid=composer]:focus', () => document.querySelector('[data-testid=composer-leave]') !== null);
await step('Esc leaves the answer', press('Escape'), '[data-testid=composer]:focus', () => document.querySelector('[data-testid=composer-leave]') === null);
await step('↑ edits the last own message', press('ArrowUp'), '[data-testid=composer]:focus', (element) => element.value === 'Wie ist der MMR-Status?');
await step('Enter sends the change', async () => {
  await keyboard.press('End');
  await keyboard.type(' Danke.');
  await keyboard.press('Enter');
}, '[data-testid=message-new-1]');
await page.waitForFunction(() => document.querySelector('[data-testid=edited-new-1]')?.closest('[data-testid=message-new-1]')?.textContent?.includes(' Danke.'));
await step('a draft stays with its conversation', async () => {
  await keyboard.type('Noch eine Frage');
  await keyboard.press('Control+ArrowDown');
}, '[data-testid=conversation-head]', (element) => element.textContent.includes('Auenwald'));
await step('Strg ↑ comes back to it', press('Control+ArrowUp'), '[data-testid=composer]:focus', (element) => element.value === 'Noch eine Frage');
// A message that is still shown would be the next region.
await page.waitForFunction(() => document.querySelector('[data-testid=toast]') === null);
await step('F6 leaves the text, where letters are letters', press('F6'), 'nav :focus');
await step('G H goes home', press('g', 'h'), '[data-testid=today]');
await step('Strg Umschalt X locks', press('Control+Shift+X'), '[data-testid=locked]', () => !document.body.textContent.includes('Auenwald') && !document.body.textContent.includes('Birkenlicht') && !document.body.textContent.includes('Steinklee'));
await focused('[data-testid=unlock-button]');
await step('Enter unlocks and comes back', press('Enter'), '[data-testid=today]');
const faults = await page.evaluate(() => window.__faults);
await browser.close();
stop();
process.stdout.write(`${steps} steps by keyboard, ${faults.length} faults${faults.map((fault) => `\n${fault}`).join('')}\n`);
process.exit(faults.length === 0 ? 0 : 1);
