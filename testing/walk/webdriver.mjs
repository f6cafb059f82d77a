// The smallest WebDriver client that a walk needs: node's fetch and no package.
import { writeFileSync } from 'node:fs'

// The keys of WebDriver §17.4.2, by the names that KeyboardEvent.key has for them.
const NAMED = {
  Backspace: '\uE003', Tab: '\uE004', Enter: '\uE007', Shift: '\uE008', Control: '\uE009', Alt: '\uE00A', Escape: '\uE00C',
  Space: ' ', PageUp: '\uE00E', PageDown: '\uE00F', End: '\uE010', Home: '\uE011', ArrowLeft: '\uE012', ArrowUp: '\uE013',
  ArrowRight: '\uE014', ArrowDown: '\uE015', Delete: '\uE017', F6: '\uE036',
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

export class Driver {
  constructor(base) {
    this.base = base
  }

  async call(method, path, body) {
    const answer = await fetch(this.base + path, {
      method,
      body: body === undefined ? undefined : JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    })
    const { value } = await answer.json()
    if (value?.error) throw new Error(`${value.error}: ${value.message}`)
    return value
  }

  static async open(base, capabilities, tries = 200) {
    const driver = await Driver.ready(base, tries)
    await driver.begin(capabilities)
    return driver
  }

  // Waits until the driver's server answers; no program is started yet.
  static async ready(base, tries = 200) {
    const driver = new Driver(base)
    for (let i = 0; ; i++) {
      try {
        if ((await driver.call('GET', '/status')).ready) return driver
      } catch (error) {
        if (i > tries) throw error
      }
      await pause(100)
    }
  }

  async begin(capabilities) {
    const session = await this.call('POST', '/session', { capabilities: { alwaysMatch: capabilities } })
    this.at = `/session/${session.sessionId}`
    // A whole volume under load takes longer than the driver's usual half minute.
    await this.s('POST', '/timeouts', { script: 180000 })
  }

  s(method, path, body) {
    return this.call(method, this.at + path, body)
  }

  js(script, ...args) {
    return this.s('POST', '/execute/sync', { script, args })
  }

  jsAsync(script, ...args) {
    return this.s('POST', '/execute/async', { script, args })
  }

  async find(css) {
    return Object.values(await this.s('POST', '/element', { using: 'css selector', value: css }))[0]
  }

  // Waits until `look` gives something; a look that throws counts as nothing.
  async wait(what, look, ms = 20000) {
    const end = Date.now() + ms
    let last
    for (;;) {
      try {
        const found = await look()
        if (found) return found
      } catch (error) {
        last = error
      }
      if (Date.now() > end) throw new Error(`waited ${ms} ms for ${what}${last ? `: ${last.message}` : ''}`)
      await pause(50)
    }
  }

  seen(css, ms) {
    return this.wait(css, () => this.find(css), ms)
  }

  async click(css, ms) {
    const element = await this.seen(css, ms)
    await this.wait(`a click on ${css}`, async () => {
      if (!(await this.still(css))) return false
      await this.s('POST', `/element/${element}/click`, {})
      return true
    }, ms)
  }

  // Whether it stands where it stood two frames ago: what moves under the pointer is missed by its click.
  async still(css) {
    return this.jsAsync(
      `const done = arguments[1]
       const place = () => { const box = document.querySelector(arguments[0])?.getBoundingClientRect(); return box && [box.x, box.y].join() }
       const before = place()
       requestAnimationFrame(() => requestAnimationFrame(() => done(before !== undefined && before === place())))`,
      css,
    )
  }

  async type(css, text) {
    const element = await this.seen(css)
    await this.s('POST', `/element/${element}/value`, { text })
  }

  // The keys of WebDriver §17.4.2 stand in the private use area.
  async keys(...keys) {
    const actions = []
    for (const key of keys) actions.push({ type: 'keyDown', value: key })
    for (const key of [...keys].reverse()) actions.push({ type: 'keyUp', value: key })
    await this.s('POST', '/actions', { actions: [{ type: 'key', id: 'keyboard', actions }] })
  }

  // Chords one after the other: `j`, `Control+k`, `Shift+Tab`.
  async press(...chords) {
    const actions = []
    for (const chord of chords) {
      // A plus sign may be the key itself.
      const keys = chord.split(/(?<=.)\+(?=.)/u).map((name) => NAMED[name] ?? name)
      for (const key of keys) actions.push({ type: 'keyDown', value: key })
      for (const key of keys.reverse()) actions.push({ type: 'keyUp', value: key })
    }
    await this.s('POST', '/actions', { actions: [{ type: 'key', id: 'keyboard', actions }] })
  }

  // Types a text key by key into whatever has the focus.
  write(text) {
    return this.press(...text)
  }

  // A picture shows what was painted, not what the document holds: two frames pass first.
  painted() {
    return this.jsAsync(
      'const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 60)))',
    )
  }

  // The driver takes a picture after the next painting. A web view that paints only what has changed would let it wait
  // for ever, so a pixel in the corner changes until it is taken, by less than anybody can see.
  async shot(file) {
    await this.painted()
    await this.js(`
      const pixel = document.createElement('i')
      pixel.style.cssText = 'position: fixed; right: 0; bottom: 0; width: 1px; height: 1px; pointer-events: none'
      document.documentElement.append(pixel)
      let beat = 0
      const timer = setInterval(() => { pixel.style.backgroundColor = (beat += 1) % 2 ? '#00000001' : '#00000002' }, 50)
      window.__beat = () => { clearInterval(timer); pixel.remove() }`)
    try {
      writeFileSync(file, Buffer.from(await this.s('GET', '/screenshot'), 'base64'))
    } finally {
      await this.js('window.__beat()')
    }
  }

  quit() {
    return this.s('DELETE', '')
  }
}
