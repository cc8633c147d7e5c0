/**
 * A virtio device as a PCI function: what drivers configure, and the doorbells of its queues.
 *
 * ```
 *  hart's thread (bus lock)                     shared words                    the thread that serves queues
 *    status, features, queues ───────────────►  configuration  ◄── only while it holds `owner` ── serve
 *    notify: a bit of `kicks`, a bell ────────►  kicks ─────────────────────────────────────────► takes them
 *    reset: at once if nobody serves, else ───►  resetPending ──────────────────────────────────► does it at the end
 *    MSI-X, ISR, pin  ◄── interrupt (bus lock) ───────────────────────────────────────────────────┘
 * ```
 * Why a doorbell: a kick must never block a hart, so it does no more than say which queue.
 * Invariants: an enabled queue's words are the server's while it holds `owner`; the driver can change none of them.
 * `device_status` reads zero only when a reset is done, which is what drivers wait for.
 * @spec virtio-1.2 "Virtio Over PCI Bus"
 */

import {
  type AccessBytes,
  type Doorbell,
  PciFunction,
  type PciFunctionPlan,
  type PciWires,
  pciFunctionWords,
  pciLayout,
} from '@virga/device'
import { deviceStatus, type FeatureWords, feature, featureWords } from '../features.ts'
import type { ConfigField, VirtioModel } from '../model.ts'
import { noVector, queueWord, queueWords } from '../queue/queue-words.ts'
import { accessWindow, bars, messages, registers, virtioCapabilities } from './capabilities.ts'
import { type CommonConfig, type CommonWord, commonConfig } from './driver-registers.ts'

const virtioVendor = 0x1af4
/** Device id of type 0; others follow. */
const modernDeviceBase = 0x1040
/** What QEMU's are a subsystem of. */
const subsystem = 0x1100

/** Index of each word of the function's own. */
const word = {
  status: 0,
  deviceFeatureSelect: 1,
  driverFeatureSelect: 2,
  acceptedLow: 3,
  acceptedHigh: 4,
  queueSelect: 5,
  configVector: 6,
  isr: 7,
  kicks: 8,
  owner: 9,
  resetPending: 10,
  /** counted, so that the server sees those that were done while it did not look */
  resets: 11,
  /** counted where drivers see it */
  configGeneration: 12,
  /** whether somebody asked the server for what this device does by itself */
  asked: 13,
  /** queues that the server is to reset, and that were reset since it looked; a bit each */
  queueResetsPending: 14,
  queueResets: 15,
  queues: 16,
} as const

/** Who has the queues: nobody, the thread that serves them, or a hart that resets them. */
const owner = { nobody: 0, server: 1, reset: 2 } as const

/** Bits of the ISR status. */
const isr = { queue: 1, config: 2 } as const

function planOf(model: VirtioModel): PciFunctionPlan {
  return {
    vendorId: virtioVendor,
    deviceId: modernDeviceBase + model.type,
    revision: 1,
    classCode: model.classCode,
    subsystemVendorId: virtioVendor,
    subsystemId: subsystem,
    bars,
    capabilities: virtioCapabilities(model.config.length),
    interruptPin: 1,
    msiX: { vectors: model.queueSizes.length + 1, ...messages },
  }
}

const configAt = (model: VirtioModel) => word.queues + queueWords * model.queueSizes.length
const ownWords = (model: VirtioModel) => configAt(model) + Math.ceil(model.config.length / 4)

/** Words of state of a device of this model. */
export function virtioPciWords(model: VirtioModel): number {
  return pciLayout(planOf(model), ownWords(model)).words
}

export class VirtioPciFunction extends PciFunction implements CommonConfig {
  readonly model: VirtioModel
  private readonly own: Int32Array
  private readonly offers: FeatureWords
  private readonly bell: Doorbell
  /** the device-specific configuration: in the words, as many threads see it */
  private readonly deviceFields: Uint8Array
  private readonly accessAt: number
  private readonly accessView: DataView

  /** `bell` is rung when a queue was kicked or a reset waits for the thread that serves. */
  constructor(
    model: VirtioModel,
    words: Int32Array,
    parts: { readonly wires: PciWires; readonly bell: Doorbell },
  ) {
    const plan = planOf(model)
    super({ name: model.name, kind: model.kind, version: 1 }, plan, {
      words,
      ownWords: ownWords(model),
      wires: parts.wires,
    })
    const first = pciFunctionWords(plan)
    this.model = model
    this.own = words.subarray(first, first + ownWords(model))
    const fields = this.own.subarray(configAt(model))
    this.deviceFields = new Uint8Array(fields.buffer, fields.byteOffset, model.config.length)
    const { indirectDescriptors, eventIndex, version1, ringReset } = feature
    this.offers = featureWords([...model.features, indirectDescriptors, eventIndex, version1, ringReset])
    this.bell = parts.bell
    this.accessAt = this.template.capabilityAt[0] ?? 0
    this.accessView = new DataView(this.config.buffer, this.config.byteOffset, this.config.length)
  }

