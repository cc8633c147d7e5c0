/**
 * Advanced PLIC: turns the wires of devices into messages. One supervisor-level domain, which always delivers by MSI.
 *
 * ```
 *   wire ─► source mode (edge, level, inverted) ─► pending ─► enabled, domain on? ─► message to the target, pending off
 * ```
 * A level that is still high after its interrupt was served makes no new message by itself: its driver writes setipnum
 * to be told again, as the specification has it.
 * Invariants: called under the bus lock; a source that is inactive has neither pending nor enable bit nor target; a
 * level-sensitive source is never pending while its input is low.
 * @spec riscv-aia "Advanced Platform-Level Interrupt Controller (APLIC)"
 */

import {
  type AccessBytes,
  declareWords,
  type HartLines,
  type InterruptLine,
  RegisterMap,
  WordDevice,
} from '@virga/device'
import { interruptIdentities } from './imsic.ts'
import { memoryMap, plicSources } from './memory-map.ts'

const sources = plicSources
const sourceWords = Math.ceil((sources + 1) / 32)

export const aplicLayout = declareWords({
  enabledDomain: 1,
  mode: sources + 1,
  target: sources + 1,
  genmsi: 1,
  pending: sourceWords,
  enabled: sourceWords,
  wires: sourceWords,
})

/** domaincfg: constant upper byte; interrupts are on; MSI delivery, which cannot be turned off. */
const domain = { constant: 0x8000_0000, interruptEnable: 1 << 8, msiMode: 1 << 2 }
/** sourcecfg: delegated, to a child that there is not. */
const delegated = 1 << 10
/** Source modes. @spec riscv-aia "Source configurations" */
const mode = { inactive: 0, detached: 1, edge1: 4, edge0: 5, level1: 6, level0: 7 } as const
const modes: readonly number[] = Object.values(mode)
const hartShift = 18
/** Fields of target and genmsi that exist: hart index, and as many bits as identities take. */
const targetMask = (0xffff_ffff << hartShift) | interruptIdentities

const registers = new RegisterMap<Aplic>([
  {
    name: 'domaincfg',
    offset: 0,
    read: (a) => a.domaincfg(),
    write: (a, v) => a.setDomaincfg(v),
  },
  {
    name: 'sourcecfg',
    offset: 4,
    count: sources,
    read: (a, i) => a.mode(i + 1),
    write: (a, v, i) => a.setSourcecfg(i + 1, v),
  },
  {
    name: 'setip',
    offset: 0x1c00,
    count: 32,
    read: (a, i) => a.bits('pending', i),
    write: (a, v, i) => a.each(i, v, (source) => a.setPending(source)),
  },
  { name: 'setipnum', offset: 0x1cdc, write: (a, v) => a.setPending(v) },
  {
    name: 'in_clrip',
    offset: 0x1d00,
    count: 32,
    read: (a, i) => a.rectifiedBits(i),
    write: (a, v, i) => a.each(i, v, (source) => a.clearPending(source)),
  },
  { name: 'clripnum', offset: 0x1ddc, write: (a, v) => a.clearPending(v) },
  {
    name: 'setie',
    offset: 0x1e00,
    count: 32,
    read: (a, i) => a.bits('enabled', i),
    write: (a, v, i) => a.each(i, v, (source) => a.setEnabled(source, true)),
  },
  { name: 'setienum', offset: 0x1edc, write: (a, v) => a.setEnabled(v, true) },
  {
    name: 'clrie',
    offset: 0x1f00,
    count: 32,
    write: (a, v, i) => a.each(i, v, (source) => a.setEnabled(source, false)),
  },
  { name: 'clrienum', offset: 0x1fdc, write: (a, v) => a.setEnabled(v, false) },
  { name: 'setipnum_le', offset: 0x2000, write: (a, v) => a.setPending(v) },
  { name: 'genmsi', offset: 0x3000, read: (a) => a.genmsi(), write: (a, v) => a.setGenmsi(v) },
  {
    name: 'target',
    offset: 0x3004,
    count: sources,
    read: (a, i) => a.target(i + 1),
    write: (a, v, i) => a.setTarget(i + 1, v),
  },
])

export class Aplic extends WordDevice {
  private readonly harts: number
  private readonly lines: HartLines

  constructor(words: Int32Array, harts: number, lines: HartLines) {
    const { base, bytes } = memoryMap.aplic
    super({ name: 'aplic0', kind: 'aplic', version: 1, base, bytes, widths: [4] }, aplicLayout, words)
    this.harts = harts
    this.lines = lines
  }

  load(offset: number, _bytes: AccessBytes): number {
    return registers.load(this, offset)
  }

  store(offset: number, _bytes: AccessBytes, value: number): void {
    registers.store(this, offset, value)
  }

