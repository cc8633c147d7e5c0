/**
 * Platform-level interrupt controller. @spec riscv-plic "Memory Map"
 *
 * ```
 *   device wire ──► gateway ──► pending ──┐  per context: enable, threshold
 *                     ▲                   ├──► context 2·hart   ──► MEI of the hart
 *                     └── complete ◄──────┴──► context 2·hart+1 ──► SEI of the hart
 * ```
 * Level-triggered gateways: a high wire makes its source pending once; claiming takes that back, and the source stays
 * silent until the claim is completed; a wire still high then makes it pending again. A pending source whose wire fell
 * before it was claimed stays pending, as the specification has it.
 * Invariants: called under the bus lock, so of several harts that claim at once one gets the source and the others
 * get zero or another; a context's wire is high exactly while it has a pending, enabled source above its threshold.
 */

import type { AccessBytes, HartLines, InterruptLine } from '@virga/device'
import { declareWords, RegisterMap, WordDevice, type WordLayout } from '@virga/device'
import { memoryMap, plicSources } from './memory-map.ts'

const sourceWords = Math.ceil((plicSources + 1) / 32)
/** Bits that exist in priorities and thresholds. */
const priorityMask = 7

/** State of a PLIC for `harts` harts. */
export function plicLayout(harts: number) {
  return declareWords({
    priority: plicSources + 1,
    pending: sourceWords,
    wires: sourceWords,
    claimed: sourceWords,
    enable: 2 * harts * sourceWords,
    threshold: 2 * harts,
    notified: Math.ceil((2 * harts) / 32),
  })
}

type Fields = ReturnType<typeof plicLayout> extends WordLayout<infer Name> ? Name : never

/** Source `index` of word `word` of a bitmap, as bits that exist: source 0 does not. */
const existing = (word: number) => {
  const above = plicSources - 32 * word
  return (above >= 31 ? -1 : 2 ** (above + 1) - 1) & (word === 0 ? ~1 : -1)
}

function plicRegisters(contexts: number): RegisterMap<Plic> {
  return new RegisterMap<Plic>([
    {
      name: 'priority',
      offset: 4,
      count: plicSources,
      read: (p, i) => p.priority(i + 1),
      write: (p, v, i) => p.setPriority(i + 1, v),
    },
    { name: 'pending', offset: 0x1000, count: sourceWords, read: (p, i) => p.pending(i) },
    {
      name: 'enable',
      offset: 0x2000,
      count: contexts * 32,
      read: (p, i) => p.enabled(i >> 5, i & 31),
      write: (p, v, i) => p.setEnabled(i >> 5, i & 31, v),
    },
    {
      name: 'threshold',
      offset: 0x20_0000,
      count: contexts,
      stride: 0x1000,
      read: (p, i) => p.threshold(i),
      write: (p, v, i) => p.setThreshold(i, v),
    },
    {
      name: 'claim/complete',
      offset: 0x20_0004,
      count: contexts,
      stride: 0x1000,
      read: (p, i) => p.claim(i),
      write: (p, v, i) => p.complete(i, v),
    },
  ])
}

export class Plic extends WordDevice {
  private readonly at: Readonly<Record<Fields, number>>
  private readonly contexts: number
  private readonly lines: HartLines
  private readonly registers: RegisterMap<Plic>

  constructor(words: Int32Array, harts: number, lines: HartLines) {
    const { base, bytes } = memoryMap.plic
    const layout = plicLayout(harts)
    super({ name: 'plic0', kind: 'plic', version: 1, base, bytes, widths: [4] }, layout, words)
    this.at = layout.at
    this.contexts = 2 * harts
    this.lines = lines
    this.registers = plicRegisters(this.contexts)
  }

  load(offset: number, _bytes: AccessBytes): number {
    return this.registers.load(this, offset)
  }

  store(offset: number, _bytes: AccessBytes, value: number): void {
    this.registers.store(this, offset, value)
  }