  // What the driver configures.

  get queueCount(): number {
    return this.model.queueSizes.length
  }

  offered(select: number): number {
    return this.offers[select] ?? 0
  }

  word(name: CommonWord): number {
    return (this.own[word[name]] as number) >>> 0
  }

  setWord(name: CommonWord, value: number): void {
    this.own[word[name]] = value
  }

  acceptFeatures(bits: number): void {
    if ((this.status() & deviceStatus.featuresOk) !== 0) return
    const select = this.word('driverFeatureSelect')
    if (select < 2) this.own[word.acceptedLow + select] = bits
  }

  acceptedFeatures(): number {
    const select = this.word('driverFeatureSelect')
    return select < 2 ? (this.own[word.acceptedLow + select] as number) >>> 0 : 0
  }

  status(): number {
    return this.own[word.status] as number
  }

  /** @spec virtio-1.2 "Device Initialization" */
  writeStatus(value: number): void {
    if (value === 0) {
      this.resetByDriver()
      return
    }
    const { acknowledge, driver, driverOk, featuresOk, failed } = deviceStatus
    let next = this.status() | (value & (acknowledge | driver | driverOk | featuresOk | failed))
    if ((this.status() & featuresOk) === 0 && (next & featuresOk) !== 0 && !this.acceptable())
      next &= ~featuresOk
    if ((next & featuresOk) === 0) next &= ~driverOk
    this.own[word.status] = next
    if ((next & driverOk) !== 0) this.bell.ring()
  }

  vector(value: number): number {
    return value < this.queueCount + 1 ? value : noVector
  }

  queue(index: number): number | undefined {
    const at = this.selected()
    return at === undefined ? undefined : (this.own[at + index] as number) >>> 0
  }

  setQueue(index: number, value: number): void {
    const at = this.selected()
    if (at === undefined) return
    if (index === queueWord.vector || this.own[at + queueWord.enable] === 0) this.own[at + index] = value
  }

  setQueueSize(value: number): void {
    const max = this.model.queueSizes[this.word('queueSelect')] ?? 0
    if (value >= 1 && value <= max && (value & (value - 1)) === 0) this.setQueue(queueWord.size, value)
  }

  /** @spec virtio-1.2 "Virtqueues": rings that are not aligned are a driver's defect. */
  enableQueue(): void {
    const at = this.selected()
    if (at === undefined || (this.status() & deviceStatus.featuresOk) === 0) return
    const aligned = (index: number, bytes: number) => (this.own[at + index] as number) % bytes === 0
    const { descriptors, driver, device } = queueWord
    if (!aligned(descriptors, 16) || !aligned(driver, 2) || !aligned(device, 4)) this.needReset()
    else this.own[at + queueWord.enable] = 1
  }

  isQueueResetting(): boolean {
    return (Atomics.load(this.own, word.queueResetsPending) & (1 << this.word('queueSelect'))) !== 0
  }

  /** At once when nobody serves, as for the device; else the server does it. @spec virtio-1.2 "Virtqueue Reset" */
  resetQueue(): void {
    const index = this.word('queueSelect')
    if (this.selected() === undefined || !this.hasFeature(feature.ringReset)) return
    if (Atomics.compareExchange(this.own, word.owner, owner.nobody, owner.reset) === owner.nobody) {
      this.clearQueue(index)
      Atomics.store(this.own, word.owner, owner.nobody)
      return
    }
    Atomics.or(this.own, word.queueResetsPending, 1 << index)
    this.bell.ring()
  }

  // What the thread that serves queues does.

  /** Takes the queues for the server. False: a hart is resetting them just now. */
  acquire(): boolean {
    return Atomics.compareExchange(this.own, word.owner, owner.nobody, owner.server) === owner.nobody
  }

  /** Gives them back. True: a reset was asked for meanwhile. */
  release(): boolean {
    Atomics.store(this.own, word.owner, owner.nobody)
    return this.resetAsked
  }

  /** Whether the driver waits for a reset. */
  get resetAsked(): boolean {
    return Atomics.load(this.own, word.resetPending) !== 0
  }

  /** Does the reset that the driver waits for. Under the bus lock, by the server while it has the queues. */
  finishReset(): void {
    this.clear()
  }

  /** Resets the queues that the driver waits for; as `finishReset`. */
  finishQueueResets(): void {
    const asked = Atomics.load(this.own, word.queueResetsPending)
    for (let queue = 0; queue < this.queueCount; queue++)
      if ((asked & (1 << queue)) !== 0) this.clearQueue(queue)
    Atomics.and(this.own, word.queueResetsPending, ~asked)
  }

