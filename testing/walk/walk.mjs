// Walks the main job in the real window: sign in, today, case, images, decision, signed. Each step leaves
// a numbered picture; walk.json and walk.md tell how long each took and why one failed.
//
// A role that may not write or sign ends where its job ends, and nothing of the rest is offered.
//
// node walk.mjs --program PROGRAM --profile DIR --platform URL --out DIR [--lang de|en]
//   [--theme office|reading-room] [--role moderator|coordinator|physician|study|it] [--patient ID]
//
// Another patient than the demonstration's is one of another platform: on today's agenda, with a CT. Whoever sits on that
// board is present, and nobody is written to.

import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Bus } from './bus.mjs'
import { cut, decode } from './png.mjs'
import { Steps, Window, field, fill, noFaults, lasting, openSeries, settle, shown, stack, test } from './steps.mjs'

const DEMONSTRATION = 'pat-auenwald'
const PRESENT = ['dr-falkenried', 'dr-sonnkaya', 'pd-brunnengold', 'dr-ahlefels', 'dr-weidenlohe', 'prof-sturmwald']

const { values } = parseArgs({
  options: {
    program: { type: 'string' },
    profile: { type: 'string' },
    platform: { type: 'string' },
    out: { type: 'string' },
    lang: { type: 'string', default: 'de' },
    theme: { type: 'string', default: 'office' },
    role: { type: 'string', default: 'moderator' },
    bulk: { type: 'string', default: 'auto' },
    patient: { type: 'string', default: DEMONSTRATION },
  },
})
const { program, profile, platform, out, patient, role } = values

// Who reads cases, who writes a decision, who signs it: what each role's job ends with.
const reads = role !== 'it'
const writes = role === 'moderator' || role === 'coordinator'
const signs = role === 'moderator'

const steps = new Steps(out)
let window
let d
const step = (name, work) => steps.step(() => d, name, work)

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

const absent = async (what, ids) => {
  for (const id of ids) {
    if (await d.js('return document.querySelector(arguments[0]) !== null', test(id))) throw new Error(`${what} is offered: ${id}`)
  }
}

