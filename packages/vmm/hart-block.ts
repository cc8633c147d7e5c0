/**
 * A hart seen from TypeScript: its block (packages/riscv/hart/layout.ts) and the VMM's record of it.
 * Why: SBI calls, boot and the pCPU loop read and write registers of harts that are not running, and raise
 * interrupts and requests on harts that may be running on another thread.
 * Invariants: plain words are touched only by the pCPU that owns the hart, while the hart is out of guest code;
 * `mip`, `lines`, `seiPending`, `requests`, `attention`, `status` and the record's words are atomic.
 */

import { defined } from '@virga/base'
import { hartBlockBytes, hartOffset, hartStatus, interruptIdentityWords } from '@virga/riscv/hart'
import { hartRecord, pcpuSlot } from './machine-block.ts'
import type { Arena } from './memory/arena.ts'

const at = (name: string) => defined(hartOffset[name], `hart field ${name}`)

const offset = {
  x: at('x'),
  pc: at('pc'),
  attention: at('attention'),
  prv: at('prv'),
  mip: at('mip'),
  lines: at('lines'),
  requests: at('requests'),
  status: at('status'),
  mie: at('mie'),
  menvcfg: at('menvcfg'),
  stimecmp: at('stimecmp'),
  seiDelivery: at('seiDelivery'),
  seiThreshold: at('seiThreshold'),
  seiPending: at('seiPending'),
  seiEnabled: at('seiEnabled'),
}

/** Interrupt bits of mip, mie and `lines`. @spec riscv-priv "Machine Interrupt (mip and mie) Registers" */
export const interrupt = {
  ssip: 1 << 1,
  msip: 1 << 3,
  stip: 1 << 5,
  mtip: 1 << 7,
  seip: 1 << 9,
  meip: 1 << 11,
} as const

const stceUpper = 1 << 31

/**
 * Where controllers drive a hart's interrupt lines: in its block, where guest code sees them at once; or in the VMM's
 * record of it, so that guest code sees what `publishLines` last showed.
 */
export type LinesMode = 'live' | 'staged'

/** One hart of a machine, as seen by this thread. */
export class HartBlock {
  readonly id: number
  /** arena address of the block: what the engine calls `hart` */
  readonly address: number
  readonly #arena: Arena
  readonly #record: number
  readonly #doorbell: number
  readonly #lines: number

  constructor(arena: Arena, id: number, pcpu: number, lines: LinesMode = 'live') {
    const { plan } = arena
    this.id = id
    this.address = plan.harts + id * hartBlockBytes
    this.#arena = arena
    this.#record = plan.machineBlock + hartRecord.base + id * hartRecord.bytes
    this.#doorbell = (plan.machineBlock + pcpuSlot.base + pcpu * pcpuSlot.bytes + pcpuSlot.doorbell) >>> 2
    this.#lines = lines === 'live' ? this.#word(offset.lines) : (this.#record + hartRecord.stagedLines) >>> 2
  }

  /** Arena address of the doorbell of the pCPU that runs this hart. */
  get doorbell(): number {
    return this.#doorbell * 4
  }

