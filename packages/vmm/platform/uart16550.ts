/**
 * 16550A UART. @spec ns16550a "Registers"
 *
 * ```
 *   guest ── THR ──► tx ring (64 KiB) ──► console     LSR.THRE is low while 16 more bytes might not fit
 *   guest ◄─ RBR ─── rx ring (4 KiB)  ◄── console     in loopback: THR ──► loop FIFO ──► RBR instead
 * ```
 * Why the rings stand for the chip's 16-byte FIFOs: the line has no speed, so bytes leave at once and whatever has
 * arrived is there. No console byte is lost in either direction while the driver obeys THRE: a full tx ring holds it
 * low until the console has taken the bytes.
 * A receiver reset does not drop what the console sent: it takes those bytes as not received yet, and they arrive again
 * once the driver listens (it enables the interrupt, or has polled the line status `quietPolls` times). So input typed
 * or piped before the driver opened the port survives its probing.
 */

import type { AccessBytes, Doorbell, InterruptLine } from '@virga/device'
import { ByteRing, declareWords, RegisterMap, WordDevice } from '@virga/device'
import { memoryMap } from './memory-map.ts'

const txBytes = 0x1_0000
const rxBytes = 0x1000
const fifoBytes = 16
/** More line status reads than any driver makes between resetting the receiver and its dummy read of RBR. */
const quietPolls = 16

const layout = declareWords({
  ier: 1,
  fcr: 1,
  lcr: 1,
  mcr: 1,
  scratch: 1,
  divisor: 1,
  overrun: 1,
  modemLines: 1,
  modemDeltas: 1,
  thrEmptied: 1,
  quiet: 1,
  loop: ByteRing.words(fifoBytes),
  rx: ByteRing.words(rxBytes),
  tx: ByteRing.words(txBytes),
})
const at = layout.at

const ier = { received: 1, thrEmpty: 2, lineStatus: 4, modemStatus: 8 }
const iir = { none: 1, thrEmpty: 2, received: 4, lineStatus: 6, timeout: 12, modemStatus: 0, fifos: 0xc0 }
const fcr = { enable: 1, resetReceiver: 2, sticky: 0xc9 }
const lsr = { dataReady: 1, overrun: 2, thrEmpty: 0x20, transmitterEmpty: 0x40 }
const mcr = { dtr: 1, rts: 2, out1: 4, out2: 8, loopback: 16 }
const msr = { cts: 0x10, dsr: 0x20, ri: 0x40, dcd: 0x80, trailingRi: 4 }
const divisorLatch = 0x80
/** Receiver trigger level in bytes, by FCR bits 7..6. */
const triggers = [1, 4, 8, 14]

const registers = new RegisterMap<Uart16550>([
  {
    name: 'RBR/THR/DLL',
    offset: 0,
    read: (u) => (u.latched ? u.field('divisor') & 0xff : u.receive()),
    write: (u, v) => (u.latched ? u.setField('divisor', (u.field('divisor') & 0xff00) | v) : u.transmit(v)),
  },
  {
    name: 'IER/DLM',
    offset: 1,
    read: (u) => (u.latched ? u.field('divisor') >> 8 : u.field('ier')),
    write: (u, v) =>
      u.latched ? u.setField('divisor', (u.field('divisor') & 0xff) | (v << 8)) : u.enable(v),
  },
  { name: 'IIR/FCR', offset: 2, read: (u) => u.identify(), write: (u, v) => u.controlFifos(v) },
  { name: 'LCR', offset: 3, read: (u) => u.field('lcr'), write: (u, v) => u.setField('lcr', v) },
  { name: 'MCR', offset: 4, read: (u) => u.field('mcr'), write: (u, v) => u.controlModem(v) },
  { name: 'LSR', offset: 5, read: (u) => u.lineStatus() },
  { name: 'MSR', offset: 6, read: (u) => u.modemStatus() },
  { name: 'SCR', offset: 7, read: (u) => u.field('scratch'), write: (u, v) => u.setField('scratch', v) },
])

