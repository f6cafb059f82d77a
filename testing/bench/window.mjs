// Konsil in its real window, from its start to the strip of series, driven as a person would.
import { spawn } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Driver } from '../walk/webdriver.mjs'
import { alive, cpu, find } from './processes.mjs'

export const test = (id) => `[data-testid="${id}"]`
const address = `input${test('sign-in-address')}, ${test('sign-in-address')} input`

export class Window {
  // `bulk` is the way that pixels take: socket, scheme or auto. The profile is a fresh one: nothing is cached.
  static async open({ program, profile, bulk, port }) {
    rmSync(profile, { recursive: true, force: true })
    mkdirSync(profile, { recursive: true })
    writeFileSync(join(profile, 'window.json'), JSON.stringify({ width: 1920, height: 1080, maximized: false }))
    const window = new Window()
    window.server = spawn('WebKitWebDriver', [`--port=${port}`], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, TAURI_WEBVIEW_AUTOMATION: 'true' },
    })
    try {
      window.d = await Driver.ready(`http://127.0.0.1:${port}`)
      const launched = performance.now()
      await window.d.begin({
        'webkitgtk:browserOptions': { binary: program, args: ['--profile', profile, '--bulk', bulk] },
      })
      await window.d.seen(address)
      window.startMillis = performance.now() - launched
      const started = find(program, profile)
      if (started.length !== 1) throw new Error(`${started.length} programs with this profile`)
      window.pid = started[0]
      return window
    } catch (error) {
      await window.close()
      throw error
    }
  }

  async signIn(platform) {
    await this.d.type(address, platform)
    await this.d.seen(test('sign-in-platform'))
    await this.d.click(test('sign-in-button'))
    await this.d.seen(test('today'))
  }

  // Opens the patient's images; answers the test ids of the CT with so many images and of another series.
  async images(patient, count) {
    await this.d.seen(test(`agenda-row-${patient}`))
    await this.d.click(`${test(`agenda-row-${patient}`)} > *`)
    await this.d.click(test('tab-images'))
    return await this.d.wait(
      `a CT of ${count} images and another series`,
      () =>
        this.d.js(
          `for (const fold of document.querySelectorAll('[data-testid=series-strip] [aria-expanded=false]')) fold.click()
           const all = [...document.querySelectorAll('[data-testid^="series-"][data-modality]')]
             .filter((e) => e.getAttribute('aria-disabled') !== 'true')
           const ct = all.find((e) => e.dataset.modality === 'CT' && e.dataset.instances === arguments[0])
           const other = all.find((e) => e.dataset.modality !== 'CT' && Number(e.dataset.instances) > 0)
           return ct && other ? { ct: ct.dataset.testid, other: other.dataset.testid } : null`,
          count,
        ),
      60000,
    )
  }

  // Until the program has nothing left to do: a reader has looked at the screen before the next click.
  async quiet() {
    const calm = 500
    await this.d.wait(
      'quiet',
      async () => {
        const before = cpu(this.pid)
        await new Promise((resolve) => setTimeout(resolve, calm))
        return cpu(this.pid) - before <= calm * 0.04
      },
      30000,
    )
  }

  // Faults that the page caught in itself: a figure of a broken page is none.
  async faults() {
    const faults = await this.d.js('return window.__faults ?? []')
    if (faults.length > 0) throw new Error(`the page caught faults: ${JSON.stringify(faults).slice(0, 400)}`)
  }

  async close() {
    try {
      await this.d?.quit()
    } catch {
      // A window that died has nothing to close.
    }
    this.server.kill()
    // The next window must not share the machine with this one.
    for (let tries = 0; this.pid && alive(this.pid); tries += 1) {
      if (tries === 50) {
        console.error(`the program did not end with its window; killed`)
        process.kill(this.pid, 'SIGKILL')
      }
      if (tries > 100) throw new Error('the program can not be ended')
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

// In the page: the address of the script whose name begins so. The page's scripts name each other, and in which of them
// a part of it lies changes with every build.
export const scriptNamed = `async (prefix) => {
    const named = async (file) => [...(await (await fetch(file)).text()).matchAll(/[\\w-]+-[\\w-]{8}\\.js/g)].map((m) => '/assets/' + m[0])
    const [seen, open] = [new Set(), ['/index.html']]
    for (let file = open.shift(); file !== undefined; file = open.shift()) {
      for (const name of await named(file)) {
        if (name.startsWith('/assets/' + prefix + '-')) return name
        if (!seen.has(name)) open.push(name)
        seen.add(name)
      }
    }
    throw new Error('the page has no script ' + prefix)
  }`
