/** Thread of pcpu.test.ts: a pCPU whose harts follow one of these scripts. */

import process from 'node:process'
import { workerData } from 'node:worker_threads'
import { hartExit, hartRequest } from '@virga/riscv/hart'
import type { HartBlock } from './hart-block.ts'
import { attachMachine, type Machine, type MachineDescriptor } from './machine.ts'
import { hartRecord } from './machine-block.ts'
import { runPcpu } from './pcpu.ts'
import { type HartScript, ScriptedEngine } from './testing.ts'

/** Rounds of fences that each hart of the `fences` script does. */
const fenceRounds = 2000

function untilAttention(hart: HartBlock): number {
  for (let i = 0; i < 1_000_000 && hart.read32('attention') === 0; i++) hart.write32('scratch', i)
  return hartExit.slice
}

/** Whether a hart that spins executes anything while it still has to serve a fence. */
function goesOnUnserved(hart: HartBlock): boolean {
  const before = hart.read32('scratch')
  for (let look = 0; look < 100; look++) {
    const moved = hart.read32('scratch') !== before
    // In this order: what is asked for now was when it moved.
    const pending = (hart.requests & hartRequest.fenceI) !== 0
    if (!pending) return false
    if (moved) return true
  }
  return false
}

/** Hart 0 to n ask each other for fences as fast as they can; the last one to finish powers the machine off. */
function fences(machine: Machine): HartScript {
  return (hart, slice) => {
    if (slice < fenceRounds) {
      // An ECALL: remote fence.i to all harts.
      hart.setX(10, 0n)
      hart.setX(11, (1n << 64n) - 1n)
      hart.setX(16, 0n)
      hart.setX(17, 0x52464e43n)
      return hartExit.sbi
    }
    hart.write32('scratch', -1)
    if (machine.harts.every((each) => each.read32('scratch') === -1)) machine.powerOff(0)
    return hartExit.slice
  }
}

const scripts: Readonly<Record<string, (machine: Machine) => HartScript>> = {
  /** waits for interrupts; each timer interrupt is answered by moving the timer away */
  wait: () => (hart, slice) => {
    if (slice === 0) hart.write64('mie', 1n << 5n)
    else hart.write64('stimecmp', (1n << 64n) - 1n)
    return hartExit.wfi
  },
  /** computes for ever */
  spin: () => untilAttention,
  fences,
  /** the thread dies at the first instruction */
  die: () => () => process.exit(3),
  /** hart 0 fences hart 1, which spins, and checks that it had to serve it; ends with status 1 when not */
  serve: (machine) => (hart, slice) => {
    const other = machine.harts[1 - hart.id]
    if (hart.id === 1 || other === undefined) return untilAttention(hart)
    if (slice === 0) return hartExit.slice
    if (other.record(hartRecord.exits) === 0) return hartExit.slice
    machine.requestAndWait([other], hartRequest.fenceI)
    const failed = goesOnUnserved(other)
    if (failed || slice > 500) machine.powerOff(failed ? 1 : 0)
    return hartExit.slice
  },
}

const { descriptor, pcpu, script } = workerData as {
  descriptor: MachineDescriptor
  pcpu: number
  script: string
}
const machine = attachMachine(descriptor, {
  now: () => Number(process.hrtime.bigint()) / 1e6,
  wallClock: Date.now,
})
const follow = scripts[script]
if (follow === undefined) throw new Error(`no script ${script}`)
runPcpu({ machine, engine: new ScriptedEngine(machine, follow(machine)), pcpu })
