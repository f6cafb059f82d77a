// What a reader waits for, in the real window of the release build: start, first image, whole volume, a step of
// scrolling and of the window, memory. Each bulk way has windows of its own, with a fresh profile each time.
//
// node slice.mjs --program PROGRAM --profile DIR --platform URL --out FILE [--bulk socket,scheme] [--images N] [--runs N]

import { parseArgs } from 'node:util'
import { Figures, median } from './figures.mjs'
import { cpu, memory } from './processes.mjs'
import { Window, scriptNamed } from './window.mjs'

const { values } = parseArgs({
  options: {
    program: { type: 'string' },
    profile: { type: 'string' },
    platform: { type: 'string' },
    out: { type: 'string' },
    patient: { type: 'string', default: 'pat-auenwald' },
    bulk: { type: 'string', default: 'socket,scheme' },
    // The CT that the figures are promised for; painted ones are made when they are first asked for.
    images: { type: 'string', default: '135' },
    runs: { type: 'string', default: '3' },
  },
})
const RUNS = Number(values.runs)
const STEPS = 60
const DRAWN = 1024 * 1024

// In the page: from the click on a series to the frame that shows its first image, and to its last frame on the GPU.
const open = `
  const [id, done] = arguments
  const series = id.replace('series-', '')
  const entry = () => document.querySelector('[data-testid="' + id + '"]')
  const began = performance.now()
  let first = null
  const look = () => {
    const view = document.querySelector('[data-testid="viewport-1"]')
    const now = performance.now() - began
    if (first === null && view?.dataset.series === series && view.dataset.ready === 'true') first = now
    const whole = entry()?.querySelector('[data-loaded=true]') != null
    if (first !== null && whole) done({ first, whole: now })
    else if (now > 120000) done({ first, whole: null, state: view?.dataset.phase + ', ' + entry()?.textContent })
    else requestAnimationFrame(look)
  }
  entry().click()
  requestAnimationFrame(look)`

// In the page: catches the viewer behind the canvas when it next draws, makes the canvas as many device pixels large and
// the image cover all of it. The page's module is imported again, which gives the same one.
const catchViewer = `
  const [pixels, done] = arguments
  const work = async () => {
    const module = await (${scriptNamed})('viewer_web')
    const { Viewer } = await import(location.origin + module)
    const pane = document.querySelector('[data-testid="viewport-1"]')
    const { draw } = Viewer.prototype
    const caught = new Promise((resolve) => {
      Viewer.prototype.draw = function () {
        Viewer.prototype.draw = draw
        resolve(this)
        return draw.call(this)
      }
    })
    pane.dispatchEvent(new WheelEvent('wheel', { deltaY: 100, bubbles: true, cancelable: true }))
    const viewer = await caught
    const canvas = document.querySelector('[data-testid="canvas"]')
    const gl = canvas.getContext('webgl2')
    const turn = () => new Promise((resolve) => requestAnimationFrame(resolve))
    // The window keeps its size, the image area gets narrower: what is shown anew with each step is the canvas.
    canvas.parentElement.style.maxWidth = Math.round(pixels / canvas.height / devicePixelRatio) + 'px'
    const wide = canvas.width
    for (let turns = 0; canvas.width === wide && turns < 300; turns += 1) await turn()
    const [width, height] = [canvas.width, canvas.height]
    const drawn = width * height
    if (Math.abs(drawn / pixels - 1) > 0.01) throw new Error('a canvas of ' + width + ' x ' + height)
    viewer.fit(0)
    viewer.zoom_at(0, Math.max(width, height) / Math.min(width, height), width / 2, height / 2)
    // Reading one pixel makes the driver finish all that was asked of it.
    const one = new Uint8Array(4)
    const finish = () => {
      // Painted by the processor it is finished when the call is.
      if (gl === null) return
      gl.bindFramebuffer(gl.READ_FRAMEBUFFER, null)
      gl.bindBuffer(gl.PIXEL_PACK_BUFFER, null)
      gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, one)
    }
    const layout = JSON.stringify([{ id: 0, x: 0, y: 0, width, height }])
    // Milliseconds from one presented frame to the next, each with one step that was drawn and finished.
    const frames = async (count, act, wanted) => {
      let draws = 0
      const { draw } = Viewer.prototype
      Viewer.prototype.draw = function () {
        const drawn = draw.call(this)
        if (drawn) draws += 1
        return drawn
      }
      await turn()
      const began = performance.now()
      for (let step = 0; step < count; step += 1) {
        act(step)
        await turn()
        finish()
      }
      const each = (performance.now() - began) / count
      Viewer.prototype.draw = draw
      if (draws < count * wanted) throw new Error(draws + ' of ' + count + ' steps were drawn')
      return each
    }
    const wheel = (step) => {
      const deltaY = Math.floor(step / 30) % 2 === 0 ? 100 : -100
      pane.dispatchEvent(new WheelEvent('wheel', { deltaY, bubbles: true, cancelable: true }))
    }
    const box = pane.getBoundingClientRect()
    const middle = [box.left + box.width / 2, box.top + box.height / 2]
    const mouse = (kind, dx, buttons) =>
      pane.dispatchEvent(new PointerEvent(kind, {
        pointerId: 1, isPrimary: true, pointerType: 'mouse', button: kind === 'pointermove' ? -1 : 0, buttons,
        clientX: middle[0] + dx, clientY: middle[1] + dx / 2, bubbles: true, cancelable: true,
      }))
    window.__bench = {
      floor: async (count) => {
        // A canvas without a viewport: the pass clears it and nothing else.
        const empty = () => { viewer.set_layout('[]'); viewer.draw() }
        const each = await frames(count, empty, 1)
        viewer.set_layout(layout)
        viewer.draw()
        return each
      },
      scroll: (count) => frames(count, wheel, 0.95),
      window: async (count) => {
        // A pointer of a script cannot be captured.
        pane.setPointerCapture = () => {}
        mouse('pointerdown', 0, 1)
        const each = await frames(count, (step) => mouse('pointermove', 10 + step, 1), 0.95)
        mouse('pointerup', 10 + count, 0)
        delete pane.setPointerCapture
        return each
      },
    }
    return { drawn, canvas: [width, height] }
  }
  work().then((value) => done({ value }), (error) => done({ error: error + ' ' + error.stack }))`

