// Both ways of bulk bytes and both means of drawing in the real window: with each, one series is loaded whole, its values
// at named points are those that its recipe says, and the painted picture of a named image is the same.
//
// node bulk.mjs --program PROGRAM --profile DIR --platform URL --out DIR

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { cut, decode } from './png.mjs'
import { Steps, Window, field, noFaults, openImages, openSeries, settle, shown, signIn, stack, test } from './steps.mjs'

const { values } = parseArgs({
  options: {
    program: { type: 'string' },
    profile: { type: 'string' },
    platform: { type: 'string' },
    out: { type: 'string' },
    lang: { type: 'string', default: 'de' },
    theme: { type: 'string', default: 'office' },
  },
})
const { program, profile, platform, out, lang, theme } = values

const PATIENT = 'pat-auenwald'
const STUDY = 'study-auenwald-petct'
const SERIES = 3

// Where the recipe puts what, in voxels of the series: PS3.3 C.7.6.2.1.1 turned round, for an axial series whose
// field of view is centered on the body's axis.
const recipe = JSON.parse(readFileSync(new URL('../../assets/demo/imaging.json', import.meta.url), 'utf8'))
const series = recipe.studies.find(({ id }) => id === STUDY).series.find(({ no }) => no === SERIES)
const named = (phantom, name) => recipe.phantoms[phantom].objects.find((object) => object.name.startsWith(name))
const points = [named('lung', 'tumour right upper lobe'), named('lung', 'granuloma'), named('thorax', 'lung right')].map(
  ({ name, center_mm: [x, y, z], hu }) => ({
    name,
    hu,
    column: Math.round(x / series.spacing_mm[0] + (series.matrix[0] - 1) / 2),
    row: Math.round(y / series.spacing_mm[1] + (series.matrix[1] - 1) / 2),
    index: Math.round((series.top_z_mm - z) / series.spacing_mm[2]),
  }),
)

// The recipe's `uid_rule`: 2.25 and the number of a name-based UUID (RFC 9562 §5.5) in the namespace of OIDs.
function uid(name) {
  const namespace = Buffer.from('6ba7b8129dad11d180b400c04fd430c8', 'hex')
  const hash = createHash('sha1').update(namespace).update(name).digest().subarray(0, 16)
  hash[6] = (hash[6] & 0x0f) | 0x50
  hash[8] = (hash[8] & 0x3f) | 0x80
  return `2.25.${BigInt(`0x${hash.toString('hex')}`)}`
}

const steps = new Steps(out)
let window
const step = (name, work) => steps.step(() => window?.driver, name, work)

async function goTo(d, index) {
  await d.press('Home')
  await d.wait('the first image', async () => (await shown(d, 'viewport-1')) === '0')
  if (index > 0) await d.press(...Array.from({ length: index }, () => 'ArrowDown'))
  await d.wait(`image ${index + 1}`, async () => (await shown(d, 'viewport-1')) === String(index))
}

// Reads the value under the keyboard's cursor, which begins in the middle of the image.
async function probe(d, { column, row, index }) {
  await d.press('w')
  await goTo(d, index)
  const moves = (by, less, more) => {
    const key = by < 0 ? less : more
    const [tens, ones] = [Math.floor(Math.abs(by) / 10), Math.abs(by) % 10]
    return [...Array.from({ length: tens }, () => `Shift+${key}`), ...Array.from({ length: ones }, () => key)]
  }
  await d.press('o', 'Enter', ...moves(column - series.matrix[0] / 2, 'ArrowLeft', 'ArrowRight'), ...moves(row - series.matrix[1] / 2, 'ArrowUp', 'ArrowDown'))
  const text = await d.wait('a value', async () => {
    // The values of a picture are fetched anew if they were forgotten meanwhile.
    await d.press('Enter')
    return d.js('return document.querySelector("#viewport-measurements-0 li")?.textContent ?? null')
  })
  const found = text.match(/(?<sign>[-−]?)(?<number>\d[\d.,]*)\s*HU/u)
  if (!found) throw new Error(`no value in HU: ${text}`)
  const number = Number(found.groups.number.replaceAll(lang === 'de' ? '.' : ',', '').replace(',', '.'))
  return found.groups.sign === '' ? number : -number
}

