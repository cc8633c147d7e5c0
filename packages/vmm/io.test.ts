/** The I/O thread as its owner and a guest's driver see it: it serves, parks, goes on, and leaves; and its loss. */

import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import type { MachineConfig } from './create-machine.ts'
import { createMachine } from './create-machine.ts'
import type { Machine } from './machine.ts'
import { pcpuState } from './machine-block.ts'
import { ramBase } from './memory/guest-memory.ts'
import { memoryMap } from './platform/memory-map.ts'
import { messageOf, testConfig, testMachine } from './testing.ts'

const realNow = () => Number(process.hrtime.bigint()) / 1e6
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const devices = [{ kind: 'rng' }] as const

/** A machine without pCPUs whose devices are served by a thread. */
function served(script: 'serve' | 'die', changes: Partial<MachineConfig> = {}) {
  const owner = testMachine({ now: realNow, wallClock: Date.now, devices, ...changes })
  const worker = new Worker(new URL('./io-thread.case.ts', import.meta.url), {
    workerData: { descriptor: owner.descriptor, script },
  })
  worker.on('exit', () => owner.ioExited())
  return owner
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 2000 && !condition(); i++) await sleep(5)
  expect(condition()).toBe(true)
}

/** The driver of the entropy device in slot 1, over the bus: a request of 8 bytes at a time. */
class BusDriver {
  readonly #machine: Machine
  readonly #registers = memoryMap.pciMemory64.base
  #made = 0

  constructor(machine: Machine) {
    this.#machine = machine
    const config = memoryMap.pciConfig.base + (1 << 15)
    this.#store(config + 0x20, 0)
    this.#store(config + 0x24, this.#registers / 2 ** 32)
    this.#store(config + 0x04, 6, 2)
    this.#store(this.#registers + 8, 1)
    this.#store(this.#registers + 12, 1)
    for (const status of [1, 3, 11]) this.status = status
    for (const [register, offset] of [
      [32, 0],
      [40, 0x1000],
      [48, 0x2000],
    ] as const) {
      this.#store(this.#registers + register, ramBase + offset)
    }
    this.#store(this.#registers + 24, 8, 2)
    this.#store(this.#registers + 28, 1, 2)
    this.status = 15
  }

  get status(): number {
    this.#machine.platform.bus.load(this.#registers + 20, 1)
    return this.#machine.platform.bus.low
  }

  set status(value: number) {
    this.#store(this.#registers + 20, value, 1)
  }

  /** Asks for 8 bytes at RAM + 0x3000 and kicks. */
  ask(): void {
    const { memory } = this.#machine
    const descriptor = new DataView(new ArrayBuffer(16))
    descriptor.setUint32(0, ramBase + 0x3000, true)
    descriptor.setUint32(8, 8, true)
    descriptor.setUint16(12, 2, true)
    memory.write(ramBase, new Uint8Array(descriptor.buffer))
    this.#made++
    memory.write(ramBase + 0x1002, Uint8Array.of(this.#made))
    this.#store(this.#registers + 0x3000, 0, 2)
  }

  /** How many requests were answered. */
  get answered(): number {
    const index = new Uint8Array(2)
    this.#machine.memory.read(ramBase + 0x2002, index)
    return index[0] as number
  }

  #store(gpa: number, value: number, bytes = 4): void {
    expect(this.#machine.platform.bus.store(gpa, bytes, value)).toBe(true)
  }
}

describe('a machine with devices', () => {
  it('has at most 31', () => {
    const made = createMachine(testConfig({ devices: Array.from({ length: 32 }, () => ({ kind: 'rng' })) }))
    expect(messageOf(made)).toMatch(/at most 31 devices/)
  })

  it('fails when its I/O thread is lost', async () => {
    const owner = served('die')
    await until(() => owner.machine.outcome() !== null)
    expect(owner.machine.outcome()).toMatchObject({ kind: 'failed', message: /I\/O thread/ })
  })
})

describe('the I/O thread', () => {
  it('answers what was asked, before the machine runs and while it does', async () => {
    const owner = served('serve')
    const driver = new BusDriver(owner.machine)
    driver.ask()
    await until(() => owner.machine.ioState === pcpuState.parked)
    expect(driver.answered).toBe(0)
    owner.resume()
    await until(() => driver.answered === 1)
    for (let i = 2; i < 50; i++) {
      driver.ask()
      await until(() => driver.answered === i)
    }
    const bytes = new Uint8Array(9)
    owner.machine.memory.read(ramBase + 0x3000, bytes)
    expect(bytes).toEqual(Uint8Array.of(...Array.from({ length: 8 }, () => 0x5a), 0))
    owner.stop()
    await until(() => owner.machine.ioState === pcpuState.done)
  })

  it('touches nothing while the machine is paused, and forgets nothing', async () => {
    const owner = served('serve')
    const driver = new BusDriver(owner.machine)
    for (let round = 1; round < 20; round++) {
      owner.resume()
      await until(() => owner.machine.ioState === pcpuState.running && driver.answered === round - 1)
      await owner.pause()
      expect(owner.machine.ioState).toBe(pcpuState.parked)
      driver.ask()
      await sleep(1)
      expect(driver.answered).toBe(round - 1)
    }
    owner.stop()
    await until(() => owner.machine.ioState === pcpuState.done)
  })

  it('resets a device that a driver resets while it serves', async () => {
    const owner = served('serve')
    owner.resume()
    for (let round = 0; round < 20; round++) {
      const driver = new BusDriver(owner.machine)
      driver.ask()
      driver.status = 0
      await until(() => driver.status === 0)
      owner.machine.memory.write(ramBase + 0x1000, new Uint8Array(4))
      owner.machine.memory.write(ramBase + 0x2000, new Uint8Array(4))
    }
    owner.stop()
    await until(() => owner.machine.ioState === pcpuState.done)
  })
})
