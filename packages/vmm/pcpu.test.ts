/** The loop of a pCPU with scripted harts: stepped by hand, and on threads. */

import { Worker } from 'node:worker_threads'
import { defined } from '@virga/base'
import { hartExit, hartRequest, hartStatus } from '@virga/riscv/hart'
import { describe, expect, it } from 'vitest'
import type { MachineConfig } from './create-machine.ts'
import { interrupt } from './hart-block.ts'
import { hartRecord, runState } from './machine-block.ts'
import type { MachineOwner } from './owner.ts'
import { Pcpu } from './pcpu.ts'
import { flatKernel, type HartScript, ScriptedEngine, TestClock, testMachine } from './testing.ts'

const ram = 0x8000_0000n

/** A machine whose one pCPU the test steps itself. */
function stepped(script: HartScript, changes: Partial<MachineConfig> = {}) {
  const clock = new TestClock()
  const owner = testMachine({ now: clock.now, ...changes })
  const { machine } = owner
  const engine = new ScriptedEngine(machine, script)
  const pcpu = new Pcpu({ machine, engine, pcpu: 0 })
  owner.resume()
  return { owner, machine, engine, pcpu, clock, hart: (id: number) => defined(machine.hart(id), 'hart') }
}

const realNow = () => Number(process.hrtime.bigint()) / 1e6
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** A machine whose pCPUs are threads that follow a script of pcpu-thread.case.ts. */
function threaded(script: string, changes: Partial<MachineConfig> = {}) {
  const owner = testMachine({ now: realNow, wallClock: Date.now, ...changes })
  for (let pcpu = 0; pcpu < owner.descriptor.pcpuCount; pcpu++) {
    const worker = new Worker(new URL('./pcpu-thread.case.ts', import.meta.url), {
      workerData: { descriptor: owner.descriptor, pcpu, script },
    })
    worker.on('exit', () => owner.pcpuExited(pcpu))
  }
  owner.resume()
  return owner
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 1000 && !condition(); i++) await sleep(5)
  expect(condition()).toBe(true)
}

const finished = (owner: MachineOwner) => owner.finished({ output: () => undefined })
const exits = (owner: MachineOwner, hart: number, reason: number) =>
  defined(owner.machine.hart(hart), 'hart').record(hartRecord.exits + reason * 4)

describe('starting a hart', () => {
  it('does not happen before its entry is known', () => {
    const { pcpu, hart } = stepped(() => hartExit.wfi, { cpus: 2 })
    hart(1).status = hartStatus.startPending
    pcpu.step()
    expect(hart(1).status).toBe(hartStatus.startPending)
    expect(hart(0).status).toBe(hartStatus.started)
    hart(1).setRecord64(hartRecord.entry, ram + 0x40n)
    hart(1).request(hartRequest.start)
    pcpu.step()
    expect(hart(1).status).toBe(hartStatus.started)
  })

  it('in direct boot enters S-mode, everything delegated, id and argument in a0 and a1', () => {
    const { pcpu, hart, machine } = stepped(() => hartExit.wfi)
    hart(0).setX(5, 99n)
    pcpu.step()
    expect(hart(0).pc).toBe(ram + 0x20_0000n)
    expect([hart(0).x(5), hart(0).x(10)]).toEqual([0n, 0n])
    expect(machine.memory.contains(Number(hart(0).x(11)), 40)).toBe(true)
    expect(hart(0).read32('prv')).toBe(1)
    expect(hart(0).read64('medeleg')).toBe(0xb1ffn)
    expect(hart(0).read64('mideleg')).toBe(0x222n)
    expect(hart(0).read64('satp')).toBe(0n)
    expect(hart(0).read64('mstatus') & 2n).toBe(0n)
    expect(hart(0).read64('stimecmp')).toBe((1n << 64n) - 1n)
  })

  it('in bare boot enters M-mode on every hart', () => {
    const boot = { kind: 'bare', program: flatKernel() } as const
    const { pcpu, hart } = stepped(() => hartExit.slice, { cpus: 3, boot })
    for (let i = 0; i < 3; i++) pcpu.step()
    for (const id of [0, 1, 2]) {
      expect([hart(id).read32('prv'), hart(id).pc, hart(id).x(10)]).toEqual([3, ram, BigInt(id)])
    }
  })

  it('forgets interrupts and translations from before', () => {
    const { pcpu, hart, engine } = stepped(() => hartExit.wfi)
    hart(0).raise(interrupt.ssip)
    pcpu.step()
    expect(hart(0).read32('mip')).toBe(0)
    expect(engine.flushes).toEqual([0])
  })
})

