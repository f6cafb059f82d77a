// A picture of every screen in the real window, in both themes, in one language.
//
// node screens.mjs --program PROGRAM --profile DIR --platform URL --out DIR [--lang de|en]

import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Steps, Window, field, fill, noFaults, openSeries, settle, shown, signIn, stack, test } from './steps.mjs'

const { values } = parseArgs({
  options: {
    program: { type: 'string' },
    profile: { type: 'string' },
    platform: { type: 'string' },
    out: { type: 'string' },
    lang: { type: 'string', default: 'de' },
    theme: { type: 'string', default: 'office' },
    patient: { type: 'string', default: 'pat-auenwald' },
  },
})
const { program, profile, platform, out, lang, patient } = values

const steps = new Steps(out)
let window
let other
let d

// A step leaves its picture in the bright theme; the dark one follows under the same number.
async function screen(name, work) {
  await steps.step(() => d, name, async () => {
    await work()
    await settle(d, { theme: 'reading-room' })
    await d.wait('the dark theme', () => d.js('return document.documentElement.dataset.theme === "dark"'))
    await d.shot(join(out, `${String(++count).padStart(2, '0')}-${name}-reading-room.png`))
    await settle(d, { theme: 'office' })
    await d.wait('the bright theme', () => d.js('return document.documentElement.dataset.theme === "light"'))
    const sideways = await d.js('return document.documentElement.scrollWidth > innerWidth')
    if (sideways) throw new Error('wider than the window')
  })
}
let count = 0

// Escape until no dialog is left.
async function noDialog() {
  await d.press('Escape')
  await d.wait('the dialog to close', () => d.js('return document.querySelector("[role=dialog]") === null'))
}

const tab = (id) => d.click(test(`tab-${id}`))

// Somebody else writes into the same decision on a computer of their own, while it is open here.
async function otherWrites(text) {
  other = await Window.open(program, ['--profile', join(profile, 'other')], { KONSIL_WALK_USER: 'taubengruen' })
  const o = other.driver
  await signIn(o, platform)
  await o.press('g', 'f')
  await o.click(`${test(`case-row-${patient}`)} > td`)
  await o.click(test('tab-decision'))
  await fill(o, field('decision-text'), text)
  // Two times: when it was kept here, and when the platform had it.
  await o.wait('the other draft on the platform', () =>
    o.js('return /\\d\\d:\\d\\d:\\d\\d[^]*\\d\\d:\\d\\d:\\d\\d/.test(document.querySelector("[data-testid=decision-form] aside").textContent)'),
  )
  await other.close()
  other = undefined
}

