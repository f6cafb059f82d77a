// Cornerstone3D in Chromium, to hold beside ours: the same CT from loopback, the same things timed at 1024².
//
// node cornerstone.mjs --data DIR --built DIR --ui DIR --out FILE [--ours FILE] [--runs N]
//
// It is spared what ours pays: the files are as they lie on disk, without sign-in, metadata query, identity check and
// sealed cache, and its steps are not made to finish before the next frame.

import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { extname, join, normalize } from 'node:path'
import { parseArgs } from 'node:util'
import { Figures, median } from './figures.mjs'

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    built: { type: 'string' },
    ui: { type: 'string' },
    out: { type: 'string' },
    ours: { type: 'string' },
    chromium: { type: 'string' },
    runs: { type: 'string', default: '3' },
  },
})
const RUNS = Math.max(3, Number(values.runs))
const STEPS = 30
const { chromium } = createRequire(join(values.ui, 'package.json'))('playwright-core')
const KINDS = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.wasm': 'application/wasm' }

const ct = join(values.data, 'petct/ct-ct-images')
const files = readdirSync(ct).sort().map((name) => readFileSync(join(ct, name)))

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url, 'http://127.0.0.1')
  const image = /^\/ct\/(\d+)$/.exec(pathname)
  const file = join(values.built, normalize(pathname === '/' ? '/index.html' : pathname))
  if (image && files[Number(image[1])]) {
    response.writeHead(200, { 'content-type': 'application/dicom', 'cache-control': 'no-store' })
    response.end(files[Number(image[1])])
  } else if (existsSync(file)) {
    response.writeHead(200, { 'content-type': KINDS[extname(file)] ?? 'application/octet-stream' })
    response.end(readFileSync(file))
  } else {
    response.writeHead(404).end()
  }
})

const figures = new Figures()
let failed = false
let browser
try {
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  browser = await chromium.launch({
    executablePath: values.chromium,
    args: ['--no-sandbox', '--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--ignore-gpu-blocklist'],
  })
  const taken = { first: [], stack: [], volume: [], stackScroll: [], stackWindow: [], volumeScroll: [], volumeWindow: [] }
  for (let run = 0; run < RUNS; run += 1) {
    const context = await browser.newContext({ viewport: { width: 1920, height: 1080 } })
    const page = await context.newPage()
    const faults = []
    page.on('pageerror', (error) => faults.push(String(error)))
    await page.goto(`http://127.0.0.1:${server.address().port}/`)
    await page.evaluate(([images]) => { window.images = images }, [files.length])
    await page.evaluate((workers) => window.bench.start(workers), availableParallelism())
    // As with ours, starting the viewer and its workers is not part of a click: one series was open before.
    await page.evaluate(async () => { await window.bench.stack(); window.rendering.destroy() })
    const { first, whole } = await page.evaluate(() => window.bench.stack())
    taken.first.push(first)
    taken.stack.push(whole)
    taken.stackScroll.push(await page.evaluate((n) => window.bench.steps('scroll', n), STEPS))
    taken.stackWindow.push(await page.evaluate((n) => window.bench.steps('window', n), STEPS))
    taken.volume.push((await page.evaluate(() => window.bench.volume())).whole)
    taken.volumeScroll.push(await page.evaluate((n) => window.bench.steps('scroll', n), STEPS))
    taken.volumeWindow.push(await page.evaluate((n) => window.bench.steps('window', n), STEPS))
    if (process.env.BENCH_PICTURE) await page.screenshot({ path: process.env.BENCH_PICTURE })
    if (faults.length > 0) throw new Error(`the page caught faults: ${faults.join('; ').slice(0, 400)}`)
    await context.close()
  }
  const middle = Object.fromEntries(Object.entries(taken).map(([name, list]) => [name, median(list)]))
  // Where it has two ways, the faster one is held beside ours.
  const theirs = {
    first: middle.first,
    whole: Math.min(middle.stack, middle.volume),
    scroll: Math.min(middle.stackScroll, middle.volumeScroll),
    window: Math.min(middle.stackWindow, middle.volumeWindow),
  }
  figures.note('Cornerstone3D: first image', middle.first, 'ms')
  figures.note(`Cornerstone3D: all ${files.length} images, stack, decoded`, middle.stack, 'ms')
  figures.note(`Cornerstone3D: all ${files.length} images, volume, on the GPU`, middle.volume, 'ms')
  figures.note('Cornerstone3D: a step of scrolling, stack', middle.stackScroll, 'ms')
  figures.note('Cornerstone3D: a step of scrolling, volume', middle.volumeScroll, 'ms')
  figures.note('Cornerstone3D: a step of the window, stack', middle.stackWindow, 'ms')
  figures.note('Cornerstone3D: a step of the window, volume', middle.volumeWindow, 'ms')
  const ours = values.ours && existsSync(values.ours) ? JSON.parse(readFileSync(values.ours, 'utf8')) : []
  for (const [what, name] of [
    ['first', /first image/],
    ['whole', /images on the GPU/],
    ['scroll', /^a step of scrolling$/],
    ['window', /^a step of the window$/],
  ]) {
    const row = ours.find((figure) => name.test(figure.name))
    if (row) figures.note(`Cornerstone3D to Konsil: ${row.name}`, theirs[what] / row.value, 'x')
  }
} catch (error) {
  failed = true
  console.error(`cornerstone: ${error.message}`)
} finally {
  await browser?.close()
  server.close()
}
figures.write(values.out)
process.exit(failed ? 1 : 0)