const bench = `
  const [what, count, done] = arguments
  window.__bench[what](count).then((value) => done({ value }), (error) => done({ error: String(error) }))`

async function inPage(d, script, ...args) {
  const { value, error } = await d.jsAsync(script, ...args)
  if (error) throw new Error(error)
  return value
}

// The middle of several rounds in which floor and steps take turns, so that a busy minute strikes all alike.
async function steps(window) {
  const taken = { floor: [], scroll: [], window: [] }
  const work = { floor: [], scroll: [], window: [] }
  for (let round = 0; round < Math.max(3, RUNS); round += 1) {
    for (const what of Object.keys(taken)) {
      const before = cpu(window.pid)
      taken[what].push(await inPage(window.d, bench, what, STEPS))
      work[what].push((cpu(window.pid) - before) / STEPS)
    }
  }
  return Object.fromEntries(Object.keys(taken).map((what) => [what, { wall: median(taken[what]), cpu: median(work[what]) }]))
}

const ways = values.bulk.split(',')
const measured = new Map(ways.map((way) => [way, { start: [], first: [], whole: [], memory: [] }]))
const figures = new Figures()
let failed = false
try {
  let port = 4400 + (process.pid % 500)
  for (let run = 0; run < RUNS; run += 1) {
    for (const way of ways) {
      const of = measured.get(way)
      const window = await Window.open({ program: values.program, profile: values.profile, bulk: way, port: (port += 1) })
      try {
        of.start.push(window.startMillis)
        await window.signIn(values.platform)
        const { ct, other } = await window.images(values.patient, values.images)
        // The first series of all also pays for the viewer's start, which a reader pays once a day.
        await window.d.jsAsync(open, other)
        await window.quiet()
        const { first, whole, state } = await window.d.jsAsync(open, ct)
        if (whole === null) throw new Error(`the CT was not whole after two minutes (${way}): ${state}`)
        of.first.push(first)
        of.whole.push(whole)
        await window.quiet()
        of.memory.push(memory(window.pid))
        if (run === RUNS - 1 && way === ways[0]) {
          of.caught = await inPage(window.d, catchViewer, DRAWN)
          of.steps = await steps(window)
        }
        await window.faults()
      } finally {
        await window.close()
      }
    }
  }
  const all = [...measured.values()]
  figures.atMost('start to usable window', median(all.flatMap((of) => of.start)), 'ms', 2000)
  for (const [way, of] of measured) {
    figures.atMost(`${way}: first image of ${values.images} from the click`, median(of.first), 'ms', 70)
    figures.atMost(`${way}: all ${values.images} images on the GPU`, median(of.whole), 'ms', 1000)
    figures.atMost(`${way}: memory of all processes, CT open`, median(of.memory), 'MB', 700)
  }
  const { caught, steps: s } = measured.get(ways[0])
  figures.note('drawn pixels of a step', caught.drawn, 'px')
  figures.note('floor: an empty pass presented', s.floor.wall, 'ms')
  figures.atMost('a step of scrolling', s.scroll.wall, 'ms', 45)
  figures.atMost('a step of scrolling to the floor', s.scroll.wall / s.floor.wall, 'x', 1.2)
  figures.atMost('a step of the window', s.window.wall, 'ms', 45)
  figures.atMost('a step of the window to the floor', s.window.wall / s.floor.wall, 'x', 1.2)
  figures.note('processor time of an empty pass', s.floor.cpu, 'ms')
  figures.note('processor time of a step of scrolling', s.scroll.cpu, 'ms')
  figures.note('processor time of a step of the window', s.window.cpu, 'ms')
} catch (error) {
  failed = true
  console.error(`slice: ${error.message}`)
}
figures.write(values.out)
process.exit(failed ? 1 : 0)
