/**
 * A small driver, for tests that see a device from the guest's side: it finds the registers by the function's
 * capabilities, negotiates, keeps the rings of all queues, and gets interrupts by MSI-X: vector 0 for the configuration, then one a queue.
 * What is not said to be of another queue is of queue 0.
 *
 * ```
 *   memory   +0 descriptors │ +1000 available │ +2000 used │ +3000 indirect tables │ +4000 queue 1 │ … buffers …
 * ```
 */

import { assert, defined } from '@virga/base'
import { type AccessBytes, Doorbell } from '@virga/device'
import type { ChainHandler, ServiceLeft, VirtioModel } from '../model.ts'
import { DeviceService } from '../service.ts'
import { VirtioPciFunction, virtioPciWords } from '../transport/virtio-pci.ts'
import { BytesMemory } from './bytes-memory.ts'
import { type Completed, DriverBuffers, DriverQueue, layout, type Part } from './driver-queue.ts'

const capability = { list: 0x34, vendor: 9, msiX: 0x11 } as const
const barAddress = { 1: 0x4000_0000, 4: 0x4010_0000 } as const

export interface DriverOptions {
  readonly features?: readonly number[]
  readonly queueSize?: number
  readonly words?: Int32Array
  readonly memoryBytes?: number
  /** default: MSI-X */
  readonly interrupts?: 'message' | 'pin'
}

export class TestDriver {
  readonly device: VirtioPciFunction
  readonly memory: BytesMemory
  readonly service: DeviceService
  readonly handler: ChainHandler
  /** data of messages so far: the vector */
  readonly messages: number[] = []
  readonly broken: string[] = []
  pin = false
  readonly queueSize: number
  readonly words: Int32Array
  readonly bell: Doorbell
  private readonly options: DriverOptions
  private readonly structures = new Map<number, { bar: number; offset: number; at: number }>()
  readonly queues: readonly DriverQueue[]
  private readonly first: DriverQueue

  constructor(model: VirtioModel, handler: ChainHandler, options: DriverOptions = {}) {
    this.options = options
    this.handler = handler
    this.queueSize = options.queueSize ?? 8
    this.memory = new BytesMemory(options.memoryBytes ?? 2 ** 20)
    const buffers = new DriverBuffers(this.memory, model.queueSizes.length)
    this.queues = model.queueSizes.map((_, index) => new DriverQueue(buffers, index, this.queueSize))
    this.first = this.queue(0)
    this.words = options.words ?? new Int32Array(new SharedArrayBuffer(4 * virtioPciWords(model)))
    this.bell = new Doorbell(new Int32Array(new SharedArrayBuffer(4)), 0)
    this.device = new VirtioPciFunction(model, this.words, {
      wires: {
        messages: { send: (_low, _high, data) => this.messages.push(data) },
        pinChanged: () => {
          this.pin = this.device?.pinAsserted ?? false
        },
      },
      bell: this.bell,
    })
    if (options.words === undefined) this.device.start()
    this.service = new DeviceService({
      device: this.device,
      handler,
      memory: this.memory,
      locked: (critical) => critical(),
      onBroken: (reason) => this.broken.push(reason),
    })
    this.findStructures()
  }

  /** BARs placed, capabilities read. */
  private findStructures(): void {
    const { device } = this
    device.storeConfig(0x14, 4, barAddress[1])
    device.storeConfig(0x20, 4, barAddress[4])
    device.storeConfig(0x04, 2, 6)
    for (let at = device.loadConfig(capability.list, 1); at !== 0; at = device.loadConfig(at + 1, 1)) {
      const id = device.loadConfig(at, 1)
      if (id === capability.msiX) this.structures.set(-1, { bar: 1, offset: 0, at })
      if (id !== capability.vendor) continue
      const [type, bar] = [device.loadConfig(at + 3, 1), device.loadConfig(at + 4, 1)]
      this.structures.set(type, { bar, offset: device.loadConfig(at + 8, 4), at })
    }
  }

  /** Offset in configuration space of the capability of a structure; -1 is MSI-X. */
  capabilityAt(type: number): number {
    return defined(this.structures.get(type), 'structure').at
  }

  /** Reads structure `type` (1 common, 2 notify, 3 ISR, 4 device) at `offset`. */
  read(type: number, offset: number, bytes: AccessBytes = 4): number {
    const { bar, offset: base } = defined(this.structures.get(type), 'structure')
    return this.device.loadBar(bar, base + offset, bytes) % 2 ** (8 * bytes)
  }

  write(type: number, offset: number, value: number, bytes: AccessBytes = 4): void {
    const { bar, offset: base } = defined(this.structures.get(type), 'structure')
    this.device.storeBar(bar, base + offset, bytes, value)
  }

  get status(): number {
    return this.read(1, 20, 1)
  }

  set status(value: number) {
    this.write(1, 20, value, 1)
  }

  /** Accepts the features; true when the device keeps FEATURES_OK. */
  negotiate(features: readonly number[] = [...(this.options.features ?? []), 32]): boolean {
    this.status = 1
    this.status = 3
    for (const select of [0, 1]) {
      const bits = features
        .filter((bit) => bit >> 5 === select)
        .reduce((sum, bit) => sum + 2 ** (bit & 31), 0)
      this.write(1, 8, select)
      this.write(1, 12, bits)
    }
    this.status = 11
    return (this.status & 8) !== 0
  }

  /** All that a driver does before its first request. */
  start(): this {
    assert(this.negotiate(), 'the device takes the features')
    if (this.options.interrupts !== 'pin') this.enableMessages()
    for (const { index } of this.queues) this.setUpQueue(index)
    this.status = 15
    return this
  }

  queue(index: number): DriverQueue {
    return defined(this.queues[index], 'queue')
  }

  /** The rings of a queue where `layout` says. */
  setUpQueue(index = 0): void {
    this.write(1, 22, index, 2)
    this.write(1, 24, this.queueSize, 2)
    for (const [register, offset] of [
      [32, layout.descriptors],
      [40, layout.available],
      [48, layout.used],
    ] as const) {
      this.write(1, register, this.memory.base + this.queue(index).at + offset)
      this.write(1, register + 4, 0)
    }
    this.write(1, 28, 1, 2)
  }

  private enableMessages(): void {
    for (let vector = 0; vector <= this.queues.length; vector++) {
      this.device.storeBar(1, 16 * vector + 8, 4, vector)
      this.device.storeBar(1, 16 * vector + 12, 4, 0)
    }
    this.device.storeConfig(this.capabilityAt(-1) + 2, 2, 0x8000)
    this.write(1, 16, 0, 2)
    for (const { index } of this.queues) {
      this.write(1, 22, index, 2)
      this.write(1, 26, index + 1, 2)
    }
  }

  submit(parts: readonly Part[], shape: 'direct' | 'indirect' = 'direct'): number {
    return this.first.submit(parts, shape)
  }

  describe(table: number, index: number, d: Parameters<DriverQueue['describe']>[2]): void {
    this.first.describe(table, index, d)
  }

  makeAvailable(head: number): void {
    this.first.makeAvailable(head)
  }

  notify(queue = 0): void {
    this.write(2, 4 * queue, queue, 2)
  }

  /** Notifies and serves until nothing is left to do; answers how many passes that took. */
  run(queue = 0): number {
    this.notify(queue)
    return this.serve()
  }

  serve(): number {
    let left: ServiceLeft = 'more'
    let passes = 0
    for (; left === 'more' && passes < 1000; passes++) left = this.service.serve()
    assert(passes < 1000, 'a device comes to an end')
    return passes
  }

  completed(): Completed[] {
    return this.first.completed()
  }
}