  /** Whether the driver waits for the reset of a queue. */
  get queueResetAsked(): boolean {
    return Atomics.load(this.own, word.queueResetsPending) !== 0
  }

  /** Takes the queues that were reset, a bit each. */
  takeQueueResets(): number {
    return Atomics.exchange(this.own, word.queueResets, 0)
  }

  /** Whether the driver is ready, sane, and lets the device reach memory. */
  get isLive(): boolean {
    const { driverOk, needsReset, failed } = deviceStatus
    return (this.status() & (driverOk | needsReset | failed)) === driverOk && this.busMaster
  }

  /** Takes the queues that were kicked, a bit each. */
  takeKicks(): number {
    return Atomics.exchange(this.own, word.kicks, 0)
  }

  /** Says that a queue has more to do. */
  kick(queue: number): void {
    Atomics.or(this.own, word.kicks, 1 << queue)
  }

  /** Wakes the thread that serves queues. */
  ring(): void {
    this.bell.ring()
  }

  /** The words of an enabled queue; undefined where there is none. */
  enabledQueue(queue: number): Int32Array | undefined {
    const at = word.queues + queueWords * queue
    return this.own[at + queueWord.enable] === 1 ? this.own.subarray(at, at + queueWords) : undefined
  }

  /** Whether both sides agreed on a feature. */
  hasFeature(bit: number): boolean {
    const accepted = this.own[word.acceptedLow + (bit >>> 5)] as number
    return (accepted & (1 << (bit & 31))) !== 0
  }

  /** Tells the driver that a queue has something for it. Under the bus lock. */
  interruptQueue(queue: number): void {
    this.interrupt(this.own[word.queues + queueWords * queue + queueWord.vector] as number, isr.queue)
  }

  /** Tells the driver that it is broken, and that only a reset helps. Under the bus lock. */
  needReset(): void {
    this.own[word.status] = this.status() | deviceStatus.needsReset
    if ((this.status() & deviceStatus.driverOk) !== 0) {
      this.interrupt(this.own[word.configVector] as number, isr.config)
    }
  }

  /** How often the device was reset so far, modulo 2^32. */
  get resets(): number {
    return Atomics.load(this.own, word.resets)
  }

  /** Asks the thread that serves for what this device does by itself, like the press of a button. Any thread. */
  ask(): void {
    Atomics.store(this.own, word.asked, 1)
    this.bell.ring()
  }

  /** Whether somebody did. */
  takeAsked(): boolean {
    return Atomics.exchange(this.own, word.asked, 0) !== 0
  }

  // The device-specific configuration, for whoever has the bus lock.

  /** A copy of a field. */
  readConfigField({ offset, bytes }: ConfigField): Uint8Array {
    return this.deviceFields.slice(offset, offset + bytes)
  }

  /** Changes the configuration from `offset` on and tells the driver, when that is news. */
  changeConfig(offset: number, bytes: Uint8Array): void {
    if (bytes.every((byte, i) => this.deviceFields[offset + i] === byte)) return
    this.deviceFields.set(bytes, offset)
    this.own[word.configGeneration] = ((this.own[word.configGeneration] as number) + 1) & 0xff
    if ((this.status() & deviceStatus.driverOk) !== 0)
      this.interrupt(this.own[word.configVector] as number, isr.config)
  }

  configGeneration(): number {
    return this.own[word.configGeneration] as number
  }

  // What is in the BARs.

  protected override loadOwnBar(bar: number, offset: number, bytes: AccessBytes): number {
    if (bar !== registers.bar) return 0
    if (offset < registers.common + registers.commonBytes) return commonConfig.load(this, offset)
    if (offset === registers.isr) return this.takeIsr()
    if (offset >= registers.device && offset < registers.device + this.model.config.length)
      return this.deviceConfig(offset - registers.device, bytes)
    return 0
  }

  protected override storeOwnBar(bar: number, offset: number, bytes: AccessBytes, value: number): void {
    if (bar !== registers.bar) return
    if (offset < registers.common + registers.commonBytes) commonConfig.store(this, offset, value)
    else if (offset >= registers.device && offset < registers.device + registers.deviceBytes)
      this.storeDeviceConfig(offset - registers.device, bytes, value)
    else if (offset >= registers.notify) {
      const queue = Math.floor((offset - registers.notify) / registers.notifyMultiplier)
      if (queue >= this.queueCount) return
      this.kick(queue)
      this.bell.ring()
    }
  }

