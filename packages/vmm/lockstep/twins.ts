/**
 * Two machines that are the same to the last byte of guest memory.
 * Why: each engine must have a memory of its own to write to, and any difference at the start would be one for ever.
 */

import { assert, defined, ok, type Result } from '@virga/base'
import { createMachine, type MachineConfig } from '../create-machine.ts'
import type { MachineDescriptor } from '../machine.ts'
import type { MachineOwner } from '../owner.ts'

/** The machine that its owner runs, and its twin, which stays paused: lockstep runs its hart. */
export interface Twins {
  readonly owner: MachineOwner
  readonly twin: MachineDescriptor
}

/**
 * Makes both. The configuration has one hart. They have the PLIC, whose wires can be shown to guest code between slices;
 * messages arrive whenever they do. Errors: those of `createMachine`.
 */
export function createTwins(config: MachineConfig): Result<Twins> {
  assert(config.cpus === 1, 'lockstep runs one hart')
  const drawn: Uint8Array[] = []
  const random = (byteCount: number) => {
    const bytes = config.random(byteCount)
    drawn.push(bytes)
    return bytes
  }
  const first = createMachine({ ...config, interrupts: 'plic', lines: 'staged', random })
  if (!first.ok) return first
  const second = createMachine({
    ...config,
    interrupts: 'plic',
    random: () => defined(drawn.shift(), 'random bytes'),
  })
  if (!second.ok) return second
  return ok({ owner: first.value, twin: second.value.descriptor })
}