export class Uart16550 extends WordDevice {
  static readonly layout = layout
  private readonly line: InterruptLine
  private readonly doorbell: Doorbell
  private readonly loop: ByteRing
  private readonly rx: ByteRing
  private readonly tx: ByteRing

  /** `doorbell` rings when there is output to take or, after input was refused, room again. */
  constructor(words: Int32Array, line: InterruptLine, doorbell: Doorbell) {
    const { base, bytes } = memoryMap.uart
    super({ name: 'uart0', kind: 'uart16550', version: 1, base, bytes, widths: [1, 2, 4] }, layout, words)
    this.line = line
    this.doorbell = doorbell
    this.loop = new ByteRing(words, at.loop, fifoBytes)
    this.rx = new ByteRing(words, at.rx, rxBytes)
    this.tx = new ByteRing(words, at.tx, txBytes)
  }

  load(offset: number, _bytes: AccessBytes): number {
    return registers.load(this, offset)
  }

  store(offset: number, _bytes: AccessBytes, value: number): void {
    registers.store(this, offset, value & 0xff)
  }

  /** The console's side: offers bytes to the guest and returns how many (the first ones) were taken. */
  input(source: Uint8Array): number {
    const count = this.rx.write(source)
    this.drive()
    return count
  }

  /** The console's side: takes everything the guest has sent. */
  output(): Uint8Array<ArrayBuffer> {
    const stalled = !this.thrEmpty
    const bytes = this.tx.drain()
    if (stalled) this.setField('thrEmptied', 1)
    this.drive()
    return bytes
  }

  /** LCR.DLAB: the first two registers are the divisor. */
  get latched(): boolean {
    return (this.field('lcr') & divisorLatch) !== 0
  }

  field(name: keyof typeof at): number {
    return this.get(at[name])
  }

  setField(name: keyof typeof at, value: number): void {
    this.set(at[name], value)
  }

  /** RBR read. */
  receive(): number {
    if (this.loopback) {
      const byte = this.loop.shift() ?? 0
      this.drive()
      return byte
    }
    if (this.received === 0) return 0
    const byte = this.rx.shift() ?? 0
    if (this.rx.length === rxBytes / 2) this.doorbell.ring()
    this.drive()
    return byte
  }

  /** THR write. */
  transmit(byte: number): void {
    if (this.loopback) {
      const depth = this.fifos ? fifoBytes : 1
      if (this.loop.length >= depth || !this.loop.push(byte)) this.setField('overrun', 1)
    } else {
      // The console takes everything when it wakes, so only the first byte has to wake it.
      if (this.tx.length === 0) this.doorbell.ring()
      this.tx.push(byte)
    }
    this.setField('thrEmptied', this.thrEmpty ? 1 : 0)
    this.drive()
  }

  /** IER write. Enabling the THRE interrupt while the register is empty raises it: drivers start sending by that. */
  enable(value: number): void {
    this.setField('ier', value & 0x0f)
    if ((value & ier.received) !== 0) this.setField('quiet', 0)
    if ((value & ier.thrEmpty) !== 0 && this.thrEmpty) this.setField('thrEmptied', 1)
    this.drive()
  }

  /** IIR read: says why, and if that is THRE, takes it back. */
  identify(): number {
    const reason = this.reason()
    if (reason === iir.thrEmpty) {
      this.setField('thrEmptied', 0)
      this.drive()
    }
    return reason | (this.fifos ? iir.fifos : 0)
  }

  /** FCR write. Changing the enable bit resets the FIFOs. The transmitter's is never reset: it has sent its bytes. */
  controlFifos(value: number): void {
    const toggled = ((value ^ this.field('fcr')) & fcr.enable) !== 0
    if (toggled || (value & fcr.resetReceiver) !== 0) {
      this.loop.clear()
      this.setField('quiet', (this.field('ier') & ier.received) === 0 ? quietPolls : 0)
    }
    this.setField('fcr', (value & fcr.enable) === 0 ? 0 : value & fcr.sticky)
    this.drive()
  }