  override loadConfig(offset: number, bytes: AccessBytes): number {
    const target = this.touchesAccess(offset) ? this.accessTarget() : undefined
    if (target !== undefined) {
      const value = this.loadBar(target.bar, target.at, target.length)
      this.accessView.setUint32(this.accessAt + accessWindow.data, value, true)
    }
    return super.loadConfig(offset, bytes)
  }

  override storeConfig(offset: number, bytes: AccessBytes, value: number): void {
    super.storeConfig(offset, bytes, value)
    const target = this.touchesAccess(offset) ? this.accessTarget() : undefined
    if (target === undefined) return
    const data = this.accessView.getUint32(this.accessAt + accessWindow.data, true)
    const mask = 2 ** (8 * target.length) - 1
    this.storeBar(target.bar, target.at, target.length, target.length === 4 ? data : data & mask)
  }

  protected override cold(): void {
    super.cold()
    this.deviceFields.set(this.model.config)
    this.own[word.configGeneration] = 0
    this.own[word.asked] = 0
    this.clear()
  }

  private selected(): number | undefined {
    const index = this.word('queueSelect')
    return index < this.queueCount ? word.queues + queueWords * index : undefined
  }

  /** A device works only with drivers of the standard, and with features that it offered. */
  private acceptable(): boolean {
    const [low, high] = [this.own[word.acceptedLow] as number, this.own[word.acceptedHigh] as number]
    const offeredOnly = (low & ~this.offers[0]) === 0 && (high & ~this.offers[1]) === 0
    return offeredOnly && this.hasFeature(feature.version1)
  }

  /** At once when nobody serves; else the server does it, and the driver sees the status until then. */
  private resetByDriver(): void {
    if (Atomics.compareExchange(this.own, word.owner, owner.nobody, owner.reset) === owner.nobody) {
      this.clear()
      Atomics.store(this.own, word.owner, owner.nobody)
      return
    }
    Atomics.store(this.own, word.resetPending, 1)
    this.bell.ring()
  }

  /** Everything that a driver set up is gone. */
  private clear(): void {
    const { own } = this
    own.fill(0, 0, word.owner)
    own.fill(0, word.queues, configAt(this.model))
    Atomics.add(own, word.resets, 1)
    own[word.configVector] = noVector
    for (const queue of this.model.queueSizes.keys()) this.clearQueue(queue)
    Atomics.store(own, word.queueResetsPending, 0)
    Atomics.store(own, word.queueResets, 0)
    Atomics.store(own, word.resetPending, 0)
    this.setPin(false)
  }

  /** A queue as it was when the device was reset. */
  private clearQueue(queue: number): void {
    const { own } = this
    const at = word.queues + queueWords * queue
    own.fill(0, at, at + queueWords)
    own[at + queueWord.size] = this.model.queueSizes[queue] ?? 0
    own[at + queueWord.vector] = noVector
    Atomics.and(own, word.kicks, ~(1 << queue))
    Atomics.or(own, word.queueResets, 1 << queue)
  }

  private interrupt(vector: number, bit: number): void {
    if (this.usesMessages) {
      this.raiseVector(vector)
      return
    }
    this.own[word.isr] = (this.own[word.isr] as number) | bit
    this.setPin(true)
  }

  /** Reading it takes the interrupt back. @spec virtio-1.2 "ISR status capability" */
  private takeIsr(): number {
    const bits = this.own[word.isr] as number
    this.own[word.isr] = 0
    this.setPin(false)
    return bits
  }

  private deviceConfig(offset: number, bytes: AccessBytes): number {
    let value = 0
    for (let i = bytes - 1; i >= 0; i--) value = value * 256 + (this.deviceFields[offset + i] ?? 0)
    return value
  }

  /** Keeps what lies in fields that drivers may write. */
  private storeDeviceConfig(at: number, bytes: AccessBytes, value: number): void {
    const fields = this.model.driverFields ?? []
    for (let i = 0; i < bytes; i++) {
      const isOpen = fields.some(({ offset, bytes: length }) => at + i >= offset && at + i < offset + length)
      if (!isOpen) continue
      this.deviceFields[at + i] = Math.floor(value / 256 ** i)
    }
    this.model.answer?.(this.deviceFields)
  }

  private touchesAccess(offset: number): boolean {
    return (offset & ~3) === this.accessAt + accessWindow.data
  }

  /** What an access by configuration space reaches, if anything. */
  private accessTarget(): { bar: number; at: number; length: AccessBytes } | undefined {
    const read = (offset: number) => this.accessView.getUint32(this.accessAt + offset, true)
    const bar = this.accessView.getUint8(this.accessAt + accessWindow.bar)
    const [at, length] = [read(accessWindow.offset), read(accessWindow.length)]
    if ((length !== 1 && length !== 2 && length !== 4) || at % length !== 0) return undefined
    return at + length <= this.barBytes(bar) ? { bar, at, length } : undefined
  }
}