// The first viewport as the window shows it: every pixel of the picture, and the text over it as words. Letters are
// smoothed differently from window to window, so they are not in the way while the picture is taken.
async function painted(d, file) {
  const css = test('viewport-1')
  const words = await d.js('return document.querySelector(arguments[0]).innerText', css)
  const over = 'for (const one of document.querySelector(arguments[0]).children) one.style.visibility = arguments[1]'
  await d.js(over, css, 'hidden')
  await d.painted()
  await d.shot(join(out, file))
  const place = await d.js(`const { x, y, width, height } = document.querySelector(arguments[0]).getBoundingClientRect()
                            const at = (value) => Math.round(value * devicePixelRatio)
                            return { x: at(x), y: at(y), width: at(width), height: at(height) }`, css)
  await d.js(over, css, '')
  return { words, pixels: cut(decode(readFileSync(join(out, file))), place) }
}

async function over(way, drawing) {
  const result = { values: [], pictures: [] }
  const name = `${way}-${drawing}`
  await step(`${name}-loaded`, async () => {
    window = await Window.open(program, ['--profile', join(profile, name), '--bulk', way, '--drawing', drawing])
    const d = window.driver
    await d.seen(field('sign-in-address'))
    await settle(d, { language: lang, theme })
    await signIn(d, platform)
    await openImages(d, PATIENT)
    const entry = `series-${uid(`${STUDY}/${SERIES}`)}`
    await stack(d, 'CT')
    await openSeries(d, entry)
    await d.wait('all images', () => d.js('return document.querySelector(`${arguments[0]} [data-loaded=true]`) !== null', test(entry)), 120000)
    const used = await d.js('return document.querySelector("[data-testid=images]").dataset.bulk')
    if (used !== way) throw new Error(`the bytes come by ${used}`)
    const drawn = await d.js('return document.querySelector("[data-testid=images]").dataset.drawn')
    if ((drawn === 'Processor') !== (drawing === 'processor')) throw new Error(`${drawn} draws`)
    await d.click(test('viewport-1'))
  })
  const d = window.driver
  await step(`${name}-pictures`, async () => {
    for (const { index } of points) {
      await goTo(d, index)
      await d.press('2')
      await d.wait('the lung window', () => d.js('return /1[.,]?500/.test(document.querySelector("[data-testid=corner-window-1]")?.textContent ?? "")'))
      result.pictures.push(await painted(d, `${name}-image-${index + 1}.png`))
    }
  })
  await step(`${name}-values`, async () => {
    for (const point of points) {
      const value = await probe(d, point)
      result.values.push(value)
      // One voxel carries the series' noise: five standard deviations of it.
      if (!(Math.abs(value - point.hu) <= 5 * series.noise_hu)) throw new Error(`${point.name}: ${value} HU, not ${point.hu}`)
    }
  })
  await step(`${name}-no-faults`, () => noFaults(d))
  await window.close()
  window = undefined
  return result
}

await steps.run(
  async () => {
    const [socket, scheme, graphics] = [await over('socket', 'processor'), await over('scheme', 'processor'), await over('socket', 'graphics')]
    await step('same', async () => {
      for (const other of [scheme, graphics]) {
        if (String(socket.values) !== String(other.values)) throw new Error(`values differ: ${socket.values} and ${other.values} HU`)
      }
      points.forEach(({ index }, at) => {
        const one = socket.pictures[at]
        for (const [other, most] of [[scheme.pictures[at], 0], [graphics.pictures[at], 1]]) {
          if (one.words !== other.words) throw new Error(`image ${index + 1} reads "${one.words}" and "${other.words}"`)
          if (one.pixels.length !== other.pixels.length) throw new Error(`image ${index + 1} has another size`)
          // A device may round the last bit of a mix of four values in another way, which is one level of gray at most.
          const apart = one.pixels.reduce((worst, value, place) => Math.max(worst, Math.abs(value - other.pixels[place])), 0)
          if (apart > most) throw new Error(`image ${index + 1} is painted differently, ${apart} apart`)
        }
      })
      // Air and bone: a picture that shows both is no empty one.
      if (new Set(socket.pictures[0].pixels).size < 100 || socket.pictures[0].pixels.equals(socket.pictures[1].pixels)) throw new Error('nothing was painted')
    })
  },
  () => window?.close(),
)