async function walk() {
  await step('start', async () => {
    window = await Window.open(program, ['--profile', profile, '--bulk', values.bulk])
    d = window.driver
    await d.seen(field('sign-in-address'))
    await settle(d, { language: values.lang, theme: values.theme })
  })
  await step('address', async () => {
    await fill(d, field('sign-in-address'), platform)
    await d.seen(test('sign-in-platform'))
  })
  await step('sign-in', async () => {
    await d.click(test('sign-in-button'))
    if (!reads) return void (await d.seen(test('sign-in-failure')))
    await d.seen(test('today'))
    await d.seen(test(`agenda-row-${patient}`))
  })
  if (!reads) return withoutCases()
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
    await openSeries(d, await stack(d, 'CT'))
    await lasting(d, join(out, 'lasting'), 'series')
  })
  await step('scroll', async () => {
    const before = Number(await shown(d, 'viewport-1'))
    await d.click(test('viewport-1'))
    await d.keys('\uE015')
    await d.wait('the next image', async () => {
      const now = await shown(d, 'viewport-1')
      return now !== null && Number(now) !== before
    })
    await lasting(d, join(out, 'lasting'), 'step')
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
  if (!writes) return readOnly()
  await step('draft', async () => {
    await d.click(test('segment-consensus'))
    await d.click(test('add-measure'))
    await choose(`${test('measure-1')} button[aria-haspopup=listbox]`, 'ST')
    await fill(d, `${test('measure-1')} textarea`, 'Definitive Radiotherapie 60 bis 66 Gy, konventionell fraktioniert, simultan')
    await fill(d, field('decision-text'), 'Definitive simultane Radiochemotherapie, danach Durvalumab bei fehlendem Progress.')
    const everybody = () => d.js(`return [...document.querySelectorAll('[data-testid^="present-"]')].map((one) => one.dataset.testid)`)
    for (const person of patient === DEMONSTRATION ? PRESENT.map((one) => `present-${one}`) : await everybody()) {
      await d.js(
        `const c = document.querySelector(arguments[0]); const input = c.matches('input') ? c : c.querySelector('input') ?? c; if (!input.checked) input.click()`,
        test(person),
      )
    }
    await d.wait('the draft on disk and nothing missing', () =>
      d.js('return !document.querySelector("[data-testid=missing]") && /\\d\\d:\\d\\d:\\d\\d/.test(document.querySelector("[data-testid=saved]")?.textContent ?? "")'),
    )
  })
  if (!signs) return withoutSignature()
  await step('preview', async () => {
    await d.click(test('sign'))
    await d.seen(test('signing-preview'))
  })
  await step('signed', async () => {
    await d.click(test('sign-as'))
    await d.seen(test('signed-line'), 30000)
    await d.wait('the check', () => d.js('return document.querySelector("[data-testid=check]")?.dataset.state === "matches"'))
  })
  // The frame offers chat from the sign-in on where the platform has it.
  if (await d.js('return document.querySelector("[data-testid=rail-chat]") === null')) {
    return steps.skip('chat', 'the platform has no chat')
  }
  if (patient !== DEMONSTRATION) return steps.skip('chat', 'only the colleagues of the demonstration answer')
  await talk()
}

// A word to a colleague about the case, and the answer: end-to-end encrypted, by the sign-in of before.
async function talk() {
  const room = values.lang === 'de' ? 'Fall Auenwald' : 'Case Auenwald'
  const said = (words) => d.js('return document.querySelector("[data-testid=timeline]")?.textContent.includes(arguments[0]) ?? false', words)
  await step('chat', async () => {
    await d.keys('g')
    await d.keys('c')
    await d.seen(test('chat'))
    await d.wait('the conversation about the case, with its past', () =>
      d.js(
        `const row = [...document.querySelectorAll('[data-testid^="conversation-!"]')].find((row) => row.textContent.includes(arguments[0]))
         if (!row || !row.textContent.includes('Einwilligung')) return false
         row.setAttribute('data-walk-room', ''); return true`,
        room,
      ), 120000)
    await d.click('[data-walk-room]')
    await d.seen(test('composer'))
    await d.wait('what was written', () => said('Damit keine Operation'))
  })
  await step('message', async () => {
    await fill(d, field('composer'), 'Wie hoch war der SUV im PET?')
    await d.press('Enter')
    await d.wait('the colleague\'s answer', () => said('SUVmax 16,2'), 60000)
  })
  // What the desktop is asked to show meanwhile, by the bus. Nobody looks at the window: the page is told so.
  await step('notice', async () => {
    const bus = new Bus('org.freedesktop.Notifications')
    try {
      await bus.listening()
      await d.js('document.hasFocus = () => false')
      await fill(d, field('composer'), 'Ist der Rundherd im Mittellappen ein Granulom?')
      await d.press('Enter')
      await d.wait('a notice', () => bus.heard().includes(values.lang === 'de' ? 'Neue Nachricht in einem Fall' : 'New message in a case'), 60000)
      for (const word of ['Auenwald', 'Mittellappen', 'Granulom', 'Sonnkaya']) {
        if (bus.heard().includes(word)) throw new Error(`the notice says ${word}`)
      }
    } finally {
      bus.close()
      await d.js('delete document.hasFocus')
    }
  })
  // The same conversation beside its case.
  await step('dock', async () => {
    await d.click(test('conversation-open-case'))
    await d.seen(test('dock'))
    await d.seen(test('question'))
    await d.wait('the conversation beside the case', () => d.js('return document.querySelector("[data-testid=dock] [data-testid=timeline]")?.textContent.includes("SUVmax 16,2") ?? false'))
    // Two colleagues still answer the question before; what they write moves every card, and a click would miss it.
    await d.wait('both answers', () => d.js(`const said = document.querySelector('[data-testid=dock] [data-testid=timeline]')?.textContent ?? ''
      return said.includes('zentral verkalkt') && said.split('Mikroskop').length > 2`), 60000)
  })
  // A study of the case, from its archive into the conversation and out of it again.
  await step('study-sent', async () => {
    await d.click(test('attach-study'))
    await d.seen(test('send-study'))
    const choose = `const all = [...document.querySelectorAll('[data-testid=send-study] li')]
                    const small = all.find((one) => one.textContent.includes('MR')) ?? all.at(-1)
                    const button = small?.querySelector('button:not(:disabled)')
                    if (!button) return false
                    button.setAttribute('data-walk-study', ''); return true`
    await d.wait('the studies of the case', () => d.js(choose), 60000)
    await d.click('[data-walk-study]')
    await d.wait('the study in the conversation', () => d.js('return document.querySelector("[data-testid=dock] [data-testid^=open-study-]:not(:disabled)") !== null'), 180000)
  })
  await step('study-opened', async () => {
    await d.click('[data-testid=dock] [data-testid^=open-study-]')
    await d.seen(test('study-from'))
    await d.seen(test('study-same'), 120000)
    await d.wait('an image of it', async () => (await shown(d, 'viewport-1')) !== null, 60000)
    const before = await shown(d, 'viewport-1')
    await d.click(test('viewport-1'))
    await d.press('ArrowDown')
    await d.wait('the next image', async () => ![null, before].includes(await shown(d, 'viewport-1')), 30000)
  })
  await step('study-closed', async () => {
    await d.click(test('study-close'))
    await d.wait('the conversation again', () => d.js('return document.querySelector("[data-testid=study-viewer]") === null'))
  })
  await round()
}

// Out of the conversation of the case into its round, where a colleague comes and is seen; the round goes on while the
// case is read, and ends with one click.
async function round() {
  // Whether the color bars of a camera's stand-in are seen in an element: its green and its magenta.
  const seesBars = async (css) => {
    const place = await d.js(
      `const box = document.querySelector(arguments[0])?.getBoundingClientRect()
       const scale = devicePixelRatio
       return box && box.width > 0 ? { x: box.x * scale, y: box.y * scale, width: box.width * scale, height: box.height * scale } : null`,
      css,
    )
    if (!place) return false
    const whole = decode(Buffer.from(await d.s('GET', '/screenshot'), 'base64'))
    const bytes = cut(whole, Object.fromEntries(Object.entries(place).map(([name, value]) => [name, Math.floor(value)])))
    let [green, magenta] = [0, 0]
    for (let at = 0; at + 2 < bytes.length; at += whole.channels) {
      const [r, g, b] = [bytes[at], bytes[at + 1], bytes[at + 2]]
      if (g > 140 && r < 60 && b < 60) green += 1
      if (r > 140 && b > 140 && g < 60) magenta += 1
    }
    return green > 50 && magenta > 50
  }
  await step('round-before', async () => {
    await d.click(test('round-begin'))
    await d.seen(test('round-before'))
    // This computer may have no camera; nobody is seen by the test picture unless they choose it.
    await choose(test('device-camera'), values.lang === 'de' ? 'Testbild' : 'Test picture')
    await d.seen(test('enter-without'))
  })
  await step('round', async () => {
    await d.click(test('enter'))
    // Entered beside the case, it is a bar below what is read.
    await d.seen(test('round-bar'), 60000)
    await d.click(test('round-to'))
    await d.seen(test('gallery'), 60000)
    await d.wait('the colleague in the round', () => d.js('return document.querySelectorAll("[data-testid^=tile-]").length >= 2'), 60000)
    await d.wait('the colleague\'s picture', () => seesBars('[data-testid^="tile-@dr-sonnkaya"]'), 60000)
    await d.wait('the own picture', () => seesBars('[data-testid^="tile-@dr-falkenried"]'), 60000)
  })
  // The colleague shows the case's images, and whoever looks at the round is taken to them.
  const shownIndex = () => d.js('return Number(document.querySelector("[data-testid=viewport-1]")?.dataset.index ?? -1)')
  const moves = async (what) => {
    const before = await shownIndex()
    await d.wait(what, async () => Math.abs((await shownIndex()) - before) >= 5, 60000)
  }
  await step('round-images', async () => {
    await d.seen(test('round-following'), 60000)
    await d.seen('[data-testid=viewport-1][data-ready=true]', 60000)
    await moves('images that the colleague scrolls through')
    await d.wait("the colleague's pointer", () => d.js('return document.querySelector("[data-testid=presenter-1]") !== null'), 20000)
  })
  await step('round-browse', async () => {
    await d.press('f')
    await d.seen(test('follow-again'))
    const alone = await shownIndex()
    await d.click(test('viewport-1'))
    await d.press('ArrowDown')
    await d.wait('the next image, by oneself', async () => Math.abs((await shownIndex()) - alone) === 1)
    await d.press('f')
    await d.seen(test('browse'))
    await d.wait('the image that is shown', async () => Math.abs((await shownIndex()) - alone) > 1, 60000)
  })
  await step('round-bar', async () => {
    await d.click(test('tab-overview'))
    await d.seen(test('question'))
    await d.seen(test('round-bar'))
    await d.wait('the colleague in the bar', () => seesBars('[data-testid=round-bar]'), 60000)
  })
  // The whole screen of the X server is shown to the colleague, this window on it.
  await step('round-share', async () => {
    await d.press('Control+Shift+e')
    await d.seen(test('share-dialog'))
    const whole = '[data-testid="surfaces"] [data-testid^="surface-screen:"]'
    await d.wait('how the screen looks', () => d.js('return (document.querySelector(arguments[0] + " img")?.naturalWidth ?? 0) > 0', whole))
    await d.click(whole)
    await d.click(test('share-do'))
    await d.seen(test('round-sharing'))
    await d.wait('that it is shown', () => d.js('return document.querySelector("[data-testid=share-dialog]") === null'))
  })
  await step('round-share-ended', async () => {
    await d.click(test('stop-sharing'))
    await d.wait('that nothing is shown', () => d.js('return document.querySelector("[data-testid=round-sharing]") === null'))
  })
  await step('round-left', async () => {
    await d.click(test('leave'))
    await d.wait('that the round is left', () => d.js('return document.querySelector("[data-testid=round-bar]") === null'))
  })
}

// Whoever may not write sees the decision and no way to change it.
async function readOnly() {
  await step('nothing-to-write', async () => {
    await absent('writing', ['add-measure', 'sign', 'sign-as', 'amend'])
    const open = await d.js(`const all = [...document.querySelectorAll('[data-testid=decision-form] :is(textarea, input, button)')]
                             return all.filter((one) => !one.readOnly && !one.disabled).map((one) => one.dataset.testid ?? one.textContent)`)
    if (open.length > 0) throw new Error(`offered to a reader: ${open.join(', ')}`)
    await withoutSigningKey()
  })
}

// A coordinator prepares the minutes; somebody else signs them.
async function withoutSignature() {
  await step('nothing-to-sign', async () => {
    await absent('signing', ['sign', 'sign-as'])
    await withoutSigningKey()
  })
}

async function withoutSigningKey() {
  await d.press('Control+u')
  await d.painted()
  await absent('signing', ['signing-dialog'])
}

// IT deploys: Konsil has nothing to show it, says so, and lets it no further.
async function withoutCases() {
  await step('no-cases', async () => {
    await d.press('g', 'f')
    await d.painted()
    await absent('the frame', ['today', 'cases', 'rail-today', 'palette-button', `case-row-${patient}`])
  })
}

await steps.run(
  async () => {
    await walk()
    await step('no-faults', () => noFaults(d))
  },
  () => window?.close(),
)
