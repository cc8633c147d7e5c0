/**
 * The finisher: a register by which a guest ends its machine. @spec sifive-test "Test Finisher"
 *
 * Why: the simplest power switch there is; Linux drives it through its syscon drivers, test programs with one store.
 * Invariants: the first outcome stays until the machine is reset. The device only records it and rings; stopping harts is
 * the machine's business.
 */

import type { AccessBytes, Doorbell } from '@virga/device'
import { declareWords, WordDevice } from '@virga/device'
import { memoryMap } from './memory-map.ts'

/** How a guest ended its machine, if it did. */
export type Outcome =
  | { readonly kind: 'none' }
  | { readonly kind: 'poweroff' }
  | { readonly kind: 'reset' }
  | { readonly kind: 'fail'; readonly code: number }

/** What is written to the register: fail carries its code in the upper half. */
export const finisherCommand = { poweroff: 0x5555, fail: 0x3333, reset: 0x7777 } as const

const layout = declareWords({ outcome: 1, code: 1 })
/** Numbers in the outcome word. */
const kinds = ['none', 'poweroff', 'reset', 'fail'] as const

export class Finisher extends WordDevice {
  static readonly layout = layout
  private readonly doorbell: Doorbell

  constructor(words: Int32Array, doorbell: Doorbell) {
    const { base, bytes } = memoryMap.finisher
    super({ name: 'finisher0', kind: 'finisher', version: 1, base, bytes, widths: [2, 4] }, layout, words)
    this.doorbell = doorbell
  }

  load(_offset: number, _bytes: AccessBytes): number {
    return 0
  }

  store(offset: number, _bytes: AccessBytes, value: number): void {
    if (offset !== 0) return
    const command = value & 0xffff
    if (command === finisherCommand.poweroff) this.finish({ kind: 'poweroff' })
    else if (command === finisherCommand.reset) this.finish({ kind: 'reset' })
    else if (command === finisherCommand.fail) this.finish({ kind: 'fail', code: value >>> 16 })
  }

  /** Records how the machine ended, unless it has already. Under the bus lock. */
  finish(outcome: Exclude<Outcome, { kind: 'none' }>): void {
    if (this.outcome().kind !== 'none') return
    this.set(layout.at.code, outcome.kind === 'fail' ? outcome.code : 0)
    Atomics.store(this.words, layout.at.outcome, kinds.indexOf(outcome.kind))
    this.doorbell.ring()
  }

  /** How the machine ended. Needs no lock. */
  outcome(): Outcome {
    const kind = kinds[Atomics.load(this.words, layout.at.outcome)] ?? 'none'
    return kind === 'fail' ? { kind, code: this.get(layout.at.code) } : { kind }
  }

  protected override defect(): string | undefined {
    return kinds[this.get(layout.at.outcome)] === undefined ? 'unknown outcome' : undefined
  }
}
