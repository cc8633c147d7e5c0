/**
 * The words that a scheduling policy keeps, over memory that threads share.
 *
 * ```
 *  host words │ pCPU words, an array for each │ machine words │ hart words      f64 arrays first, then i32 arrays
 * ```
 * Why: any pCPU thread may take the scheduler's lock and decide. Arrays by field rather than records, so that each is
 * one typed array of one kind, which is what engines read fastest.
 * Invariants: plain accesses, under the host's scheduler lock. The tables below are the whole layout.
 */

import { assert } from '@virga/base'
import type { SchedulerLimits } from './policy.ts'

/** Words of 8 bytes (milliseconds, shares) and of 4 bytes, by what there is one of each for. */
const fields = {
  host: {
    f64: {
      /** no decision was made for a later time than this */
      now: 'ms',
      /** when the present choice of gangs runs out */
      sliceEnd: 'ms',
      /** virtual time: what a machine that wakes starts from */
      virtualTime: 'ms of a machine of share 100',
      /** when a ready hart last found no place */
      contendedAt: 'ms',
      /** how long harts have waited lately beside pCPUs that siblings would have to share, up to `besideAt` */
      besideMs: 'ms',
      besideAt: 'ms',
    },
    i32: {
      /** machines in `order` */
      machineCount: 'count',
      /** pCPUs whose `kick` is set */
      kickCount: 'count',
      /** 1: such a hart waits at present */
      beside: 'flag',
      /** machines that have a cap */
      cappedCount: 'count',
      /** machines in `gangs` */
      gangCount: 'count',
    },
  },
  pcpu: {
    f64: {
      /** its hart has been charged up to here */
      chargedAt: 'ms',
      until: 'ms',
      /** since when it has nothing to run, Infinity when it has */
      idleAt: 'ms',
    },
    i32: {
      /** hart that it should run, -1 none */
      assigned: 'hart',
      /** hart that it runs, -1 none */
      running: 'hart',
      /** 1: the assignment is part of a whole gang's, 0: it fills a gap */
      gang: 'flag',
      /** 1: its thread must be told */
      kick: 'flag',
      /** machines that the last choice placed, first come first; a list, of no more than there are pCPUs */
      gangs: 'machine',
    },
  },
  machine: {
    f64: {
      share: '1 to 10,000',
      cap: 'pCPUs',
      /** time run, over its share of 100 */
      vtime: 'ms',
      /** vtime at which the present slice was given */
      startTag: 'ms',
      /** what it may still run before its cap holds it */
      budget: 'ms',
      budgetAt: 'ms',
      /** since when each choice placed all of it, Infinity when the last did not */
      contentAt: 'ms',
    },
    i32: {
      present: 'flag',
      paused: 'flag',
      throttled: 'flag',
      harts: 'count',
      /** harts that are ready or running */
      runnable: 'count',
      /** 1: all of it that could run was placed at the last choice */
      placed: 'flag',
      /** machine slots by what they have had, least first */
      order: 'machine',
    },
  },
  hart: {
    f64: {
      /** time run, and what was made up for while idle: what skew is measured by */
      progress: 'ms',
      ran: 'ms',
      stolen: 'ms',
      readyAt: 'ms',
    },
    i32: {
      state: 'hartState',
      /** pCPU that has its compiled code */
      home: 'pCPU',
    },
  },
} as const

type Kind = keyof typeof fields
type F64Names = { [K in Kind]: keyof (typeof fields)[K]['f64'] }[Kind]
type I32Names = { [K in Kind]: keyof (typeof fields)[K]['i32'] }[Kind]

/** Every field by its name, as an array with one word for each host, pCPU, machine or hart. */
export type SchedulerWords = Readonly<Record<F64Names, Float64Array> & Record<I32Names, Int32Array>>

/** Bytes that the state of these limits needs; a multiple of 8. */
export function schedulerStateBytes(limits: SchedulerLimits): number {
  let bytes = 0
  for (const kind of kinds) {
    const { f64, i32 } = fields[kind]
    bytes += countOf(kind, limits) * (Object.keys(f64).length * 8 + Object.keys(i32).length * 4)
  }
  return (bytes + 7) & ~7
}

/** The arrays over `schedulerStateBytes` bytes of `memory` from `byteOffset` (a multiple of 8). */
export function schedulerWords(
  memory: SharedArrayBuffer,
  byteOffset: number,
  limits: SchedulerLimits,
): SchedulerWords {
  assert(byteOffset % 8 === 0, 'state of the scheduler is aligned')
  assert(byteOffset + schedulerStateBytes(limits) <= memory.byteLength, 'state of the scheduler fits')
  const words: Record<string, Float64Array | Int32Array> = {}
  let at = byteOffset
  for (const kind of kinds) {
    for (const name of Object.keys(fields[kind].f64)) {
      words[name] = new Float64Array(memory, at, countOf(kind, limits))
      at += countOf(kind, limits) * 8
    }
  }
  for (const kind of kinds) {
    for (const name of Object.keys(fields[kind].i32)) {
      words[name] = new Int32Array(memory, at, countOf(kind, limits))
      at += countOf(kind, limits) * 4
    }
  }
  // Built from the same table as the type. The copy is an object of one shape: one that grew by computed names is a hash
  // table to V8, and each decision looks up hundreds of fields.
  return { ...words } as SchedulerWords
}

/** Adds to one word. */
export function add(words: Float64Array | Int32Array, index: number, change: number): void {
  words[index] = (words[index] as number) + change
}

const kinds = Object.keys(fields) as readonly Kind[]

function countOf(kind: Kind, { pcpus, machines, hartsPerMachine }: SchedulerLimits): number {
  return { host: 1, pcpu: pcpus, machine: machines, hart: machines * hartsPerMachine }[kind]
}
