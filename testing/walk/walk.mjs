// Walks the main job in the real window: sign in, today, case, images, decision, signed. Each step leaves
// a numbered picture; walk.json and walk.md tell how long each took and why one failed.
//
// node walk.mjs --program PROGRAM --profile DIR --platform URL --out DIR [--lang de|en] [--theme office|reading-room]

import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Driver } from './webdriver.mjs'

const { values } = parseArgs({
  options: {
    program: { type: 'string' },
    profile: { type: 'string' },
    platform: { type: 'string' },
    out: { type: 'string' },
    lang: { type: 'string', default: 'de' },
    theme: { type: 'string', default: 'office' },
    bulk: { type: 'string', default: 'auto' },
    patient: { type: 'string', default: 'pat-auenwald' },
  },
})
const { program, profile, platform, out, patient } = values
mkdirSync(out, { recursive: true })

const port = 4400 + (process.pid % 500)
const server = spawn('WebKitWebDriver', [`--port=${port}`], {
  stdio: ['ignore', 'ignore', 'inherit'],
  env: { ...process.env, TAURI_WEBVIEW_AUTOMATION: 'true' },
})
const steps = []
let d

async function step(name, work) {
  const n = steps.length + 1
  const picture = `${String(n).padStart(2, '0')}-${name}.png`
  const began = Date.now()
  let why = null
  try {
    await work()
  } catch (error) {
    why = error.message
  }
  const ms = Date.now() - began
  try {
    await d?.shot(join(out, picture))
  } catch (error) {
    why ??= error.message
  }
  steps.push({ n, name, ok: why === null, ms, picture, why })
  console.log(`${String(n).padStart(2)}  ${why === null ? 'ok    ' : 'FAILED'} ${String(ms).padStart(6)} ms  ${name}${why ? `: ${why}` : ''}`)
  if (why !== null) throw new Error(name)
}

const test = (id) => `[data-testid="${id}"]`

// Text is typed into the field that belongs to a test id, whether the id is on it or around it.
const field = (id) => `input${test(id)}, textarea${test(id)}, ${test(id)} input, ${test(id)} textarea`

async function set(css, text) {
  const element = await d.seen(css)
  await d.s('POST', `/element/${element}/clear`, {})
  await d.s('POST', `/element/${element}/value`, { text })
}

async function choose(css, option) {
  await d.click(css)
  await d.wait(`the option ${option}`, () =>
    d.js(
      `const o = [...document.querySelectorAll('[role=option]')].find((o) => o.dataset.key === arguments[0] || o.dataset.testid === arguments[0] || o.textContent.includes(arguments[0]));
       if (!o) return false; o.scrollIntoView({ block: 'nearest' }); o.setAttribute('data-walk', ''); return true`,
      option,
    ),
  )
  await d.click('[data-walk]')
}

const shown = (viewport) =>
  d.js(`const v = document.querySelector(arguments[0]); return v && v.dataset.ready === 'true' ? v.dataset.index : null`, test(viewport))

