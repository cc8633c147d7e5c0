/**
 * From an ECALL in S-mode to an extension and back. The table of extensions is the only list of them: BASE probes
 * it, statistics name by it.
 */

import type { EngineRuntime } from '../engine.ts'
import type { HartBlock } from '../hart-block.ts'
import type { Machine } from '../machine.ts'
import { hartRecord } from '../machine-block.ts'
import { baseExtension } from './base.ts'
import { notSupported, type SbiExtension, type SbiOutcome } from './call.ts'
import { dbcnExtension } from './dbcn.ts'
import { hsmExtension } from './hsm.ts'
import { ipiExtension } from './ipi.ts'
import { legacyExtensions } from './legacy.ts'
import { pmuExtension } from './pmu.ts'
import { rfenceExtension } from './rfence.ts'
import { srstExtension } from './srst.ts'
import { suspExtension } from './susp.ts'
import { timeExtension } from './time.ts'

const a0 = 10
const a1 = 11
const a6 = 16
const a7 = 17
const ecallBytes = 4n

/** Every extension, in the order of the statistics words. */
export const sbiExtensions: readonly SbiExtension[] = [
  baseExtension((id) => byId.has(id)),
  timeExtension,
  ipiExtension,
  rfenceExtension,
  hsmExtension,
  srstExtension,
  dbcnExtension,
  suspExtension,
  pmuExtension,
  ...legacyExtensions,
]

const byId = new Map(sbiExtensions.map((extension, index) => [extension.id, { extension, index }]))

/** Serves the ECALL at the pc of `hart`, which is out of guest code. Returns what became of the hart. */
export function serveSbi(
  machine: Machine,
  hart: HartBlock,
  runtime: EngineRuntime,
): 'returned' | 'gone' | 'suspended' {
  const id = Number(BigInt.asIntN(32, hart.x(a7)))
  const found = byId.get(id)
  const call = {
    machine,
    hart,
    runtime,
    functionId: Number(BigInt.asUintN(32, hart.x(a6))),
    argument: (index: number) => hart.x(a0 + index),
  }
  hart.pc = hart.pc + ecallBytes
  if (found !== undefined) hart.count(hartRecord.sbiCalls + found.index * 4)
  const outcome: SbiOutcome = found === undefined ? notSupported : found.extension.call(call)
  if (outcome === 'gone') return outcome
  if (outcome === 'suspended') {
    hart.setX(a0, 0n)
    hart.setX(a1, 0n)
    return outcome
  }
  hart.setX(a0, BigInt(outcome.error))
  if (found?.extension.legacy !== true) hart.setX(a1, outcome.value)
  return 'returned'
}

/** Calls of `hart` by the name of the extension; names that were not called are left out. */
export function sbiCallCounts(hart: HartBlock): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const [index, { name }] of sbiExtensions.entries()) {
    const count = hart.record(hartRecord.sbiCalls + index * 4)
    if (count !== 0) counts[name] = (counts[name] ?? 0) + count
  }
  return counts
}
