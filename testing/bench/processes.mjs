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

// Programs that were started with this executable and this word among its arguments. A child that has not yet become
// another program looks like its parent and does not count.
export function find(program, word) {
  const alike = numbers().map(Number).filter((pid) => {
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
      return line[0] === program && line.includes(word)
    } catch {
      // The process ended meanwhile.
      return false
    }
  })
  return alike.filter((pid) => !alike.some((other) => other !== pid && tree(other).includes(pid)))
}

// A process that has ended and that nobody has asked about yet is a zombie, and takes nothing.
export function alive(pid) {
  try {
    return stat(pid)[0] !== 'Z'
  } catch {
    return false
  }
}

// Proportional set size in megabytes (10⁶ bytes): memory that several processes share counts once.
export function memory(root) {
  let kib = 0
  for (const pid of tree(root)) {
    try {
      kib += Number(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8').match(/^Pss:\s+(\d+)/m)[1])
    } catch {
      // The process ended meanwhile.
    }
  }
  return (kib * 1024) / 1e6
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
