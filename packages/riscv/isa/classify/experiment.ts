/**
 * One try of an instruction, split into what Popek and Goldberg's definitions speak of: did it trap, what did the
 * processor compute, which resources did it change.
 *
 * Processor state is what a user program has: x, f, fcsr, pc and the memory it sees. Everything else is a resource:
 * the mode, V, all other CSRs, the caches that fences act on, and the processor's time itself, which WFI gives up.
 * mstatus.FS says only which part of the processor state changed, so it counts as Off or not Off; and that counters
 * count is no doing of the instruction.
 */

import type { Hart } from '../evaluate/index.ts'
import { cause } from '../evaluate/trap.ts'
import type { Trial } from './subject.ts'
import { buildWorld, type Circumstances, type World } from './world.ts'

/** What came of one try. A memory trap is a trap that the address, not the instruction, brought about. */
export type Observation =
  | { readonly kind: 'trap'; readonly cause: number }
  | { readonly kind: 'memory trap' }
  | { readonly kind: 'done'; readonly processor: string; readonly changed: readonly string[] }

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
const SD = 1n << 63n

const isOn = (status: bigint) => ((status & FS) === 0n ? status & ~SD : (status & ~FS & ~SD) | FS_ON)

/** All resources by name. `retired` is taken off the counters that count it. */
function resources({ hart }: World, retired: bigint): Map<string, bigint> {
  const { csr, hypervisor } = hart
  const { fflags: _fflags, frm: _frm, mhpmcounter, mhpmevent, pmpcfg, pmpaddr, ...scalars } = csr
  const all = new Map<string, bigint>([...Object.entries(scalars), ...Object.entries(hypervisor ?? {})])
  for (const [name, list] of Object.entries({ mhpmcounter, mhpmevent, pmpcfg, pmpaddr })) {
    for (const [index, value] of list.entries()) all.set(`${name}${index}`, value)
  }
  all.set('mstatus', isOn(csr.mstatus))
  if (hypervisor !== undefined) all.set('vsstatus', isOn(hypervisor.vsstatus))
  const counted = (inhibit: bigint) => ((csr.mcountinhibit & inhibit) === 0n ? retired : 0n)
  all.set('mcycle', csr.mcycle - counted(1n))
  all.set('minstret', csr.minstret - counted(4n))
  all.set('privilege', BigInt(hart.privilege))
  all.set('V', hart.virtual ? 1n : 0n)
  return all
}

function processorState({ hart, memory, data }: World): string {
  const { x, f, pc, csr }: Hart = hart
  const offset = Number(data - memory.base)
  const seen = memory.content.subarray(offset, offset + 0x1000)
  return [pc, csr.fflags, csr.frm, ...x, ...f, seen.join()].join(' ')
}

/** Builds the circumstances' world, runs the trial in it, and says what happened. */
export function observe(trial: Trial, circumstances: Circumstances): Observation {
  const world = buildWorld(trial.bits, trial.registers, circumstances)
  const before = resources(world, 0n)
  const result = trial.run(world)
  if (result.kind === 'interrupt')
    throw new Error('assertion failed: no interrupt is pending in these worlds')
  if (result.kind === 'exception') {
    const { cause: code } = result.exception
    return memoryCauses.has(code) ? { kind: 'memory trap' } : { kind: 'trap', cause: code }
  }
  const after = resources(world, 1n)
  const changed = [...after].filter(([name, value]) => before.get(name) !== value).map(([name]) => name)
  if (result.waiting) changed.push('processor time')
  if (result.fenced) changed.push('translation caches')
  return { kind: 'done', processor: processorState(world), changed }
}