  /** The wire that a device drives: `source` is 1 to `plicSources`. */
  source(source: number): InterruptLine {
    return { set: (level) => this.setWire(source, level) }
  }

  priority(source: number): number {
    return this.get(this.at.priority + source)
  }

  setPriority(source: number, value: number): void {
    this.set(this.at.priority + source, value & priorityMask)
    this.notify()
  }

  pending(word: number): number {
    return this.get(this.at.pending + word)
  }

  enabled(context: number, word: number): number {
    return word < sourceWords ? this.get(this.at.enable + context * sourceWords + word) : 0
  }

  setEnabled(context: number, word: number, bits: number): void {
    if (word >= sourceWords) return
    this.set(this.at.enable + context * sourceWords + word, bits & existing(word))
    this.notify()
  }

  threshold(context: number): number {
    return this.get(this.at.threshold + context)
  }

  setThreshold(context: number, value: number): void {
    this.set(this.at.threshold + context, value & priorityMask)
    this.notify()
  }

  /** Takes the best pending source that the context has enabled, whatever its threshold; 0 when there is none. */
  claim(context: number): number {
    const source = this.best(context)
    if (source !== 0) {
      this.flag('pending', source, false)
      this.flag('claimed', source, true)
      this.notify()
    }
    return source
  }

  /** Ends the service of `source`. Ignored unless the context has the source enabled and it is claimed. */
  complete(context: number, source: number): void {
    if (source < 1 || source > plicSources) return
    const bit = 1 << (source & 31)
    if ((this.enabled(context, source >> 5) & bit) === 0 || !this.flagged('claimed', source)) return
    this.flag('claimed', source, false)
    if (this.flagged('wires', source)) this.flag('pending', source, true)
    this.notify()
  }

  protected override drive(): void {
    for (let context = 0; context < this.contexts; context++) {
      this.send(context, (this.get(this.at.notified + (context >> 5)) & (1 << (context & 31))) !== 0)
    }
    this.notify()
  }

  private setWire(source: number, level: boolean): void {
    if (this.flagged('wires', source) === level) return
    this.flag('wires', source, level)
    if (!level || this.flagged('claimed', source)) return
    this.flag('pending', source, true)
    this.notify()
  }

  /** The pending, enabled source of highest priority; of equals the lowest; 0 when there is none. */
  private best(context: number): number {
    let best = 0
    let bestPriority = 0
    for (let word = 0; word < sourceWords; word++) {
      let bits = this.pending(word) & this.enabled(context, word)
      while (bits !== 0) {
        const bit = 31 - Math.clz32(bits & -bits)
        bits &= bits - 1
        const priority = this.priority(32 * word + bit)
        if (priority > bestPriority) {
          best = 32 * word + bit
          bestPriority = priority
        }
      }
    }
    return best
  }

  /** Drives the wires of the contexts whose answer changed. */
  private notify(): void {
    for (let context = 0; context < this.contexts; context++) {
      const best = this.best(context)
      const level = best !== 0 && this.priority(best) > this.threshold(context)
      const index = this.at.notified + (context >> 5)
      const bit = 1 << (context & 31)
      if (((this.get(index) & bit) !== 0) === level) continue
      this.set(index, this.get(index) ^ bit)
      this.send(context, level)
    }
  }

  private send(context: number, level: boolean): void {
    this.lines.set(context >> 1, (context & 1) === 0 ? 'MEI' : 'SEI', level)
  }

  private flagged(map: 'pending' | 'claimed' | 'wires', source: number): boolean {
    return (this.get(this.at[map] + (source >> 5)) & (1 << (source & 31))) !== 0
  }

  private flag(map: 'pending' | 'claimed' | 'wires', source: number, value: boolean): void {
    const index = this.at[map] + (source >> 5)
    const bit = 1 << (source & 31)
    this.set(index, value ? this.get(index) | bit : this.get(index) & ~bit)
  }
}
