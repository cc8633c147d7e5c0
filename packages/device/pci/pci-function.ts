/**
 * A function of a PCI device: its configuration space, the BARs that it decodes, and its interrupts.
 *
 * ```
 *   configuration window ─► loadConfig, storeConfig ─┐
 *                                                    ├─► words ─► MSI-X message, or level of the interrupt pin
 *   memory windows ─► decodes? ─► loadBar, storeBar ─┘
 * ```
 * Invariants: those of `WordState`. A guest may write anything anywhere: what does not exist reads as zero and keeps
 * nothing. An address is decoded only while memory space is enabled. A function that may not be bus master sends no
 * message.
 * @spec pci-3.0 "Configuration Space"
 */

import type { AccessBytes } from '../bus.ts'
import { declareWords } from '../word-layout.ts'
import { type StateIdentity, WordState } from '../word-state.ts'
import {
  type Bar,
  type ConfigTemplate,
  command,
  configBytes,
  type FunctionDeclaration,
  header,
  layOutConfig,
  status,
} from './config-header.ts'
import { type MessageSink, MsiX, type MsiXPlan, msiXCapability, msiXWords } from './msi-x.ts'

/** A kind of function: what it declares, and how many words of state it adds. */
export interface PciFunctionPlan extends FunctionDeclaration {
  /** MSI-X, whose capability comes after the others; absent: the function has none */
  readonly msiX?: MsiXPlan
}

/** Where a function's interrupts go. */
export interface PciWires {
  readonly messages: MessageSink
  /** To be called when `pinAsserted` may have changed. */
  pinChanged(): void
}

/** The words that every function has; a subclass lays its own behind them. */
export function pciFunctionWords({ msiX }: PciFunctionPlan): number {
  return pciWords.words + (msiX === undefined ? 0 : msiXWords(msiX.vectors))
}

const pciWords = declareWords({ config: configBytes / 4, pinLevel: 1 })

/** Layout of a function's words with `own` words of a subclass, whose first index is `at.own`. */
export function pciLayout(plan: PciFunctionPlan, ownWords: number) {
  return declareWords({ common: pciFunctionWords(plan) - 1, own: Math.max(1, ownWords) })
}

export abstract class PciFunction extends WordState {
  /** The offset within the BAR that `decodes` has just found. */
  barOffset = 0
  protected readonly template: ConfigTemplate
  protected readonly msiX: MsiX | undefined
  protected readonly config: Uint8Array
  private readonly configView: DataView
  private readonly bars: readonly Bar[]
  private readonly wires: PciWires
  private readonly msiXControl: number

  constructor(
    identity: StateIdentity,
    plan: PciFunctionPlan,
    parts: { readonly words: Int32Array; readonly ownWords: number; readonly wires: PciWires },
  ) {
    super(identity, pciLayout(plan, parts.ownWords), parts.words)
    const { msiX } = plan
    const capabilities = msiX === undefined ? plan.capabilities : [...plan.capabilities, msiXCapability(msiX)]
    this.template = layOutConfig({ ...plan, capabilities })
    this.bars = plan.bars
    this.wires = parts.wires
    const at = parts.words.byteOffset + 4 * pciWords.at.config
    this.config = new Uint8Array(parts.words.buffer, at, configBytes)
    this.configView = new DataView(parts.words.buffer, at, configBytes)
    this.msiXControl = (this.template.capabilityAt.at(-1) ?? 0) + 2
    if (msiX !== undefined) {
      const table = parts.words.subarray(pciWords.words, pciWords.words + msiXWords(msiX.vectors))
      const sink: MessageSink = {
        send: (low, high, data) => {
          if (this.busMaster) this.wires.messages.send(low, high, data)
        },
      }
      this.msiX = new MsiX(msiX, table, sink, () => this.configView.getUint16(this.msiXControl, true))
    }
  }

  /** Whether it may read and write memory, and send messages. */
  get busMaster(): boolean {
    return (this.commandRegister & command.busMaster) !== 0
  }

  /** The pin that it pulls: 1 to 4, or 0 for none. */
  get pin(): number {
    return this.template.initial[header.interruptPin] as number
  }

  /** Whether it pulls its pin: never while MSI-X is enabled, or while the driver forbids it. */
  get pinAsserted(): boolean {
    const allowed = (this.commandRegister & command.interruptDisable) === 0 && !this.usesMessages
    return allowed && this.pinLevel
  }

