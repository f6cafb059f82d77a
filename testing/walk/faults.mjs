// Kills the web process of the real window, as a driver or the system's memory killer does: the page comes back
// where it was, with what was written; a page that dies again and again gives way to one that says so. The web view has
// kept nothing of it all, and a second program with the same profile waits until the first has gone.
//
// node faults.mjs --program PROGRAM --profile DIR --platform URL --out DIR

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, readdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Inspector } from './inspector.mjs'
import { Steps, test } from './steps.mjs'

// Node 20 has a WebSocket behind a flag.
if (typeof WebSocket === 'undefined') {
  const again = spawnSync(process.execPath, ['--experimental-websocket', '--no-warnings', ...process.argv.slice(1)], { stdio: 'inherit' })
  process.exit(again.status ?? 1)
}

const { values } = parseArgs({
  options: {
    program: { type: 'string' },
    profile: { type: 'string' },
    platform: { type: 'string' },
    out: { type: 'string' },
    lang: { type: 'string', default: 'de' },
    theme: { type: 'string', default: 'office' },
    patient: { type: 'string', default: 'pat-auenwald' },
  },
})
const { program, profile, platform, out, patient } = values

const freePort = () =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address()
      probe.close(() => resolve(port))
    })
  })

// The program, and a way to look into its page.
async function open() {
  const port = await freePort()
  const running = spawn(program, ['--profile', profile, '--address', platform], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, WEBKIT_INSPECTOR_HTTP_SERVER: `127.0.0.1:${port}` },
  })
  return [running, new Inspector(port)]
}

const [konsil, page] = await open()
let second
const steps = new Steps(out)

// The display itself, where ImageMagick is there: what a person sees, whatever the inspector knows.
const display = { shot: (file) => spawnSync('import', ['-window', 'root', file]) }
const step = (name, work) => steps.step(() => display, name, work)

// Processes by their parents, as /proc tells (proc(5)): the name stands in parentheses and may hold blanks.
function processes() {
  const all = []
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8')
      const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'))
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      if (state !== 'Z') all.push({ pid: Number(entry), parent: Number(parent), name })
    } catch {
      // It ended meanwhile.
    }
  }
  return all
}

// The web process of our program and of no other.
function webProcess() {
  const all = processes()
  const ours = new Set([konsil.pid])
  for (let before = 0; ours.size > before; ) {
    before = ours.size
    for (const { pid, parent } of all) if (ours.has(parent)) ours.add(pid)
  }
  return all.find(({ pid, name }) => ours.has(pid) && name.startsWith('WebKitWebProces'))?.pid
}

async function kill() {
  const pid = await page.wait('a web process', () => webProcess())
  process.kill(pid, 'SIGKILL')
  await page.wait('the end of the web process', () => webProcess() !== pid)
  page.close()
}


const TEXT = `textarea${test('decision-text')}, ${test('decision-text')} textarea`
const quoted = (text) => JSON.stringify(text)
const shows = (css) => page.look(`document.querySelector(${quoted(css)}) !== null`)
const seen = (css, ms) => page.wait(css, () => shows(css), ms)
const savedLine = () => page.look(`document.querySelector('${test('saved')}')?.textContent ?? ''`)
const text = () => page.look(`document.querySelector(${quoted(TEXT)})?.value ?? null`)
const image = () => page.look(`document.querySelector('${test('viewport-1')}')?.dataset.ready === 'true'`)

async function click(css, ms) {
  await seen(css, ms)
  await page.look(`document.querySelector(${quoted(css)}).click()`)
}

// Typed, and acknowledged: the line tells a time only of what is on disk.
async function write(words) {
  const before = await savedLine()
  await page.look(`{
    const field = document.querySelector(${quoted(TEXT)})
    field.focus()
    field.select()
    document.execCommand('insertText', false, ${quoted(words)})
  }`)
  await page.wait('the text typed', async () => (await text()) === words)
  await page.wait('the draft on disk', async () => {
    const now = await savedLine()
    return now !== before && /\d\d:\d\d:\d\d/.test(now)
  })
}

const FIRST = 'Definitive simultane Radiochemotherapie, danach Durvalumab.'
const SECOND = `${FIRST} Vorstellung nach drei Monaten.`

async function run() {
  await step('sign-in', async () => {
    await click(test('sign-in-button'), 60000)
    await seen(test('today'), 30000)
  })
  await step('decision', async () => {
    await click(`${test(`agenda-row-${patient}`)} > td`)
    await click(test('tab-decision'))
    await seen(test('decision-form'))
    await write(FIRST)
  })
  await step('back-at-the-decision', async () => {
    await kill()
    await page.wait('the text in the same tab of the same case', async () => (await text()) === FIRST, 60000)
    await seen(test('patient-banner'))
  })
  await step('works-on', () => write(SECOND))
  await step('images', async () => {
    await click(test('tab-images'))
    await page.wait('an image', image, 60000)
  })
  await step('back-at-the-images', async () => {
    await kill()
    await page.wait('an image in the same tab of the same case', image, 60000)
  })
  await step('draft-still-there', async () => {
    await click(test('tab-decision'))
    await page.wait('the last text', async () => (await text()) === SECOND)
  })
  await step('stopped', async () => {
    // Each death is that of a page which was there: WebKit ends the program with a process that dies while it starts.
    for (let deaths = 0; deaths < 8 && !(await shows('#reload')); deaths++) {
      await kill()
      const there = async () => (await shows('#reload')) || (await shows(test('decision-form')))
      await page.wait('the page or the one that says so', there, 60000)
    }
    await seen('#reload')
  })
  await step('and-back', async () => {
    await click('#reload')
    await page.wait('the last text', async () => (await text()) === SECOND, 60000)
  })
  await step('nothing-kept', () => {
    // tauri makes a context that keeps as well, and shows nothing in it: it leaves random salts and an empty list of hosts.
    const unused = ['salt', 'hsts-storage.sqlite']
    const files = readdirSync(join(profile, 'page'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    const kept = files.filter(({ name }) => !unused.includes(name))
    if (kept.length > 0) throw new Error(`the web view has kept ${kept.map(({ name }) => name).join(', ')}`)
  })
  const failed = `document.querySelector('${test('start-failed')}')`
  await step('second-program', async () => {
    second = await open()
    await second[1].wait('that it says so', () => second[1].look(`${failed} !== null`), 60000)
  })
  await step('when-the-first-has-gone', async () => {
    const gone = once(konsil, 'exit')
    page.close()
    konsil.kill()
    await gone
    await second[1].look(`${failed}.querySelector('button').click()`)
    const opened = ['today', 'patient-banner', 'locked', 'sign-in-button'].map(test).join(', ')
    await second[1].wait('that it opens', () => second[1].look(`document.querySelector(${quoted(opened)}) !== null`), 60000)
  })
}

await steps.run(run, () => {
  page.close()
  konsil.kill()
  second?.[1].close()
  second?.[0].kill()
})