describe('a suspended hart', () => {
  function suspended(entry: bigint | null) {
    const made = stepped(() => hartExit.slice, { cpus: 2 })
    const { pcpu, hart, clock } = made
    pcpu.step()
    hart(0).status = hartStatus.suspended
    hart(0).setRecord(hartRecord.resumeAtEntry, entry === null ? 0 : 1)
    hart(0).setRecord64(hartRecord.entry, entry ?? 0n)
    hart(0).setRecord64(hartRecord.opaque, 55n)
    hart(0).write64('mie', BigInt(interrupt.stip | interrupt.ssip))
    hart(0).write64('satp', 8n << 60n)
    hart(0).write64('mstatus', 2n)
    hart(0).pc = ram + 4n
    // Hart 1 computes, so that no step sleeps.
    hart(1).setRecord64(hartRecord.entry, ram)
    hart(1).status = hartStatus.startPending
    hart(1).request(hartRequest.start)
    const slices = () => hart(0).record(hartRecord.exits)
    const before = slices()
    const run = () => {
      for (let i = 0; i < 4; i++) pcpu.step()
      return slices() - before
    }
    return { ...made, run, clock }
  }

  it('is not woken by a request, a kick or an interrupt that it has not enabled', () => {
    const { hart, run } = suspended(null)
    hart(0).request(hartRequest.flushTlb)
    hart(0).raise(interrupt.seip)
    hart(0).setLines(interrupt.meip, true)
    expect(run()).toBe(0)
    expect(hart(0).status).toBe(hartStatus.suspended)
    expect(hart(0).requests & hartRequest.flushTlb).not.toBe(0)
  })

  it('resumes after the call when it kept its state', () => {
    const { hart, run } = suspended(null)
    hart(0).raise(interrupt.ssip)
    expect(run()).toBeGreaterThan(0)
    expect([hart(0).status, hart(0).pc, hart(0).read64('satp')]).toEqual([
      hartStatus.started,
      ram + 4n,
      8n << 60n,
    ])
  })

  it('resumes at its entry, translation and interrupts off, when it kept none', () => {
    const { hart, run, clock } = suspended(ram + 0x80n)
    hart(0).write64('stimecmp', 50_000n)
    expect(run()).toBe(0)
    clock.ms = 5
    expect(run()).toBeGreaterThan(0)
    expect([hart(0).pc, hart(0).x(10), hart(0).x(11)]).toEqual([ram + 0x80n, 0n, 55n])
    expect([hart(0).read64('satp'), hart(0).read64('mstatus') & 2n]).toEqual([0n, 0n])
  })
})

describe('one pCPU', () => {
  it('gives its harts turns', () => {
    const order: number[] = []
    const boot = { kind: 'bare', program: flatKernel() } as const
    const { pcpu } = stepped(
      (hart) => {
        order.push(hart.id)
        return hart.id === 1 ? hartExit.wfi : hartExit.slice
      },
      { cpus: 3, boot },
    )
    for (let i = 0; i < 7; i++) pcpu.step()
    expect(order).toEqual([1, 2, 0, 2, 0, 2, 0])
  })

  it('leaves at once when the machine is stopped', () => {
    const { owner, pcpu, engine } = stepped(() => hartExit.slice)
    owner.stop()
    expect(pcpu.step()).toBe(false)
    expect(engine.flushes).toEqual([])
    owner.resume()
    expect(owner.machine.runState).toBe(runState.stopped)
  })

  it('parks while the machine is paused', async () => {
    const owner = threaded('spin')
    await until(() => exits(owner, 0, hartExit.slice) > 0)
    await owner.pause()
    const [slices, ticks] = [exits(owner, 0, hartExit.slice), owner.machine.ticks()]
    await sleep(30)
    expect(exits(owner, 0, hartExit.slice)).toBe(slices)
    owner.resume()
    expect(owner.machine.ticks() - ticks).toBeLessThan(200_000)
    await until(() => exits(owner, 0, hartExit.slice) > slices)
    owner.stop()
    expect(await finished(owner)).toEqual({ kind: 'stopped' })
  }, 20_000)

  it('sleeps in WFI until the timer, and does not poll', async () => {
    const owner = threaded('wait')
    await until(() => exits(owner, 0, hartExit.wfi) === 1)
    const hart = defined(owner.machine.hart(0), 'hart')
    await sleep(100)
    expect(exits(owner, 0, hartExit.wfi)).toBe(1)
    const due = owner.machine.ticks() + 500_000
    hart.write64('stimecmp', BigInt(due))
    hart.kick()
    await until(() => exits(owner, 0, hartExit.wfi) === 2)
    expect(owner.machine.ticks()).toBeGreaterThanOrEqual(due)
    expect(hart.idleMs).toBeGreaterThan(50)
    owner.stop()
    await finished(owner)
  }, 20_000)
})

describe('several pCPUs', () => {
  it.each([
    [2, 2],
    [4, 2],
    [3, 3],
  ])(
    'never deadlock over fences: %i harts on %i',
    async (cpus, pcpus) => {
      const boot = { kind: 'bare', program: flatKernel() } as const
      const owner = threaded('fences', { cpus, pcpus, boot })
      expect(await finished(owner)).toEqual({ kind: 'power-off', status: 0 })
      for (let hart = 0; hart < cpus; hart++)
        expect(owner.machine.hart(hart)?.record(hartRecord.sbiCalls + 12)).toBe(2000)
    },
    30_000,
  )

  it('return from a fence only when its target serves it before its next instruction', async () => {
    const boot = { kind: 'bare', program: flatKernel() } as const
    const owner = threaded('serve', { cpus: 2, pcpus: 2, boot })
    expect(await finished(owner)).toEqual({ kind: 'power-off', status: 0 })
  }, 30_000)

  it('fail the machine when one of their threads is lost', async () => {
    const owner = threaded('die', { cpus: 2, pcpus: 2 })
    const outcome = await finished(owner)
    expect(outcome).toMatchObject({ kind: 'failed', message: expect.stringContaining('pCPU thread') })
  }, 20_000)
})
