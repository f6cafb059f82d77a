// A list of figures, as every part of the bench writes it: [{name, value, unit, goal, holds}]. A figure without a
// goal is information, and its `holds` is null.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

export const median = (list) => {
  const sorted = [...list].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

const rounded = (value) => Number(value.toPrecision(value >= 1000 ? 4 : 3))

export class Figures {
  #list = []

  // Information only.
  note(name, value, unit) {
    this.#list.push({ name, value: rounded(value), unit, goal: null, holds: null })
  }

  atMost(name, value, unit, limit) {
    this.#list.push({ name, value: rounded(value), unit, goal: `<= ${limit}`, holds: value <= limit })
  }

  atLeast(name, value, unit, limit) {
    this.#list.push({ name, value: rounded(value), unit, goal: `>= ${limit}`, holds: value >= limit })
  }

  write(file) {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, `${JSON.stringify(this.#list, null, 2)}\n`)
  }
}
