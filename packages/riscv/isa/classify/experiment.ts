/**
 * One try of an instruction, split into what Popek and Goldberg's definitions speak of: did it trap, what did the
 * processor compute, which resources did it change.
 *
 * Processor state is what a user program has: x, f, fcsr, pc and the memory it sees. Everything else is a resource:
 * the mode, V, all other CSRs, the caches that fences act on, and the processor's time itself, which WFI gives up.
 * mstatus.FS says only which part of the processor state changed, so it counts as Off or not Off; and that counters
 * count is no doing of the instruction.
 */

import { type CsrValues, copyHart, type Hart } from '../evaluate/index.ts'
import { cause } from '../evaluate/trap.ts'
import type { Trial } from './subject.ts'
import { buildWorld, type Circumstances, type World } from './world.ts'

/** What the processor computed. */
interface ProcessorState {
  readonly hart: Hart
  /** the bytes around the address that trials use, as the program sees them */
  readonly memory: Uint8Array
}

/** What came of one try. A memory trap is a trap that the address, not the instruction, brought about. */
export type Observation =
  | { readonly kind: 'trap' }
  | { readonly kind: 'memory trap' }
  | { readonly kind: 'done'; readonly processor: ProcessorState; readonly changed: readonly string[] }

const memoryCauses: ReadonlySet<number> = new Set([
  cause.fetchAccess,
  cause.loadMisaligned,
  cause.loadAccess,
  cause.storeMisaligned,
  cause.storeAccess,
  cause.fetchPage,
  cause.loadPage,
  cause.storePage,
  cause.fetchGuestPage,
  cause.loadGuestPage,
  cause.storeGuestPage,
])

const FS_ON = 1n << 13n
const FS = 3n << 13n

const withoutDirtiness = (status: bigint) => ((status & FS) === 0n ? status : (status & ~FS) | FS_ON)

/** Counts that one retired instruction adds. */
function naturalCount(name: string, { mcountinhibit }: CsrValues): bigint {
  if (name === 'mcycle') return (mcountinhibit & 1n) === 0n ? 1n : 0n
  if (name === 'minstret') return (mcountinhibit & 4n) === 0n ? 1n : 0n
  return 0n
}

function changedCsrs(before: CsrValues, after: CsrValues): string[] {
  return (Object.keys(after) as (keyof CsrValues)[]).filter((name) => {
    const [old, now] = [before[name], after[name]]
    if (name === 'fflags' || name === 'frm') return false
    if (typeof old === 'bigint' && typeof now === 'bigint') {
      if (name === 'mstatus') return withoutDirtiness(old) !== withoutDirtiness(now)
      return now !== old && now !== old + naturalCount(name, after)
    }
    return Array.isArray(old) && Array.isArray(now) && now.some((value, index) => value !== old[index])
  })
}

function changedGuestCsrs(before: Hart, after: Hart): string[] {
  const [old, now] = [before.hypervisor, after.hypervisor]
  if (old === undefined || now === undefined) return []
  return (Object.keys(now) as (keyof typeof now)[]).filter((name) =>
    name === 'vsstatus'
      ? withoutDirtiness(old[name]) !== withoutDirtiness(now[name])
      : old[name] !== now[name],
  )
}

/** Names of the resources that differ. */
function changedResources(before: Hart, after: Hart): string[] {
  return [
    ...(before.privilege === after.privilege ? [] : ['privilege']),
    ...(before.virtual === after.virtual ? [] : ['V']),
    ...changedCsrs(before.csr, after.csr),
    ...changedGuestCsrs(before, after),
  ]
}

/** Bytes before and behind the trials' address that are compared. */
const SEEN = 128

function processorState({ hart, memory, data }: World): ProcessorState {
  const offset = Number(data - memory.base)
  return { hart, memory: memory.content.slice(offset, offset + SEEN) }
}

/** Whether the processor computed the same. */
export function computedSame(a: ProcessorState, b: ProcessorState): boolean {
  return (
    a.hart.pc === b.hart.pc &&
    a.hart.csr.fflags === b.hart.csr.fflags &&
    a.hart.csr.frm === b.hart.csr.frm &&
    a.hart.x.every((value, index) => value === b.hart.x[index]) &&
    a.hart.f.every((value, index) => value === b.hart.f[index]) &&
    a.memory.every((value, index) => value === b.memory[index])
  )
}

/** Builds the circumstances' world, runs the trial in it, and says what happened. */
export function observe(trial: Trial, circumstances: Circumstances): Observation {
  const world = buildWorld(trial.bits, trial.registers, circumstances)
  const before = copyHart(world.hart)
  const result = trial.run(world)
  if (result.kind === 'interrupt')
    throw new Error('assertion failed: no interrupt is pending in these worlds')
  if (result.kind === 'exception') {
    return { kind: memoryCauses.has(result.exception.cause) ? 'memory trap' : 'trap' }
  }
  const changed = changedResources(before, world.hart)
  if (result.waiting) changed.push('processor time')
  if (result.fenced) changed.push(before.virtual ? 'vs translation caches' : 'translation caches')
  return { kind: 'done', processor: processorState(world), changed }
}
