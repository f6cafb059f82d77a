// The main job in the real window by the keyboard alone: sign in, today, case, images, a length and a value,
// decision, signed. No pointer is used, and the walk fails if the page saw one (WCAG 2.1.1).
//
// node keyboard.mjs --program PROGRAM --profile DIR --platform URL --out DIR [--lang de|en] [--theme office|reading-room]

import { parseArgs } from 'node:util'
import { Steps, Window, field, noFaults, shown, stack, test } from './steps.mjs'

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
const { program, profile, platform, out, patient } = values

const steps = new Steps(out)
let window
let d
const step = (name, work) => steps.step(() => d, name, work)

// What has the focus, in words for a message.
const focused = () =>
  d.js(`const a = document.activeElement
        return a === null || a === document.body ? 'nothing' : \`\${a.tagName.toLowerCase()} \${a.dataset.testid ?? a.getAttribute('aria-label') ?? a.textContent.slice(0, 40)}\``)
const hasFocus = (css) => d.js('return document.activeElement !== null && document.activeElement.matches(arguments[0])', css)

// Waits until the focus has come to an element by itself.
async function comes(css) {
  await d.wait(`the focus on ${css}`, () => hasFocus(css)).catch(async (error) => {
    throw new Error(`${error.message}; ${await focused()} has it`)
  })
}

// Presses a key until an element has the focus; a ring that never reaches it is a fault of the page.
async function reach(css, key = 'Tab', most = 80) {
  for (let i = 0; i < most; i++) {
    if (await hasFocus(css)) return
    await d.press(key)
  }
  throw new Error(`${most} times ${key} does not lead to ${css}; ${await focused()} has the focus`)
}

// An option of the select that has the focus.
async function choose(option) {
  await d.press('Enter')
  await d.wait('the list of options', () => hasFocus('[role=option], [role=listbox]'))
  await reach(`[role=option][data-key="${option}"]`, 'ArrowDown', 40)
  await d.press('Enter')
  await d.wait('the list to close', () => d.js('return document.querySelector("[role=listbox]") === null'))
}

// A length or a value is told to a screen reader as well as drawn.
const measurements = () => d.js('return [...document.querySelectorAll("#viewport-measurements-0 li")].map((li) => li.textContent)')
const number = (text) => Number(text.match(/-?\d+(?:[.,]\d+)?/u)?.[0].replace(',', '.'))

