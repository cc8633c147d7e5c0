/** Machines in lockstep: programs that run the same, and compilers with a fault, which is found and told of. */

import { readFileSync } from 'node:fs'
import type { RegionHostMaker } from '@virga/riscv/hart'
import { buildExactInterpreter } from '@virga/riscv/interpreter'
import { eagerInterpreter, forcedRegions, wrongRegions } from '@virga/riscv/jit/testing'
import { describe, expect, it } from 'vitest'
import { hello, type ProgramWord, programBytes, timer } from '../engine-programs.case.ts'
import { attachMachine } from '../machine.ts'
import type { Outcome } from '../outcome.ts'
import { Pcpu } from '../pcpu.ts'
import { messageOf, testConfig } from '../testing.ts'
import { LockstepEngine } from './engine.ts'
import { letters, rounds, traps } from './lockstep-programs.case.ts'
import { createTwins } from './twins.ts'

const memoryPagesMax = 65536
const runtimeModule = new WebAssembly.Module(
  readFileSync(new URL(import.meta.resolve('@virga/riscv/runtime.wasm'))),
)
const interpreterModule = eagerInterpreter(memoryPagesMax)
const exactModule = new WebAssembly.Module(buildExactInterpreter(memoryPagesMax) as Uint8Array<ArrayBuffer>)
const context = { now: () => performance.now(), wallClock: () => 0 }
let seed = 0

interface Run {
  readonly outcome: Outcome | null
  readonly report: string
  readonly output: string
  readonly compiledInstructions: number
}

/** Runs a machine to its end on this thread. */
function run(
  program: readonly ProgramWord[],
  regions: RegionHostMaker = forcedRegions,
  boot: 'bare' | 'direct' = 'bare',
): Run {
  const bytes = programBytes(program)
  const made = createTwins(
    testConfig({
      ...context,
      boot: boot === 'bare' ? { kind: boot, program: bytes } : { kind: boot, kernel: bytes, commandLine: '' },
      random: (byteCount) => Uint8Array.from({ length: byteCount }, () => (seed += 7)),
    }),
  )
  if (!made.ok) throw new Error(messageOf(made))
  const { owner, twin } = made.value
  const { machine } = owner
  const engine = new LockstepEngine({
    machine,
    twin: attachMachine(twin, context),
    modules: { runtimeModule, interpreterModule },
    exactModule,
    regions,
  })
  const pcpu = new Pcpu({ machine, engine, pcpu: 0 })
  owner.resume()
  while (pcpu.step());
  return {
    outcome: machine.outcome(),
    report: engine.conclude() ?? '',
    output: new TextDecoder().decode(machine.platform.console.output()),
    compiledInstructions: owner.statistics().jit.tiers.compiled,
  }
}

/** A compiler that reads `to` where the code says `from`. */
function misreading(from: number, to: number): RegionHostMaker {
  return wrongRegions((code) => {
    const altered = code.slice()
    const view = new DataView(altered.buffer)
    for (let at = 0; at < altered.length; at += 4) {
      if (view.getUint32(at, true) === from) view.setUint32(at, to, true)
    }
    return altered
  })
}

describe('in lockstep', () => {
  it.each([
    ['computes and stores', rounds, 4096 * 8],
    ['uses devices and the clock', letters, 64 * 4],
    ['traps and returns', traps, 4096 * 5],
  ])('a program that %s runs to its end', (_name, program, least) => {
    const { outcome, report, compiledInstructions } = run(program)
    expect(report).toBe('')
    expect(outcome).toEqual({ kind: 'power-off', status: 0 })
    expect(compiledInstructions).toBeGreaterThan(least)
  })

  it('devices hear everything once', () => expect(run(letters).output).toBe('A'.repeat(64)))

  it('a program sleeps until its timer', () => {
    expect(run(timer)).toMatchObject({ outcome: { kind: 'power-off', status: 0 }, report: '' })
  })

  it('SBI calls are served once', () => {
    expect(run(hello, forcedRegions, 'direct')).toMatchObject({
      outcome: { kind: 'power-off', status: 0 },
      report: '',
      output: 'hello\n',
    })
  })
})

/** What the compiler misreads, and what the report must say. */
const faults: readonly (readonly [
  what: string,
  program: readonly ProgramWord[],
  from: number,
  to: number,
  says: readonly RegExp[],
])[] = [
  [
    'a register (addi t0,t0,2)',
    rounds,
    0x00128293,
    0x00228293,
    [/^ {2}t0 +0x0+2 +0x0+1$/m, /^ {2}0000000080000010 {2}addi t0,t0,1 +◄ t0$/m],
  ],
  [
    'what is stored (sd t0)',
    rounds,
    0x00743023,
    0x00543023,
    [/^ {2}t3 +0x\w{16} +0x\w{16}$/m, /0000000080000018 {2}sd t2,0\(s0\)/],
  ],
  [
    'where it is stored (sd t2,256(s0), and then lost to an AMO)',
    rounds,
    0x00743023,
    0x10743023,
    // The first store misses the TLB, and so is the interpreter's; the second is compiled.
    [/^ {2}t3 +0x0+3 +0x0+6$/m, /from {5}0x0000000080000018 in M-mode/],
  ],
  [
    'a store that nothing reads (sc.d t6,t0)',
    rounds,
    0x18743faf,
    0x18543faf,
    [/^ {2}memory 0x80001000 +0x\w{16} +0x\w{16}$/m, /sc\.d t6,t2,\(s0\)/],
  ],
  [
    'nothing as a store (sd t0,256(s0) for a nop)',
    rounds,
    0x00000013,
    0x10543023,
    [/^ {2}memory 0x80001100 +0x0+1000 +0x0{16}$/m, /noticed {2}when all memory was compared/],
  ],
  [
    'what a device will be told (a B)',
    letters,
    0x04100313,
    0x04200313,
    [/^ {2}t1 +0x0+42 +0x0+41$/m, /0000000080000008 {2}addi t1,zero,65 +◄ t1$/m],
  ],
  [
    'the time (as nothing)',
    letters,
    0xc0102e73,
    0x00000e13,
    [/^ {2}asked +nothing +read the clock$/m, /csrrs t3,time,zero/],
  ],
  ['a CSR (mepc + 8)', traps, 0x00438393, 0x00838393, [/^ {2}mepc +0x\w{16} +0x\w{16}$/m, /addi t2,t2,4/]],
]

describe('a compiler that misreads', () => {
  it.each(faults)('%s is found', (_what, program, from, to, says) => {
    const { outcome, report } = run(program, misreading(from, to))
    expect(report).toMatch(/^lockstep: compiled code and the interpreter came apart\n/)
    for (const pattern of says) expect(report).toMatch(pattern)
    expect(outcome).not.toBeNull()
  })

  it('is found before anything more runs', () => {
    const { outcome, report } = run(rounds, misreading(0x00128293, 0x00228293))
    expect(outcome).toEqual({ kind: 'stopped' })
    expect(Number(/after +([\d,]+) instructions/.exec(report)?.[1]?.replaceAll(',', ''))).toBeLessThan(100)
  })
})
