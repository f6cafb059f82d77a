// The frame of a walk: a window under WebDriver, numbered steps with a picture and a time each, and a report.

import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cut, decode } from './png.mjs'
import { Driver } from './webdriver.mjs'

export const test = (id) => `[data-testid="${id}"]`

// Text is typed into the field that belongs to a test id, whether the id is on it or around it.
export const field = (id) => `input${test(id)}, textarea${test(id)}, ${test(id)} input, ${test(id)} textarea`

// Konsil in its window. Closing it ends the driver's process too, also when the window has died.
export class Window {
  static #opened = 0

  // `env` tells whoever stands in for the browser who signs in.
  static async open(program, args, env = {}) {
    const port = 4400 + ((process.pid * 4 + Window.#opened++) % 500)
    const server = spawn('WebKitWebDriver', [`--port=${port}`], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, ...env, TAURI_WEBVIEW_AUTOMATION: 'true' },
    })
    const window = new Window()
    window.server = server
    try {
      window.driver = await Driver.open(`http://127.0.0.1:${port}`, { 'webkitgtk:browserOptions': { binary: program, args } })
    } catch (error) {
      server.kill()
      throw error
    }
    return window
  }

  async close() {
    try {
      await this.driver.quit()
    } catch {
      // A window that died has nothing to close.
    }
    this.server.kill()
  }
}

export class Steps {
  #steps = []

  constructor(out) {
    this.out = out
    mkdirSync(out, { recursive: true })
  }

  // Does the work of a step, photographs what it led to, and ends the walk if it failed.
  async step(driver, name, work) {
    const n = this.#steps.length + 1
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
      await driver()?.shot(join(this.out, picture))
    } catch (error) {
      why ??= error.message
    }
    this.#steps.push({ n, name, ok: why === null, ms, picture, why })
    console.log(`${String(n).padStart(2)}  ${why === null ? 'ok    ' : 'FAILED'} ${String(ms).padStart(6)} ms  ${name}${why ? `: ${why}` : ''}`)
    if (why !== null) throw new Error(name)
  }

  // A part of the walk that has nothing to walk here, and why; it is told, and is neither passed nor failed.
  skip(name, why) {
    const n = this.#steps.length + 1
    this.#steps.push({ n, name, ok: true, skipped: true, ms: 0, picture: null, why })
    console.log(`${String(n).padStart(2)}  SKIPPED            ${name}: ${why}`)
  }

  // Walks, closes what the walk has opened, and ends the process with what came of it.
  async run(walk, close) {
    let failed = false
    try {
      await walk()
    } catch (error) {
      // A step has told already; anything else is the walk's own fault.
      if (!this.#steps.some(({ name, ok }) => !ok && name === error.message)) console.error(error)
      failed = true
    } finally {
      await close()
    }
    this.#write(failed)
    process.exit(failed ? 1 : 0)
  }

  // walk.json and walk.md.
  #write(failed) {
    writeFileSync(join(this.out, 'walk.json'), `${JSON.stringify({ ok: !failed, steps: this.#steps }, null, 2)}\n`)
    const rows = this.#steps.map((s) => `| ${s.n} | ${s.name} | ${s.skipped ? 'skipped' : s.ok ? 'ok' : 'failed'} | ${s.skipped ? '' : s.ms} | ${s.why ?? ''} |`)
    writeFileSync(join(this.out, 'walk.md'), ['| step | name | result | ms | why |', '| ---: | --- | --- | ---: | --- |', ...rows, ''].join('\n'))
  }
}

// Fails if the page caught a fault or a policy was violated.
export async function noFaults(driver) {
  const faults = await driver.js('return window.__faults ?? ["the page keeps no list of faults"]')
  if (faults.length > 0) throw new Error(JSON.stringify(faults).slice(0, 600))
}

// Number of the image in a viewport once it is drawn.
export const shown = (driver, viewport) =>
  driver.js(`const v = document.querySelector(arguments[0]); return v && v.dataset.ready === 'true' ? v.dataset.index : null`, test(viewport))

