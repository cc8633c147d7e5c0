/**
 * A small driver, for tests that see a device from the guest's side: it finds the registers by the function's
 * capabilities, negotiates, keeps the rings of queue 0, and gets interrupts by MSI-X.
 *
 * ```
 *   memory   +0 descriptors │ +1000 available │ +2000 used │ +3000 indirect tables │ +8000 buffers …
 * ```
 */

import { assert, defined } from '@virga/base'
import { type AccessBytes, Doorbell } from '@virga/device'
import type { ChainHandler, VirtioModel } from '../model.ts'
import { DeviceService, type ServiceLeft } from '../service.ts'
import { VirtioPciFunction, virtioPciWords } from '../transport/virtio-pci.ts'
import { BytesMemory } from './bytes-memory.ts'

/** Bytes for the device to read, or so much room for it to write. */
export type Part = Uint8Array | number

export const layout = { descriptors: 0, available: 0x1000, used: 0x2000, tables: 0x3000, buffers: 0x8000 }
const capability = { list: 0x34, vendor: 9, msiX: 0x11 } as const
const barAddress = { 1: 0x4000_0000, 4: 0x4010_0000 } as const
const flag = { next: 1, write: 2, indirect: 4 } as const

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
  private availableIndex = 0
  private seenUsed = 0
  private nextBuffer = layout.buffers
  private nextDescriptor = 0
  private readonly room = new Map<number, { gpa: number; bytes: number }[]>()

  constructor(model: VirtioModel, handler: ChainHandler, options: DriverOptions = {}) {
    this.options = options
    this.handler = handler
    this.queueSize = options.queueSize ?? 8
    this.memory = new BytesMemory(options.memoryBytes ?? 2 ** 20)
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
    this.setUpQueue()
    this.status = 15
    return this
  }

  /** The rings of queue 0 where `layout` says. */
  setUpQueue(): void {
    this.write(1, 22, 0, 2)
    this.write(1, 24, this.queueSize, 2)
    for (const [register, offset] of [
      [32, layout.descriptors],
      [40, layout.available],
      [48, layout.used],
    ] as const) {
      this.write(1, register, this.memory.base + offset)
      this.write(1, register + 4, 0)
    }
    this.write(1, 28, 1, 2)
  }

  /** Vector 0 for the configuration, vector 1 for the queue. */
  private enableMessages(): void {
    for (const vector of [0, 1]) {
      this.device.storeBar(1, 16 * vector + 8, 4, vector)
      this.device.storeBar(1, 16 * vector + 12, 4, 0)
    }
    this.device.storeConfig(this.capabilityAt(-1) + 2, 2, 0x8000)
    this.write(1, 16, 0, 2)
    this.write(1, 22, 0, 2)
    this.write(1, 26, 1, 2)
  }

  /** Makes a chain available; answers its head. Room to write comes after what is to be read. */
  submit(parts: readonly Part[], shape: 'direct' | 'indirect' = 'direct'): number {
    const buffers = parts.map((part) => this.place(part))
    const head = this.nextDescriptor
    const count = shape === 'direct' ? parts.length : 1
    const table = shape === 'direct' ? layout.descriptors : layout.tables + 0x200 * head
    const index = (i: number) => (shape === 'direct' ? (head + i) % this.queueSize : i)
    for (const [i, { gpa, bytes, flags }] of buffers.entries()) {
      const last = i === parts.length - 1
      this.describe(table, index(i), {
        gpa,
        bytes,
        flags: flags | (last ? 0 : flag.next),
        next: index(i + 1),
      })
    }
    if (shape === 'indirect') {
      const at = { gpa: this.memory.base + table, bytes: 16 * parts.length, flags: flag.indirect, next: 0 }
      this.describe(layout.descriptors, head, at)
    }
    this.nextDescriptor = (head + count) % this.queueSize
    this.room.set(
      head,
      buffers.filter(({ flags }) => flags !== 0),
    )
    this.makeAvailable(head)
    return head
  }

  /** Writes descriptor `index` of the table at offset `table`. */
  describe(
    table: number,
    index: number,
    d: { gpa: number; bytes: number; flags: number; next: number },
  ): void {
    const { view } = this.memory
    const at = table + 16 * index
    view.setUint32(at, d.gpa % 2 ** 32, true)
    view.setUint32(at + 4, Math.floor(d.gpa / 2 ** 32), true)
    view.setUint32(at + 8, d.bytes, true)
    view.setUint16(at + 12, d.flags, true)
    view.setUint16(at + 14, d.next, true)
  }

  /** Puts `head` in the available ring. */
  makeAvailable(head: number): void {
    const { view } = this.memory
    view.setUint16(layout.available + 4 + 2 * (this.availableIndex % this.queueSize), head, true)
    this.availableIndex = (this.availableIndex + 1) & 0xffff
    view.setUint16(layout.available + 2, this.availableIndex, true)
  }

  notify(queue = 0): void {
    this.write(2, 4 * queue, queue, 2)
  }

  /** Notifies and serves until nothing is left to do; answers how many passes that took. */
  run(): number {
    this.notify()
    return this.serve()
  }

  serve(): number {
    let left: ServiceLeft = 'more'
    let passes = 0
    for (; left === 'more' && passes < 1000; passes++) left = this.service.serve()
    assert(passes < 1000, 'a device comes to an end')
    return passes
  }

  /** What was completed since the last call: head, bytes written, and what is in the room that the chain had. */
  completed(): { head: number; written: number; data: Uint8Array }[] {
    const { view } = this.memory
    const found: { head: number; written: number; data: Uint8Array }[] = []
    for (
      ;
      this.seenUsed !== view.getUint16(layout.used + 2, true);
      this.seenUsed = (this.seenUsed + 1) & 0xffff
    ) {
      const at = layout.used + 4 + 8 * (this.seenUsed % this.queueSize)
      const head = view.getUint32(at, true)
      const room = this.room.get(head) ?? []
      const data = room.flatMap(({ gpa, bytes }) => [
        ...this.memory.bytes.subarray(gpa - this.memory.base, gpa - this.memory.base + bytes),
      ])
      found.push({ head, written: view.getUint32(at + 4, true), data: Uint8Array.from(data) })
    }
    return found
  }

  private place(part: Part): { gpa: number; bytes: number; flags: number } {
    const bytes = typeof part === 'number' ? part : part.length
    if (this.nextBuffer + bytes > this.memory.bytes.length) this.nextBuffer = layout.buffers
    const at = this.nextBuffer
    this.nextBuffer += bytes
    if (typeof part === 'number') this.memory.bytes.fill(0xee, at, at + bytes)
    else this.memory.bytes.set(part, at)
    return { gpa: this.memory.base + at, bytes, flags: typeof part === 'number' ? flag.write : 0 }
  }
}