  /** Integer register `index`, as unsigned 64 bits. */
  x(index: number): bigint {
    return BigInt.asUintN(64, defined(this.#arena.i64[this.#word64(offset.x) + index], 'register'))
  }

  /** Sets integer register `index` (1..31) to the low 64 bits of `value`. */
  setX(index: number, value: bigint): void {
    this.#arena.i64[this.#word64(offset.x) + index] = BigInt.asIntN(64, value)
  }

  get pc(): bigint {
    return BigInt.asUintN(64, defined(this.#arena.i64[this.#word64(offset.pc)], 'pc'))
  }

  set pc(value: bigint) {
    this.#arena.i64[this.#word64(offset.pc)] = BigInt.asIntN(64, value)
  }

  /** A 64-bit field by its name in the layout. */
  read64(name: string, index = 0): bigint {
    return BigInt.asUintN(64, defined(this.#arena.i64[this.#word64(at(name)) + index], name))
  }

  /** Sets a 64-bit field by its name in the layout. */
  write64(name: string, value: bigint, index = 0): void {
    this.#arena.i64[this.#word64(at(name)) + index] = BigInt.asIntN(64, value)
  }

  /** A 32-bit field by its name in the layout. */
  read32(name: string, index = 0): number {
    return Atomics.load(this.#arena.i32, this.#word(at(name)) + index)
  }

  /** Sets a 32-bit field by its name in the layout. */
  write32(name: string, value: number, index = 0): void {
    Atomics.store(this.#arena.i32, this.#word(at(name)) + index, value)
  }

  /** HSM state, see hartStatus. */
  get status(): number {
    return Atomics.load(this.#arena.i32, this.#word(offset.status))
  }

  set status(value: number) {
    Atomics.store(this.#arena.i32, this.#word(offset.status), value)
  }

  /** Moves the HSM state from `from` to `to` if it is `from`. Returns what it was. */
  exchangeStatus(from: number, to: number): number {
    return Atomics.compareExchange(this.#arena.i32, this.#word(offset.status), from, to)
  }

  /** True for a hart that executes instructions when its pCPU lets it. */
  get started(): boolean {
    return this.status === hartStatus.started
  }

  /** Requests not served yet, see hartRequest. */
  get requests(): number {
    return Atomics.load(this.#arena.i32, this.#word(offset.requests))
  }

  /** Asks the hart for work (bits of hartRequest) and wakes it. */
  request(bits: number): void {
    Atomics.or(this.#arena.i32, this.#word(offset.requests), bits)
    this.kick()
  }

  /** Takes requests back that were served by the VMM. */
  clearRequests(bits: number): void {
    Atomics.and(this.#arena.i32, this.#word(offset.requests), ~bits)
  }

  /** Makes interrupts (mip bits) pending and wakes the hart. */
  raise(bits: number): void {
    Atomics.or(this.#arena.i32, this.#word(offset.mip), bits)
    this.kick()
  }

  /** Withdraws software-visible pending interrupts. */
  lower(bits: number): void {
    Atomics.and(this.#arena.i32, this.#word(offset.mip), ~bits)
  }

  /** Drives interrupt lines (mip bits) high or low; the hart is woken when a line rises. */
  setLines(bits: number, high: boolean): void {
    const word = this.#lines
    if (high) {
      const before = Atomics.or(this.#arena.i32, word, bits)
      if ((before & bits) !== bits) this.kick()
    } else {
      Atomics.and(this.#arena.i32, word, ~bits)
    }
  }

  /** Makes external interrupt `identity` (1 to 255) pending in the interrupt file; the hart is woken if it was not. */
  deliver(identity: number): void {
    const bit = 1 << (identity & 31)
    const word = this.#word(offset.seiPending) + (identity >>> 5)
    if ((Atomics.or(this.#arena.i32, word, bit) & bit) === 0) this.kick()
  }

  /** Shows guest code the lines as they are driven now, and returns them; only the hart's own thread does. */
  publishLines(): number {
    const lines = Atomics.load(this.#arena.i32, this.#lines)
    Atomics.store(this.#arena.i32, this.#word(offset.lines), lines)
    return lines
  }

  /** Makes the hart leave guest code soon, and its pCPU look at it when it sleeps. */
  kick(): void {
    Atomics.store(this.#arena.i32, this.#word(offset.attention), 1)
    Atomics.add(this.#arena.i32, this.#doorbell, 1)
    Atomics.notify(this.#arena.i32, this.#doorbell)
  }

  /** Makes the hart leave guest code at its next jump; for the thread that runs it. */
  endSlice(): void {
    Atomics.store(this.#arena.i32, this.#word(offset.attention), 1)
  }

  /** True when an interrupt enabled in mie is pending at `ticks`, whatever the global enables say: what ends a WFI. */
  interruptPending(ticks: number): boolean {
    const { i32 } = this.#arena
    let pending = Atomics.load(i32, this.#word(offset.mip)) | Atomics.load(i32, this.#lines)
    if (this.#fileAsks) pending |= interrupt.seip
    if (this.#hasStimecmp)
      pending = this.#stimecmp <= ticks ? pending | interrupt.stip : pending & ~interrupt.stip
    return (pending & this.#mie) !== 0
  }

  /** True when mie enables some of `bits`. */
  enables(bits: number): boolean {
    return (this.#mie & bits) !== 0
  }

  /** Tick at which the supervisor timer falls due; infinite without Sstc. Exact to 2 ** 53. */
  get timerDue(): number {
    return this.#hasStimecmp ? this.#stimecmp : Number.POSITIVE_INFINITY
  }

  get #stimecmp(): number {
    const { i32 } = this.#arena
    const word = this.#word(offset.stimecmp)
    return (defined(i32[word + 1], 'stimecmp') >>> 0) * 2 ** 32 + (defined(i32[word], 'stimecmp') >>> 0)
  }

  /** True when the interrupt file has an interrupt for the hart: what runtime/imsic.ts says. */
  get #fileAsks(): boolean {
    const { i32 } = this.#arena
    if (defined(i32[this.#word(offset.seiDelivery)], 'eidelivery') === 0) return false
    const threshold = defined(i32[this.#word(offset.seiThreshold)], 'eithreshold')
    for (let word = 0; word < 2 * interruptIdentityWords; word++) {
      const enabled = defined(i32[this.#word(offset.seiEnabled) + word], 'eie')
      const bits = Atomics.load(i32, this.#word(offset.seiPending) + word) & enabled
      if (bits === 0) continue
      const first = 32 * word + 31 - Math.clz32(bits & -bits)
      return threshold === 0 || first < threshold
    }
    return false
  }

  get #mie(): number {
    return defined(this.#arena.i32[this.#word(offset.mie)], 'mie')
  }

  get #hasStimecmp(): boolean {
    return (defined(this.#arena.i32[this.#word(offset.menvcfg) + 1], 'menvcfg') & stceUpper) !== 0
  }

  /** The VMM's word of this hart at byte `word` of its record (hartRecord). */
  record(word: number): number {
    return Atomics.load(this.#arena.i32, (this.#record + word) >>> 2)
  }

  /** Sets a word of the record. */
  setRecord(word: number, value: number): void {
    Atomics.store(this.#arena.i32, (this.#record + word) >>> 2, value)
  }

  /** Adds to a word of the record. */
  count(word: number, change = 1): void {
    Atomics.add(this.#arena.i32, (this.#record + word) >>> 2, change)
  }

  /** A 64-bit word of the record. */
  record64(word: number): bigint {
    return BigInt.asUintN(64, Atomics.load(this.#arena.i64, (this.#record + word) >>> 3))
  }

  /** Sets a 64-bit word of the record. */
  setRecord64(word: number, value: bigint): void {
    Atomics.store(this.#arena.i64, (this.#record + word) >>> 3, BigInt.asIntN(64, value))
  }

  /** Milliseconds spent waiting in WFI or suspend. */
  get idleMs(): number {
    return defined(this.#arena.f64[(this.#record + hartRecord.idleMs) >>> 3], 'idleMs')
  }

  set idleMs(value: number) {
    this.#arena.f64[(this.#record + hartRecord.idleMs) >>> 3] = value
  }

  /** Tells other threads that guest code runs from now. Set before requests are served for the slice. */
  enterGuest(): void {
    Atomics.store(this.#arena.i32, (this.#record + hartRecord.inGuest) >>> 2, 1)
  }

  /** Tells other threads that no guest code runs until requests were served again. */
  leaveGuest(): void {
    const word = (this.#record + hartRecord.inGuest) >>> 2
    Atomics.store(this.#arena.i32, word, 0)
    Atomics.notify(this.#arena.i32, word)
  }

  /**
   * Waits until the hart is out of guest code, or has served `bits`. After `request(bits)` this means: it executes
   * no instruction before the work is done. Never waits for a hart of the calling thread, which is out of guest code.
   */
  awaitServed(bits: number): void {
    const { i32 } = this.#arena
    const word = (this.#record + hartRecord.inGuest) >>> 2
    for (let i = 0; i < spinsBeforeSleep; i++) {
      if (Atomics.load(i32, word) === 0 || (this.requests & bits) === 0) return
    }
    while (Atomics.load(i32, word) !== 0 && (this.requests & bits) !== 0) Atomics.wait(i32, word, 1, 1)
  }

  #word(byteOffset: number): number {
    return (this.address + byteOffset) >>> 2
  }

  #word64(byteOffset: number): number {
    return (this.address + byteOffset) >>> 3
  }
}

/** A hart leaves guest code within microseconds of a kick unless its thread is not running. */
const spinsBeforeSleep = 200