// Language and theme as a person would have set them before.
export async function settle(driver, wish) {
  const failure = await driver.jsAsync(
    `const [wish, done] = arguments
     const call = (request) => window.__TAURI_INTERNALS__.invoke('call', { request })
     call({ type: 'start' })
       .then((reply) => call({ type: 'change-settings', settings: { ...reply.value.settings, ...wish } }))
       .then(() => done(null), (error) => done(JSON.stringify(error)))`,
    wish,
  )
  if (failure) throw new Error(failure)
}

// Replaces what a field holds, as a person does: WebDriver's own clearing goes unnoticed by a page that keeps the value.
export async function fill(driver, css, text) {
  const element = await driver.seen(css)
  await driver.js('document.querySelector(arguments[0]).focus()', css)
  await driver.press('Control+a', 'Delete')
  await driver.s('POST', `/element/${element}/value`, { text })
}

export async function signIn(driver, platform) {
  await fill(driver, field('sign-in-address'), platform)
  await driver.seen(test('sign-in-platform'))
  await driver.click(test('sign-in-button'))
  await driver.seen(test('today'))
}

// From wherever one is to a case's images.
export async function openImages(driver, patient) {
  await driver.press('g', 'f')
  // A table row has no box of its own for the web view's driver: its first cell is clicked.
  await driver.click(`${test(`case-row-${patient}`)} > td`)
  await driver.click(test('tab-images'))
  await driver.seen(test('series-strip'))
}

// The newest stack of a modality, and without one its largest series; an older study is folded until it is asked for.
export function stack(driver, modality) {
  return driver.wait(`a series of ${modality} in the strip`, () =>
    driver.js(`for (const fold of document.querySelectorAll('[data-testid=series-strip] [aria-expanded=false]')) fold.click()
               const entries = [...document.querySelectorAll('[data-testid^="series-"][data-modality=' + arguments[0] + ']')]
               entries.sort((a, b) => Number(b.dataset.instances) - Number(a.dataset.instances))
               const tall = [...document.querySelectorAll('[data-testid=series-strip] [data-modality=' + arguments[0] + ']')].find((e) => Number(e.dataset.instances) >= 100)
               return (tall ?? entries[0])?.dataset.testid ?? null`, modality),
  )
}

// Puts a series into the first viewport and waits for its picture.
export async function openSeries(driver, entry) {
  await driver.click(test(entry))
  await driver.wait(`the first image of ${entry}`, async () => {
    const series = await driver.js('return document.querySelector("[data-testid=viewport-1]")?.dataset.series')
    return series === entry.replace('series-', '') && (await shown(driver, 'viewport-1')) !== null
  }, 60000)
}

// What the window shows is what was drawn last: drawing it once more changes nothing. A web view can lose the first
// picture of a canvas, or fall one behind its text, while the page itself sees nothing of it.
export async function lasting(driver, out, name) {
  mkdirSync(out, { recursive: true })
  const place = await driver.js(`const { x, y, width, height } = document.querySelector(arguments[0]).getBoundingClientRect()
                                 const at = (value) => Math.round(value * devicePixelRatio)
                                 return { x: at(x), y: at(y), width: at(width), height: at(height) }`, test('viewport-1'))
  // Without the frame, which tells where the focus is.
  const rim = 8
  const inside = { x: place.x + rim, y: place.y + rim, width: place.width - 2 * rim, height: place.height - 2 * rim }
  const shown = async (file) => {
    await driver.shot(join(out, file))
    return cut(decode(readFileSync(join(out, file))), inside)
  }
  const first = await shown(`${name}-first.png`)
  await driver.click(test('viewport-1'))
  await driver.press('i', 'i')
  const again = await shown(`${name}-again.png`)
  if (!first.equals(again)) throw new Error(`${name}: the picture on the screen is not the one that was drawn`)
  if (new Set(first).size < 100) throw new Error(`${name}: nothing was painted`)
}
