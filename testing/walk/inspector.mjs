// Looks into the page of a running program through WebKitGTK's remote inspector (WEBKIT_INSPECTOR_HTTP_SERVER),
// which outlives the page's process: a WebDriver session ends with it.

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const PATIENCE = 5000

export class Inspector {
  #place
  #line

  constructor(port) {
    this.#place = `127.0.0.1:${port}`
  }

  // The value of an expression in the page as it is now.
  async look(expression) {
    try {
      this.#line ??= await connect(this.#place)
      const { result, wasThrown } = await this.#line.ask('Runtime.evaluate', { expression, returnByValue: true })
      if (wasThrown) throw new Error(result.description)
      return result.value
    } catch (error) {
      // The page of this line may be dead: the next look finds the one that came after it.
      this.close()
      throw error
    }
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
      await pause(100)
    }
  }

  close() {
    this.#line?.close()
    this.#line = undefined
  }
}

async function connect(place) {
  const list = await (await fetch(`http://${place}/`, { signal: AbortSignal.timeout(PATIENCE) })).text()
  const path = [...list.matchAll(/socket\/\d+\/\d+\/WebPage/g)].at(-1)?.[0]
  if (!path) throw new Error('the inspector lists no page')
  const socket = new WebSocket(`ws://${place}/${path}`)
  const waiting = new Map()
  let numbers = 0
  const target = await within(
    new Promise((resolve, reject) => {
      socket.onerror = () => reject(new Error('the inspector hung up'))
      socket.onclose = () => {
        reject(new Error('the inspector hung up'))
        for (const { reject: refuse } of waiting.values()) refuse(new Error('the page is gone'))
      }
      socket.onmessage = ({ data }) => {
        const { method, params } = JSON.parse(data)
        if (method === 'Target.targetCreated' && params.targetInfo.type === 'page') resolve(params.targetInfo.targetId)
        if (method !== 'Target.dispatchMessageFromTarget') return
        const { id, result, error } = JSON.parse(params.message)
        waiting.get(id)?.[error ? 'reject' : 'resolve'](error ? new Error(error.message) : result)
        waiting.delete(id)
      }
    }),
  )
  return {
    ask(method, params) {
      numbers += 1
      const id = numbers
      const answer = new Promise((resolve, reject) => waiting.set(id, { resolve, reject }))
      const message = JSON.stringify({ id, method, params })
      socket.send(JSON.stringify({ id, method: 'Target.sendMessageToTarget', params: { targetId: target, message } }))
      return within(answer)
    },
    close: () => socket.close(),
  }
}

function within(promise) {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('the inspector does not answer')), PATIENCE)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}