  /** Reads `bytes` of configuration space at `offset` (0 to 4095). */
  loadConfig(offset: number, bytes: AccessBytes): number {
    if (offset >= configBytes) return 0
    const value = this.configValue(offset, bytes)
    const pinShown = (offset & ~3) === header.command && this.pinLevel
    const shift = 8 * (header.status - offset)
    if (!pinShown || shift < 0 || shift >= 8 * bytes) return value
    return (value | (status.interrupt << shift)) >>> 0
  }

  /** Writes configuration space where it can be written. */
  storeConfig(offset: number, bytes: AccessBytes, value: number): void {
    if (offset >= configBytes) return
    for (let i = 0; i < bytes; i++) {
      const mask = this.template.writable[offset + i] as number
      const kept = (this.config[offset + i] as number) & ~mask
      this.config[offset + i] = kept | ((value >>> (8 * i)) & mask)
    }
    if (this.msiX !== undefined && overlaps(offset, bytes, this.msiXControl, 2)) this.msiX.controlWritten()
    this.wires.pinChanged()
  }

  /** The index of the BAR that decodes `gpa`, or -1; `barOffset` is where in it. */
  decodes(gpa: number): number {
    if ((this.commandRegister & command.memorySpace) === 0) return -1
    for (const { index, bytes, width } of this.bars) {
      const at = header.bar + 4 * index
      const low = (this.configView.getUint32(at, true) & ~15) >>> 0
      const high = width === 64 ? this.configView.getUint32(at + 4, true) : 0
      const base = high * 2 ** 32 + low
      if (gpa < base || gpa >= base + bytes) continue
      this.barOffset = gpa - base
      return index
    }
    return -1
  }

  /** Loads from a BAR that `decodes` found. */
  loadBar(bar: number, offset: number, bytes: AccessBytes): number {
    if (this.msiX?.covers(bar, offset)) return bytes === 4 ? this.msiX.load(offset) : 0
    return this.loadOwnBar(bar, offset, bytes)
  }

  /** Stores to a BAR that `decodes` found. */
  storeBar(bar: number, offset: number, bytes: AccessBytes, value: number): void {
    if (this.msiX?.covers(bar, offset)) {
      if (bytes === 4) this.msiX.store(offset, value)
    } else this.storeOwnBar(bar, offset, bytes, value)
  }

  /** What a BAR holds besides MSI-X; an access is naturally aligned. */
  protected loadOwnBar(_bar: number, _offset: number, _bytes: AccessBytes): number {
    return 0
  }

  protected storeOwnBar(_bar: number, _offset: number, _bytes: AccessBytes, _value: number): void {
    // A function without registers of its own has nothing to write.
  }

  protected override cold(): void {
    this.config.set(this.template.initial)
    this.msiX?.cold()
  }

  protected override drive(): void {
    this.wires.pinChanged()
  }

  protected override defect(): string | undefined {
    const { initial, writable } = this.template
    const same = initial.every(
      (byte, i) => ((byte ^ (this.config[i] as number)) & ~(writable[i] as number)) === 0,
    )
    return same ? undefined : 'the snapshot is of another function'
  }

  /** Bytes of a BAR, or 0. */
  protected barBytes(bar: number): number {
    return this.bars.find(({ index }) => index === bar)?.bytes ?? 0
  }

  /** Sends the message of `vector`, or holds it back while it is masked. */
  protected raiseVector(vector: number): void {
    this.msiX?.raise(vector)
  }

  /** What the function wants of its interrupt pin; it is silent while MSI-X is enabled or the driver disabled it. */
  protected setPin(level: boolean): void {
    this.set(pciWords.at.pinLevel, level ? 1 : 0)
    this.wires.pinChanged()
  }

  protected get usesMessages(): boolean {
    return this.msiX?.enabled === true
  }

  private get pinLevel(): boolean {
    return this.get(pciWords.at.pinLevel) !== 0
  }

  private get commandRegister(): number {
    return this.configView.getUint16(header.command, true)
  }

  private configValue(offset: number, bytes: AccessBytes): number {
    if (bytes === 4) return this.configView.getUint32(offset, true)
    return bytes === 2 ? this.configView.getUint16(offset, true) : this.configView.getUint8(offset)
  }
}

function overlaps(a: number, aBytes: number, b: number, bBytes: number): boolean {
  return a < b + bBytes && b < a + aBytes
}
