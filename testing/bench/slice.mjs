// Times what a reader waits for, in the real window of the release build, and writes one list of figures:
// [{name, value, unit, goal, holds}]. Without a goal a figure is information.
//
// node slice.mjs --program PROGRAM --profile DIR --platform URL --out FILE [--images N] [--runs N]

import { spawn } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { parseArgs } from 'node:util'
import { Driver } from '../walk/webdriver.mjs'

const { values } = parseArgs({
  options: {
    program: { type: 'string' },
    profile: { type: 'string' },
    platform: { type: 'string' },
    out: { type: 'string' },
    patient: { type: 'string', default: 'pat-auenwald' },
    bulk: { type: 'string', default: 'auto' },
    // The CT that the figures are promised for has 135 images; painted ones are made when they are first asked for.
    images: { type: 'string', default: '135' },
    runs: { type: 'string', default: '5' },
  },
})
const runs = Number(values.runs)
const figures = []
const test = (id) => `[data-testid="${id}"]`
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]

function figure(name, value, unit, limit, atLeast = false) {
  const holds = limit === undefined ? null : atLeast ? value >= limit : value <= limit
  const goal = limit === undefined ? null : `${atLeast ? '>=' : '<='} ${limit}`
  figures.push({ name, value: Math.round(value * 10) / 10, unit, goal, holds })
}

// Proportional set size of the program and everything it started, in MiB.
function memory(root) {
  const parents = new Map()
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8')
      parents.set(Number(entry), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]))
    } catch {
      // The process ended meanwhile.
    }
  }
  const ours = (pid) => {
    for (let p = pid; p > 1; p = parents.get(p) ?? 0) if (p === root) return true
    return false
  }
  let kib = 0
  for (const pid of parents.keys()) {
    if (!ours(pid)) continue
    try {
      kib += Number(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8').match(/^Pss:\s+(\d+)/m)[1])
    } catch {
      // The process ended meanwhile.
    }
  }
  return kib / 1024
}

const port = 4400 + (process.pid % 500)
const server = spawn('WebKitWebDriver', [`--port=${port}`], {
  stdio: ['ignore', 'ignore', 'inherit'],
  env: { ...process.env, TAURI_WEBVIEW_AUTOMATION: 'true' },
})

// Runs in the page: from the click to the frame that shows the first image, and to the last frame of the series.
const open = `
  const [id, done] = arguments
  const series = id.replace('series-', '')
  const view = () => document.querySelector('[data-testid="viewport-1"]')
  const began = performance.now()
  let first = null
  const look = () => {
    const v = view()
    const here = v && v.dataset.series === series
    if (here && v.dataset.ready === 'true' && first === null) first = performance.now() - began
    const bar = document.querySelector('[data-testid="' + id + '"] [role=progressbar]')
    const whole = document.querySelector('[data-testid="' + id + '"] [data-loaded=true]') !== null
    if (first !== null && (whole || (!bar && performance.now() - began > 8000))) {
      done([first, whole ? performance.now() - began : null])
      return
    }
    if (performance.now() - began > 30000) { done([first, null]); return }
    requestAnimationFrame(look)
  }
  document.querySelector('[data-testid="' + id + '"]').click()
  requestAnimationFrame(look)`

// Scrolls through images one by one, each drawn before the next is asked for.
const scroll = `
  const [count, done] = arguments
  const view = document.querySelector('[data-testid="viewport-1"]')
  const began = performance.now()
  let steps = 0
  const next = () => {
    if (steps === count) { done((performance.now() - began) / count); return }
    steps += 1
    view.dispatchEvent(new WheelEvent('wheel', { deltaY: 100, bubbles: true, cancelable: true }))
    requestAnimationFrame(next)
  }
  next()`

let d
let failed = false
try {
  const launched = Date.now()
  d = await Driver.open(`http://127.0.0.1:${port}`, {
    'webkitgtk:browserOptions': { binary: values.program, args: ['--profile', values.profile, '--bulk', values.bulk] },
  })
  const address = 'input[data-testid="sign-in-address"], [data-testid="sign-in-address"] input'
  await d.seen(address)
  figure('start to usable window', Date.now() - launched, 'ms', 2000)
  await d.type(address, values.platform)
  await d.seen(test('sign-in-platform'))
  await d.click(test('sign-in-button'))
  await d.seen(test(`agenda-row-${values.patient}`))
  await d.click(`${test(`agenda-row-${values.patient}`)} > *`)
  await d.seen(test('tab-images'))
  await d.click(test('tab-images'))
  const list = await d.wait('series', () =>
    d.js(`for (const fold of document.querySelectorAll('[data-testid=series-strip] [aria-expanded=false]')) fold.click()
          const all = [...document.querySelectorAll('[data-testid^="series-"][data-modality]')].filter((e) => e.getAttribute('aria-disabled') !== 'true')
          const cts = all.filter((e) => e.dataset.modality === 'CT' && e.dataset.instances === arguments[0])
          const other = all.find((e) => e.dataset.modality !== 'CT')
          return cts[0] && other ? [cts[0].dataset.testid, other.dataset.testid, Number(cts[0].dataset.instances)] : null`, values.images),
  )
  const [ct, other, images] = list
  await d.wait('all studies', () => d.js(`return !/l.dt|loading/i.test(document.querySelector('[data-testid=series-strip]').lastElementChild.textContent)`), 60000)
  await d.jsAsync(open, other)
  const [first, whole] = await d.jsAsync(open, ct)
  figure(`first image of ${images}, from the click`, first, 'ms', 70)
  if (whole !== null) figure(`all ${images} images on the GPU`, whole, 'ms', 1000)
  const steps = []
  for (let run = 0; run < runs; run++) steps.push(await d.jsAsync(scroll, 40))
  figure('one scroll step', median(steps), 'ms', 45)
  const pid = Number(
    readdirSync('/proc').find((p) => {
      try {
        return /^\d+$/.test(p) && readFileSync(`/proc/${p}/cmdline`, 'utf8').startsWith(values.program)
          && readFileSync(`/proc/${p}/cmdline`, 'utf8').includes(values.profile)
      } catch {
        return false
      }
    }),
  )
  figure('all processes with the CT open', memory(pid), 'MiB', 700)
} catch (error) {
  failed = true
  console.error(error.message)
} finally {
  try {
    await d?.quit()
  } catch {
    // A window that died has nothing to close.
  }
  server.kill()
}
mkdirSync(dirname(values.out), { recursive: true })
writeFileSync(values.out, `${JSON.stringify(figures, null, 2)}\n`)
for (const f of figures) {
  console.log(`${f.name.padEnd(44)} ${String(f.value).padStart(8)} ${f.unit.padEnd(4)} ${f.goal ?? ''} ${f.holds === null ? '' : f.holds ? 'holds' : 'MISSED'}`)
}
process.exit(failed ? 1 : 0)
