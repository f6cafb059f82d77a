// Bytes from Rust into the web view: the socket against the program's own scheme, in one window, in turns, the same
// frames. The page's own worker fetches them as it does for the viewer; nothing is fetched from the archive, decoded or
// drawn, since this build (feature `bench`) keeps the messages that it has sent once.
//
// node bulk.mjs --program PROGRAM --profile DIR --platform URL --out FILE [--images N] [--runs N]

import { parseArgs } from 'node:util'
import { Figures, median } from './figures.mjs'
import { cpu } from './processes.mjs'
import { Window, scriptNamed } from './window.mjs'

const { values } = parseArgs({
  options: {
    program: { type: 'string' },
    profile: { type: 'string' },
    platform: { type: 'string' },
    out: { type: 'string' },
    patient: { type: 'string', default: 'pat-auenwald' },
    images: { type: 'string', default: '135' },
    runs: { type: 'string', default: '3' },
  },
})
// 3 × 135 frames of 0.5 MB are 213 MB a turn.
const SWEEPS = 3

// In the page: opens the series and, for each way, a worker of its own that has taken all frames once.
const prepare = `
  const [patient, id, done] = arguments
  const work = async () => {
    const script = await (${scriptNamed})('bulkWorker')
    const call = (request) => window.__TAURI_INTERNALS__.invoke('call', { request })
    const { value: view } = await call({ type: 'open-images', patient })
    const series = id.replace('series-', '')
    const { study } = view.studies.find((study) => study.series.some((one) => one.series === series))
    const { value: open } = await call({ type: 'open-series', patient, study, series })
    const count = open.frames.length
    const ways = {}
    for (const way of ['socket', 'scheme']) {
      const worker = new Worker(script, { type: 'module', name: 'bench' })
      const { value: access } = await call({ type: 'open-bulk' })
      await new Promise((resolve, reject) => {
        worker.onmessage = ({ data }) => data.type === 'opened' ? resolve() : reject(new Error(way + ': ' + data.type))
        worker.postMessage({ type: 'start', way, access })
      })
      // All frames once; answers the bytes.
      ways[way] = () => new Promise((resolve, reject) => {
        let [bytes, frames] = [0, 0]
        worker.onmessage = ({ data }) => {
          if (data.type !== 'frame') { reject(new Error(way + ': ' + data.type)); return }
          bytes += data.message.byteLength
          // A frame may come in parts; the flag of the last one is bit 1 of byte 3.
          if ((new Uint8Array(data.message, 0, 4)[3] & 2) !== 0) frames += 1
          worker.postMessage({ type: 'consumed', messages: 1 })
          if (frames === count) resolve(bytes)
        }
        worker.postMessage({ type: 'want', series: open.handle, first: 0, last: count - 1, near: 0 })
      })
    }
    await ways.socket()
    await ways.scheme()
    window.__bulk = async (way, sweeps) => {
      const began = performance.now()
      let bytes = 0
      for (let sweep = 0; sweep < sweeps; sweep += 1) bytes += await ways[way]()
      return { seconds: (performance.now() - began) / 1000, megabytes: bytes / 1e6 }
    }
    return count
  }
  work().then((value) => done({ value }), (error) => done({ error: error + ' ' + (error.stack ?? JSON.stringify(error)) }))`

const take = `
  const [way, sweeps, done] = arguments
  window.__bulk(way, sweeps).then((value) => done({ value }), (error) => done({ error: String(error) }))`

async function inPage(d, script, ...args) {
  const { value, error } = await d.jsAsync(script, ...args)
  if (error) throw new Error(error)
  return value
}

const figures = new Figures()
let failed = false
let window
try {
  window = await Window.open({ program: values.program, profile: values.profile, bulk: 'auto', port: 4900 + (process.pid % 90) })
  await window.signIn(values.platform)
  const { ct } = await window.images(values.patient, values.images)
  await inPage(window.d, prepare, values.patient, ct)
  const rates = { socket: [], scheme: [] }
  const works = { socket: [], scheme: [] }
  for (let round = 0; round < Math.max(3, Number(values.runs)); round += 1) {
    for (const way of Object.keys(rates)) {
      const before = cpu(window.pid)
      const { seconds, megabytes } = await inPage(window.d, take, way, SWEEPS)
      rates[way].push(megabytes / seconds)
      works[way].push((cpu(window.pid) - before) / megabytes)
    }
  }
  await window.faults()
  for (const way of Object.keys(rates)) {
    figures.note(`bytes by ${way}`, median(rates[way]), 'MB/s')
    figures.note(`bytes by ${way}, processor time of all processes`, median(works[way]), 'ms/MB')
  }
  figures.atLeast('bytes: throughput, socket to scheme', median(rates.socket) / median(rates.scheme), 'x', 2)
  figures.atMost('bytes: processor time, socket to scheme', median(works.socket) / median(works.scheme), 'x', 0.5)
} catch (error) {
  failed = true
  console.error(`bulk: ${error.message}`)
} finally {
  await window?.close()
}
figures.write(values.out)
process.exit(failed ? 1 : 0)
