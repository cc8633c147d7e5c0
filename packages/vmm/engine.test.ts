/** Machines on the real engine: boot, SBI, harts on threads, timers, and a guest that goes wild. */

import { readFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import type { MachineConfig } from './create-machine.ts'
import { count, fill, hello, type ProgramWord, programBytes, timer, wild } from './engine-programs.case.ts'
import type { Outcome } from './outcome.ts'
import type { MachineOwner } from './owner.ts'
import { testMachine } from './testing.ts'

const ram = 0x8000_0000

const compile = (name: string) =>
  new WebAssembly.Module(readFileSync(new URL(import.meta.resolve(`@virga/riscv/${name}.wasm`))))
const modules = { runtimeModule: compile('runtime'), interpreterModule: compile('interpreter') }

interface Run {
  readonly owner: MachineOwner
  readonly outcome: Promise<Outcome>
  readonly text: () => string
}

function run(changes: Partial<MachineConfig>): Run {
  const owner = testMachine({
    now: () => Number(process.hrtime.bigint()) / 1e6,
    wallClock: Date.now,
    codePagesPerHart: 64,
    ...changes,
  })
  for (let pcpu = 0; pcpu < owner.descriptor.pcpuCount; pcpu++) {
    const worker = new Worker(new URL('./engine-thread.case.ts', import.meta.url), {
      workerData: { descriptor: owner.descriptor, modules, pcpu },
    })
    worker.on('exit', () => owner.pcpuExited(pcpu))
  }
  let text = ''
  owner.resume()
  const outcome = owner.finished({
    output(bytes) {
      text += new TextDecoder().decode(bytes)
    },
  })
  return { owner, outcome, text: () => text }
}

const bare = (program: readonly ProgramWord[]) => ({ kind: 'bare', program: programBytes(program) }) as const
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

describe('a machine on the real engine', () => {
  it('boots directly into S-mode, prints by SBI and powers off', async () => {
    const { outcome, text, owner } = run({
      boot: { kind: 'direct', kernel: programBytes(hello), commandLine: '' },
    })
    expect(await outcome).toEqual({ kind: 'power-off', status: 0 })
    expect(text()).toBe('hello\n')
    expect(owner.statistics().sbiCalls).toEqual({ DBCN: 1, SRST: 1 })
    expect(owner.statistics().instructions).toBeGreaterThanOrEqual(13)
  })

  it.each([
    [1, 'one pCPU'],
    [2, 'two pCPUs'],
    [4, 'four pCPUs'],
  ])('loses no update of four harts on %i thread(s)', async (pcpus) => {
    const { outcome, owner } = run({ cpus: 4, pcpus, boot: bare(count) })
    expect(await outcome).toEqual({ kind: 'power-off', status: 0 })
    const words = new BigUint64Array(16)
    owner.machine.memory.read(ram + 0x1000, new Uint8Array(words.buffer))
    expect([words[0], words[8]]).toEqual([4n * 20480n, 4n * 20480n])
  })

  it('sleeps in WFI until its timer', async () => {
    const { outcome, owner } = run({ boot: bare(timer) })
    expect(await outcome).toEqual({ kind: 'power-off', status: 0 })
    const { guestMs, exits, instructions } = owner.statistics()
    expect(guestMs).toBeGreaterThanOrEqual(20.48)
    expect(exits.wfi).toBeGreaterThanOrEqual(1)
    expect(instructions).toBeLessThan(1000)
  })

  it('ends when its owner says so, though the guest goes wild', async () => {
    const { outcome, owner } = run({ cpus: 2, pcpus: 2, boot: bare(wild) })
    while ((owner.statistics().exceptions['instruction access fault'] ?? 0) < 1000) await sleep(5)
    owner.stop()
    expect(await outcome).toEqual({ kind: 'stopped' })
  })

  it('ends in one line when its host memory is used up', async () => {
    const { outcome } = run({ poolBytes: 2 * 2 ** 20, memoryBytes: 64 * 2 ** 20, boot: bare(fill) })
    expect(await outcome).toMatchObject({
      kind: 'failed',
      message: expect.stringContaining('host memory is used up'),
    })
  })
})