async function walk() {
  await step('start', async () => {
    window = await Window.open(program, ['--profile', profile])
    d = window.driver
    await comes(field('sign-in-address'))
    await d.js(`window.__pointers = []
                for (const kind of ['pointerdown', 'mousedown', 'touchstart', 'wheel']) addEventListener(kind, () => window.__pointers.push(kind), true)`)
  })
  await step('language', async () => {
    if ((await d.js('return document.documentElement.lang')) !== values.lang) {
      await reach(test('sign-in-language'), 'Shift+Tab', 20)
      await choose(values.lang)
      await d.wait('the language', () => d.js('return document.documentElement.lang === arguments[0]', values.lang))
      await reach(field('sign-in-address'))
    }
  })
  await step('address', async () => {
    await d.press('Control+a')
    await d.write(platform)
    await d.seen(test('sign-in-platform'))
  })
  await step('sign-in', async () => {
    await d.press('Enter')
    await d.seen(test(`agenda-row-${patient}`), 60000)
  })
  await step('theme', async () => {
    const wanted = values.theme === 'office' ? 'light' : 'dark'
    if ((await d.js('return document.documentElement.dataset.theme')) !== wanted) await d.press('Control+Shift+l')
    await d.wait('the theme', () => d.js('return document.documentElement.dataset.theme === arguments[0]', wanted))
  })
  await step('case', async () => {
    await d.press('j')
    await reach(test(`agenda-row-${patient}`), 'j', 40)
    await d.press('Enter')
    await d.seen(test('patient-banner'))
    await d.wait('the laboratory', () => d.js('return document.querySelectorAll("[data-testid=overview] svg").length > 3'))
  })
  await step('images', async () => {
    await d.press('b')
    await d.seen(test('series-strip'))
    await d.wait('all studies', () => d.js('return document.querySelectorAll("[data-testid=series-strip] section").length > 1'))
    await d.press('F6')
    await d.wait('the strip by F6', async () => {
      if (await d.js('return document.querySelector("[data-testid=series-strip]").contains(document.activeElement)')) return true
      await d.press('F6')
      return false
    })
  })
  await step('series', async () => {
    // Older studies are folded until they are asked for.
    while (await d.js('return document.querySelector("[data-testid=series-strip] [aria-expanded=false]") !== null')) {
      const folded = await d.js('return document.querySelectorAll("[data-testid=series-strip] [aria-expanded=false]").length')
      await reach('[data-testid=series-strip] [aria-expanded=false]')
      await d.press('Enter')
      await d.wait('a study to unfold', () => d.js('return document.querySelectorAll("[data-testid=series-strip] [aria-expanded=false]").length < arguments[0]', folded))
    }
    const ct = await stack(d, 'CT')
    const list = `[role=grid]:has(${test(ct)}) [data-modality]`
    // Backwards: the studies unfolded first stand above.
    await reach(list, 'Shift+Tab')
    await reach(test(ct), 'ArrowDown', 20)
    await d.press('Enter')
    await d.wait('the first image of the CT', async () => {
      const series = await d.js('return document.querySelector("[data-testid=viewport-1]")?.dataset.series')
      return series === ct.replace('series-', '') && (await shown(d, 'viewport-1')) !== null
    }, 60000)
    await comes(test('viewport-1'))
  })
  await step('scroll', async () => {
    await d.press('Home')
    await d.wait('the first image', async () => (await shown(d, 'viewport-1')) === '0')
    await d.press('ArrowDown', 'ArrowDown', 'ArrowDown', 'ArrowUp')
    await d.wait('the third image', async () => (await shown(d, 'viewport-1')) === '2')
  })
  await step('window', async () => {
    await d.press('2')
    await d.wait('the lung window', () =>
      d.js('return /1[.,]?500/.test(document.querySelector("[data-testid=corner-window-1]")?.textContent ?? "")'),
    )
  })
  await step('length', async () => {
    await d.press('l', 'Enter', 'Enter', 'Shift+ArrowRight', 'Shift+ArrowRight', 'Shift+ArrowRight', 'Enter')
    const [length] = await d.wait('the length', async () => {
      const found = await measurements()
      return found.length === 1 && found
    })
    // 30 columns: between 21 and 30 mm for pixels of 0.7 to 1.0 mm, as a CT of the chest has them.
    if (!(number(length) > 21 && number(length) < 30)) throw new Error(`30 columns are said to be ${length}`)
  })
  await step('probe', async () => {
    await d.press('o', 'Enter')
    await d.wait('a value in HU', async () => {
      // The values of a picture are fetched anew if they were forgotten meanwhile.
      await d.press('Enter')
      return (await measurements()).some((text) => /HU/u.test(text))
    })
  })
  await step('four-viewports', async () => {
    await d.press('w', '$')
    await d.seen(test('viewport-4'))
    await d.press('!')
    await d.wait('one viewport', () => d.js('return document.querySelector("[data-testid=viewport-2]") === null'))
  })
  await step('decision', async () => {
    await d.press('d')
    await d.seen(test('decision-form'))
  })
  await step('draft', async () => {
    await reach(`${test('decision-form')} button`)
    await reach(`[role=radiogroup]:has(${test('segment-consensus')}) *, [role=toolbar]:has(${test('segment-consensus')}) *`)
    await reach(test('segment-consensus'), 'ArrowRight', 6)
    await d.press('Space')
    await d.press('Control+Enter')
    await comes(test('measure-code-1'))
    await choose('ST')
    await reach(test('measure-responsible-1'))
    await choose('pd-brunnengold')
    await reach(field('measure-text-1'))
    await d.write('Definitive Radiotherapie 60 bis 66 Gy, konventionell fraktioniert')
    await reach(field('decision-text'))
    await d.write('Definitive simultane Radiochemotherapie, danach Durvalumab.')
    for (const role of ['dr-sonnkaya', 'pd-brunnengold', 'dr-ahlefels', 'dr-weidenlohe', 'prof-sturmwald']) {
      const box = `${test(`present-${role}`)} input, input${test(`present-${role}`)}`
      await reach(box)
      if (!(await d.js('return document.querySelector(arguments[0]).checked', box))) await d.press('Space')
    }
    await d.wait('the draft on disk and nothing missing', () =>
      d.js('return !document.querySelector("[data-testid=missing]") && /\\d\\d:\\d\\d:\\d\\d/.test(document.querySelector("[data-testid=saved]")?.textContent ?? "")'),
    )
  })
  await step('preview', async () => {
    await d.press('Control+u')
    await d.seen(test('signing-preview'))
    await d.wait('the focus in the dialog', () => d.js('return document.querySelector("[role=dialog]").contains(document.activeElement)'))
  })
  await step('signed', async () => {
    await reach(test('sign-as'), 'Tab', 20)
    await d.press('Enter')
    await d.seen(test('signed-line'), 30000)
    await d.wait('the check', () => d.js('return document.querySelector("[data-testid=check]")?.dataset.state === "matches"'))
  })
  await step('locked', async () => {
    await d.press('Control+Shift+x')
    await d.seen(test('locked'))
    await comes(test('unlock-button'))
  })
  await step('unlocked', async () => {
    await d.press('Enter')
    await d.seen(test('signed-line'), 30000)
  })
  await step('no-pointer', async () => {
    const pointers = await d.js('return window.__pointers')
    if (pointers.length > 0) throw new Error(`the page saw ${pointers.join(', ')}`)
  })
}

await steps.run(
  async () => {
    await walk()
    await step('no-faults', () => noFaults(d))
  },
  () => window?.close(),
)
