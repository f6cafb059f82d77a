// What a program and everything that it started take of the machine, as the kernel counts it.
import { readdirSync, readFileSync } from 'node:fs'

const numbers = () => readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))

// Fields of /proc/PID/stat behind the name, which may hold spaces: state, parent, …
function stat(pid) {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return text.slice(text.lastIndexOf(')') + 2).split(' ')
}

// The process numbers of a program and of everything below it.
export function tree(root) {
  const parents = new Map()
  for (const entry of numbers()) {
    try {
      parents.set(Number(entry), Number(stat(entry)[1]))
    } catch {
      // The process ended meanwhile.
    }
  }
  const below = (pid) => {
    for (let p = pid; p > 1; p = parents.get(p) ?? 0) if (p === root) return true
    return false
  }
  return [...parents.keys()].filter(below)
}

// The program that was started with this executable and this word among its arguments.
export function find(program, word) {
  for (const entry of numbers()) {
    try {
      const line = readFileSync(`/proc/${entry}/cmdline`, 'utf8').split('\0')
      if (line[0] === program && line.includes(word)) return Number(entry)
    } catch {
      // The process ended meanwhile.
    }
  }
  throw new Error(`no process ${program} … ${word}`)
}

// Proportional set size in MiB: memory that several processes share counts once.
export function memory(root) {
  let kib = 0
  for (const pid of tree(root)) {
    try {
      kib += Number(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8').match(/^Pss:\s+(\d+)/m)[1])
    } catch {
      // The process ended meanwhile.
    }
  }
  return kib / 1024
}

// Processor time so far in milliseconds, user and system. The kernel counts in hundredths of a second (USER_HZ).
export function cpu(root) {
  let ticks = 0
  for (const pid of tree(root)) {
    try {
      const fields = stat(pid)
      // utime, stime, and those of children that have ended.
      for (const field of [11, 12, 13, 14]) ticks += Number(fields[field])
    } catch {
      // The process ended meanwhile.
    }
  }
  return ticks * 10
}