async function walk() {
  const hold = join(profile, 'hold')
  mkdirSync(profile, { recursive: true })
  await screen('sign-in', async () => {
    window = await Window.open(program, ['--profile', join(profile, 'own')], { KONSIL_WALK_HOLD: hold })
    d = window.driver
    await d.seen(field('sign-in-address'))
    await settle(d, { language: lang, theme: 'office' })
    await d.wait('the language', () => d.js('return document.documentElement.lang === arguments[0]', lang))
    await fill(d, field('sign-in-address'), platform)
    await d.seen(test('sign-in-platform'))
  })
  await screen('sign-in-failed', async () => {
    await fill(d, field('sign-in-address'), 'http://127.0.0.1:9')
    await d.seen(test('sign-in-failure'))
  })
  await screen('waiting', async () => {
    writeFileSync(hold, '')
    await fill(d, field('sign-in-address'), platform)
    await d.seen(test('sign-in-platform'))
    await d.click(test('sign-in-button'))
    await d.seen(test('sign-in-waiting'))
  })
  await screen('today', async () => {
    rmSync(hold)
    await d.seen(test(`agenda-row-${patient}`))
  })
  await screen('cases', async () => {
    await d.press('g', 'f')
    await d.seen(test(`case-row-${patient}`))
  })
  await screen('cases-preview', async () => {
    await d.press('j', 'Space')
    await d.seen(test('case-preview'))
  })
  await screen('cases-no-hit', async () => {
    await d.press('/')
    await d.write('Auenwlad')
    await d.wait('no row', () => d.js('return document.querySelector("[data-testid^=case-row-]") === null'))
    await d.press('Escape')
    await d.seen(test(`case-row-${patient}`))
    await d.press('/')
    await d.write('Auenwlad')
    await d.wait('no row', () => d.js('return document.querySelector("[data-testid^=case-row-]") === null'))
  })
  await screen('case', async () => {
    await d.press('Escape')
    await d.click(`${test(`case-row-${patient}`)} > td`)
    await d.wait('the laboratory', () => d.js('return document.querySelectorAll("[data-testid=overview] svg").length > 3'))
  })
  await screen('documents', async () => {
    await tab('documents')
    await d.click('[data-testid^="document-doc-"]')
    await d.seen(test('document-reader'))
  })
  await screen('laboratory', () => tab('laboratory'))
  await screen('timeline', () => tab('timeline'))
  await screen('refused-study', async () => {
    await tab('images')
    await d.seen('[data-testid^="refused-"]')
    await d.wait('a picture', async () => (await shown(d, 'viewport-1')) !== null, 60000)
  })
  await screen('images', async () => {
    const ct = await stack(d, 'CT')
    await openSeries(d, ct)
    await d.click(test('viewport-1'))
    await d.press('Home', ...Array.from({ length: 115 }, () => 'ArrowDown'))
    await d.wait('image 116', async () => (await shown(d, 'viewport-1')) === '115', 60000)
  })
  await screen('images-2x2', async () => {
    await d.press('$')
    await d.seen(test('viewport-4'))
    const entries = await d.js('return [...document.querySelectorAll("[data-testid=series-strip] [data-modality]")].map((e) => e.dataset.testid).slice(0, 3)')
    for (const [at, entry] of entries.entries()) {
      await d.click(test(`viewport-${at + 2}`))
      await d.js('document.querySelector(arguments[0]).focus()', test(entry))
      await d.press('Enter')
      await d.wait(`the focus in ${at + 2}`, () => d.js('return document.activeElement.matches(arguments[0])', test(`viewport-${at + 2}`)))
      await d.press(...Array.from({ length: 12 }, () => 'ArrowDown'))
      await d.wait(`a picture in ${at + 2}`, async () => (await shown(d, `viewport-${at + 2}`)) !== null, 60000)
    }
  })
  await screen('decision', async () => {
    await d.press('!')
    await tab('decision')
    await d.seen(test('decision-form'))
  })
  await screen('conflict', async () => {
    await otherWrites('Operation nach Induktion, Wiedervorstellung nach Restaging.')
    await fill(d, field('decision-text'), 'Definitive simultane Radiochemotherapie, danach Durvalumab bei fehlendem Progress.')
    await d.seen('[data-testid^="conflict-"]', 60000)
  })
  await screen('draft', async () => {
    await d.click('[data-testid^="conflict-"] label')
    await d.click(test('take-choices'))
    await d.wait('no conflict', () => d.js('return document.querySelector("[data-testid^=conflict-]") === null'))
    await d.click(test('segment-consensus'))
    await d.click(test('add-measure'))
    await d.press('Escape')
    for (const role of ['dr-sonnkaya', 'pd-brunnengold', 'dr-ahlefels']) {
      await d.js('const c = document.querySelector(arguments[0]); const i = c.matches("input") ? c : (c.querySelector("input") ?? c); if (!i.checked) i.click()', test(`present-${role}`))
    }
    await fill(d, field('measure-text-1'), 'Definitive Radiotherapie 60 bis 66 Gy, konventionell fraktioniert, simultan')
  })
  await screen('preview', async () => {
    await d.click(test('measure-code-1'))
    await d.press('ArrowDown', 'Enter')
    for (const role of ['dr-weidenlohe', 'prof-sturmwald', 'dr-falkenried']) {
      await d.js('const c = document.querySelector(arguments[0]); const i = c.matches("input") ? c : (c.querySelector("input") ?? c); if (!i.checked) i.click()', test(`present-${role}`))
    }
    await d.wait('nothing missing', () => d.js('return document.querySelector("[data-testid=missing]") === null && !document.querySelector("[data-testid=sign]").disabled'))
    await d.click(test('sign'))
    await d.seen(test('signing-preview'))
  })
  await screen('signed', async () => {
    await d.click(test('sign-as'))
    await d.seen(test('signed-line'), 30000)
    await d.wait('the check', () => d.js('return document.querySelector("[data-testid=check]")?.dataset.state === "matches"'))
  })
  await screen('palette', async () => {
    await d.press('Control+k')
    await d.seen(test('palette-input'))
    await d.write('Au')
    await d.seen(test('palette-case-pat-auerwald'))
  })
  await screen('help', async () => {
    await noDialog()
    await d.press('g', 'h')
    await d.seen(test('today'))
    await d.press('?')
    await d.seen(test('key-table'))
  })
  await screen('messages', async () => {
    await noDialog()
    await d.press('g', 'c')
    await d.seen('[data-testid^="conversation-!"]', 120000)
  })
  await screen('conversation', async () => {
    await d.wait('the conversation about the case', () =>
      d.js(`const row = [...document.querySelectorAll('[data-testid^="conversation-!"]')].find((row) => row.textContent.includes(arguments[0]))
            if (!row) return false
            row.setAttribute('data-walk-room', ''); return true`, lang === 'de' ? 'Fall Auenwald' : 'Case Auenwald'), 120000)
    await d.click('[data-walk-room]')
    await d.seen(test('composer'))
    await d.wait('what was written', () => d.js('return document.querySelector("[data-testid=timeline]")?.textContent.includes("Damit keine Operation") ?? false'), 60000)
  })
  for (const section of ['person', 'appearance', 'images', 'security', 'keyboard', 'connection', 'about']) {
    await screen(`settings-${section}`, async () => {
      if (section === 'person') {
        await noDialog()
        await d.press('Control+,')
        await d.seen(test('settings'))
      }
      if (await d.js('return document.querySelector(arguments[0]) !== null', test(`settings-${section}`))) await d.click(test(`settings-${section}`))
      if (section === 'connection') await d.seen(test('diagnosis'))
    })
  }
  await screen('locked', async () => {
    await d.press('Control+Shift+x')
    await d.seen(test('locked'))
  })
  await steps.step(() => d, 'no-faults', () => noFaults(d))
}

await steps.run(walk, async () => {
  await other?.close()
  await window?.close()
})