async function walk() {
  await step('start', async () => {
    d = await Driver.open(`http://127.0.0.1:${port}`, {
      'webkitgtk:browserOptions': { binary: program, args: ['--profile', profile, '--bulk', values.bulk] },
    })
    await d.seen(field('sign-in-address'))
    const wish = { language: values.lang, theme: values.theme }
    const failure = await d.jsAsync(
      `const [wish, done] = arguments
       const call = (request) => window.__TAURI_INTERNALS__.invoke('call', { request })
       call({ type: 'start' })
         .then((reply) => call({ type: 'change-settings', settings: { ...reply.value.settings, ...wish } }))
         .then(() => done(null), (error) => done(JSON.stringify(error)))`,
      wish,
    )
    if (failure) throw new Error(failure)
  })
  await step('address', async () => {
    await set(field('sign-in-address'), platform)
    await d.seen(test('sign-in-platform'))
  })
  await step('sign-in', async () => {
    await d.click(test('sign-in-button'))
    await d.seen(test('today'))
    await d.seen(test(`agenda-row-${patient}`))
  })
  await step('cases', async () => {
    await d.keys('g')
    await d.keys('f')
    await d.seen(test(`case-row-${patient}`))
  })
  await step('case', async () => {
    // A table row has no box of its own for the web view's driver: its first cell is clicked.
    await d.click(`${test(`case-row-${patient}`)} > td`)
    await d.seen(test('patient-banner'))
    await d.seen(test('question'))
    await d.wait('the laboratory', () => d.js('return document.querySelectorAll("[data-testid=overview] svg").length > 3'))
  })
  await step('images', async () => {
    await d.click(test('tab-images'))
    await d.seen(test('series-strip'))
    // The CT with the most images; an older study is folded until it is asked for.
    const ct = await d.wait('a CT in the strip', () =>
      d.js(`for (const fold of document.querySelectorAll('[data-testid=series-strip] [aria-expanded=false]')) fold.click()
            const entries = [...document.querySelectorAll('[data-testid^="series-"][data-modality=CT]')]
            entries.sort((a, b) => Number(b.dataset.instances) - Number(a.dataset.instances))
            return entries[0]?.dataset.testid ?? null`),
    )
    await d.click(test(ct))
    await d.wait('the first image of the CT', async () => {
      const title = await d.js('return document.querySelector("[data-testid=viewport-1]")?.dataset.series')
      return title === ct.replace('series-', '') && (await shown('viewport-1')) !== null
    }, 60000)
  })
  await step('scroll', async () => {
    const before = Number(await shown('viewport-1'))
    await d.click(test('viewport-1'))
    await d.keys('\uE015')
    await d.wait('the next image', async () => {
      const now = await shown('viewport-1')
      return now !== null && Number(now) !== before
    })
  })
  await step('lung-window', async () => {
    await d.keys('2')
    await d.wait('the lung window', () =>
      d.js('return /1[.,]?500/.test(document.querySelector("[data-testid=corner-window-1]")?.textContent ?? "")'),
    )
  })
  await step('decision', async () => {
    await d.click(test('tab-decision'))
    await d.seen(test('decision-form'))
  })
  await step('draft', async () => {
    await d.click(test('segment-consensus'))
    await d.click(test('add-measure'))
    await choose(`${test('measure-1')} button[aria-haspopup=listbox]`, 'ST')
    await set(`${test('measure-1')} textarea`, 'Definitive Radiotherapie 60 bis 66 Gy, konventionell fraktioniert, simultan')
    await set(field('decision-text'), 'Definitive simultane Radiochemotherapie, danach Durvalumab bei fehlendem Progress.')
    for (const role of ['dr-sonnkaya', 'pd-brunnengold', 'dr-ahlefels', 'dr-weidenlohe', 'prof-sturmwald']) {
      await d.js(
        `const c = document.querySelector(arguments[0]); const input = c.matches('input') ? c : c.querySelector('input') ?? c; if (!input.checked) input.click()`,
        test(`present-${role}`),
      )
    }
    await d.wait('the draft on disk and nothing missing', () =>
      d.js('return !document.querySelector("[data-testid=missing]") && /\\d\\d:\\d\\d:\\d\\d/.test(document.querySelector("[data-testid=saved]")?.textContent ?? "")'),
    )
  })
  await step('preview', async () => {
    await d.click(test('sign'))
    await d.seen(test('signing-preview'))
  })
  await step('signed', async () => {
    await d.click(test('sign-as'))
    await d.seen(test('signed-line'), 30000)
    await d.wait('the check', () => d.js('return document.querySelector("[data-testid=check]")?.dataset.state === "matches"'))
  })
  await step('no-faults', async () => {
    const faults = await d.js('return window.__faults ?? []')
    if (faults.length > 0) throw new Error(JSON.stringify(faults).slice(0, 600))
  })
}

let failed = false
try {
  await walk()
} catch {
  failed = true
} finally {
  try {
    await d?.quit()
  } catch {
    // A window that died has nothing to close.
  }
  server.kill()
}
writeFileSync(join(out, 'walk.json'), `${JSON.stringify({ ok: !failed, steps }, null, 2)}\n`)
const rows = steps.map((s) => `| ${s.n} | ${s.name} | ${s.ok ? 'ok' : 'failed'} | ${s.ms} | ${s.why ?? ''} |`)
writeFileSync(join(out, 'walk.md'), ['| step | name | result | ms | why |', '| ---: | --- | --- | ---: | --- |', ...rows, ''].join('\n'))
process.exit(failed ? 1 : 0)