  /** The wire that a device drives: `source` is 1 to `plicSources`. */
  source(source: number): InterruptLine {
    return { set: (level) => this.setWire(source, level) }
  }

  domaincfg(): number {
    const enabled = this.get(aplicLayout.at.enabledDomain) === 0 ? 0 : domain.interruptEnable
    return domain.constant | domain.msiMode | enabled
  }

  setDomaincfg(value: number): void {
    this.set(aplicLayout.at.enabledDomain, (value & domain.interruptEnable) === 0 ? 0 : 1)
    this.forwardAll()
  }

  mode(source: number): number {
    return this.get(aplicLayout.at.mode + source)
  }

  setSourcecfg(source: number, value: number): void {
    const wanted = value & 7
    const next = (value & delegated) !== 0 || !modes.includes(wanted) ? mode.inactive : wanted
    this.set(aplicLayout.at.mode + source, next)
    if (next === mode.inactive) {
      this.flag('pending', source, false)
      this.flag('enabled', source, false)
      this.set(aplicLayout.at.target + source, 0)
    } else if (this.isLevel(source)) {
      this.flag('pending', source, this.rectified(source))
      this.forward(source)
    }
  }

  target(source: number): number {
    return this.get(aplicLayout.at.target + source)
  }

  setTarget(source: number, value: number): void {
    if (this.isActive(source)) this.set(aplicLayout.at.target + source, value & targetMask)
  }

  /** The extempore message is sent at once, so it is never busy. */
  genmsi(): number {
    return this.get(aplicLayout.at.genmsi)
  }

  setGenmsi(value: number): void {
    this.set(aplicLayout.at.genmsi, value & targetMask)
    this.send(value & targetMask)
  }

  /** By a write: a level-sensitive source only while its input is high. */
  setPending(source: number): void {
    if (!this.isActive(source) || (this.isLevel(source) && !this.rectified(source))) return
    this.flag('pending', source, true)
    this.forward(source)
  }

  clearPending(source: number): void {
    if (this.isActive(source)) this.flag('pending', source, false)
  }

  setEnabled(source: number, value: boolean): void {
    if (!this.isActive(source)) return
    this.flag('enabled', source, value)
    this.forward(source)
  }

  /** 32 bits of a map, from source 32·`word` on. */
  bits(map: 'pending' | 'enabled', word: number): number {
    return word < sourceWords ? this.get(aplicLayout.at[map] + word) : 0
  }

  rectifiedBits(word: number): number {
    let bits = 0
    for (let bit = 0; bit < 32; bit++) if (this.rectified(32 * word + bit)) bits |= 1 << bit
    return bits
  }

  /** Calls `action` for each source of `word` whose bit is set. */
  each(word: number, bits: number, action: (source: number) => void): void {
    for (let bit = 0; bit < 32; bit++) if ((bits & (1 << bit)) !== 0) action(32 * word + bit)
  }

  private setWire(source: number, level: boolean): void {
    const before = this.rectified(source)
    this.flag('wires', source, level)
    const after = this.rectified(source)
    if (before === after) return
    if (after) this.flag('pending', source, true)
    else if (this.isLevel(source)) this.flag('pending', source, false)
    this.forward(source)
  }

  private isActive(source: number): boolean {
    return source >= 1 && source <= sources && this.mode(source) !== mode.inactive
  }

  private isLevel(source: number): boolean {
    return this.mode(source) >= mode.level1
  }

  /** The wire as its mode sees it; low for a source that has no use for it. */
  private rectified(source: number): boolean {
    if (source < 1 || source > sources || this.mode(source) < mode.edge1) return false
    const inverted = (this.mode(source) & 1) !== 0
    return this.flagged('wires', source) !== inverted
  }

  private forwardAll(): void {
    for (let source = 1; source <= sources; source++) this.forward(source)
  }

  private forward(source: number): void {
    const on = this.get(aplicLayout.at.enabledDomain) !== 0
    if (!on || !this.flagged('pending', source) || !this.flagged('enabled', source)) return
    this.flag('pending', source, false)
    this.send(this.target(source))
  }

  private send(target: number): void {
    const hart = target >>> hartShift
    const identity = target & interruptIdentities
    if (hart < this.harts && identity !== 0) this.lines.message(hart, identity)
  }

  private flagged(map: 'pending' | 'enabled' | 'wires', source: number): boolean {
    return (this.get(aplicLayout.at[map] + (source >> 5)) & (1 << (source & 31))) !== 0
  }

  private flag(map: 'pending' | 'enabled' | 'wires', source: number, value: boolean): void {
    const index = aplicLayout.at[map] + (source >> 5)
    const bit = 1 << (source & 31)
    this.set(index, value ? this.get(index) | bit : this.get(index) & ~bit)
  }
}