  /** MCR write. In loopback its outputs are the modem's inputs. */
  controlModem(value: number): void {
    this.setField('mcr', value & 0x1f)
    if (!this.loopback) this.loop.clear()
    this.followModem()
    this.drive()
  }

  /** LSR read: takes the overrun flag back, and counts as a poll. */
  lineStatus(): number {
    const quiet = this.field('quiet')
    if (quiet > 0) this.setField('quiet', quiet - 1)
    const overrun = this.field('overrun')
    this.setField('overrun', 0)
    this.drive()
    const sent = this.thrEmpty ? lsr.thrEmpty | lsr.transmitterEmpty : 0
    return (this.received > 0 ? lsr.dataReady : 0) | (overrun === 0 ? 0 : lsr.overrun) | sent
  }

  /** MSR read: takes the deltas back. */
  modemStatus(): number {
    const value = this.field('modemLines') | this.field('modemDeltas')
    this.setField('modemDeltas', 0)
    this.drive()
    return value
  }

  protected override cold(): void {
    this.setField('modemLines', this.modemInputs())
    this.setField('divisor', 1)
  }

  protected override drive(): void {
    this.line.set(this.reason() !== iir.none)
  }

  protected override defect(): string | undefined {
    const rings = [this.loop, this.rx, this.tx]
    return rings.every((ring) => ring.length <= ring.capacity) ? undefined : 'a ring holds more than fits'
  }

  private get loopback(): boolean {
    return (this.field('mcr') & mcr.loopback) !== 0
  }

  private get fifos(): boolean {
    return (this.field('fcr') & fcr.enable) !== 0
  }

  /** A driver that sees THRE fills a whole FIFO without looking again. */
  private get thrEmpty(): boolean {
    return this.tx.room >= fifoBytes
  }

  /** Bytes that the driver can see. */
  private get received(): number {
    if (this.loopback) return this.loop.length
    return this.field('quiet') > 0 ? 0 : this.rx.length
  }

  /** The pending interrupt of highest priority, as in IIR bits 3..0. */
  private reason(): number {
    const enabled = this.field('ier')
    if ((enabled & ier.lineStatus) !== 0 && this.field('overrun') !== 0) return iir.lineStatus
    const received = this.received
    if ((enabled & ier.received) !== 0 && received > 0) {
      // With no line speed, the four character times of the timeout are over at once.
      const trigger = triggers[this.field('fcr') >> 6] ?? 1
      return this.fifos && received < trigger ? iir.timeout : iir.received
    }
    if ((enabled & ier.thrEmpty) !== 0 && this.field('thrEmptied') !== 0) return iir.thrEmpty
    if ((enabled & ier.modemStatus) !== 0 && this.field('modemDeltas') !== 0) return iir.modemStatus
    return iir.none
  }

  /** Carrier, data set ready and clear to send: somebody is always at the other end. */
  private modemInputs(): number {
    if (!this.loopback) return msr.dcd | msr.dsr | msr.cts
    const out = this.field('mcr')
    const wire = (from: number, to: number) => ((out & from) === 0 ? 0 : to)
    return wire(mcr.rts, msr.cts) | wire(mcr.dtr, msr.dsr) | wire(mcr.out1, msr.ri) | wire(mcr.out2, msr.dcd)
  }

  private followModem(): void {
    const before = this.field('modemLines')
    const now = this.modemInputs()
    const changed = (before ^ now) >> 4
    // The ring indicator's bit tells of its trailing edge only.
    const deltas = (before & msr.ri) === 0 ? changed & ~msr.trailingRi : changed
    this.setField('modemLines', now)
    this.setField('modemDeltas', this.field('modemDeltas') | deltas)
  }
}
