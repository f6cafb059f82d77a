// Listens on the session bus to what a program asks of one of the desktop's interfaces, whether or not anybody answers.

import { spawn } from 'node:child_process'
import { setTimeout as pause } from 'node:timers/promises'

export class Bus {
  #text = ''
  #monitor

  constructor(interfaceName) {
    this.#monitor = spawn('dbus-monitor', ['--session', `interface='${interfaceName}'`], { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#monitor.stdout.setEncoding('utf8').on('data', (text) => (this.#text += text))
  }

  // The monitor's own first words say that it listens.
  async listening() {
    for (let tries = 0; this.#text === ''; tries++) {
      if (tries > 100) throw new Error('the session bus cannot be listened to')
      await pause(50)
    }
  }

  heard() {
    return this.#text
  }

  close() {
    this.#monitor.kill()
  }
}
