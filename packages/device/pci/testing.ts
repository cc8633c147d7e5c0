/** A PCI function of two BARs on a bench: for tests that play the driver. */

import { PciFunction, type PciFunctionPlan, type PciWires, pciLayout } from './pci-function.ts'

/** BAR 1 holds MSI-X, BAR 4 is a scratchpad. */
export const benchPlan: PciFunctionPlan = {
  vendorId: 0x1af4,
  deviceId: 0x1042,
  revision: 1,
  classCode: 0x018000,
  subsystemVendorId: 0x1af4,
  subsystemId: 0x1100,
  bars: [
    { index: 1, bytes: 0x1000, width: 32, prefetchable: false },
    { index: 4, bytes: 0x4000, width: 64, prefetchable: true },
  ],
  capabilities: [{ id: 9, body: Uint8Array.of(6, 1, 2, 3), writable: Uint8Array.of(0, 0, 0xff, 0) }],
  interruptPin: 1,
  msiX: { vectors: 3, bar: 1, table: 0, pending: 0x800 },
}

export class BenchFunction extends PciFunction {
  static readonly words = pciLayout(benchPlan, 1).words
  /** stores to BAR 4, in order */
  readonly stores: [offset: number, bytes: number, value: number][] = []

  constructor(words: Int32Array, wires: PciWires) {
    super({ name: 'bench', kind: 'bench', version: 1 }, benchPlan, { words, ownWords: 1, wires })
  }

  /** Vector or pin, for the tester. */
  raise(vector: number): void {
    this.raiseVector(vector)
  }

  pull(level: boolean): void {
    this.setPin(level)
  }

  protected override loadOwnBar(bar: number, offset: number): number {
    return bar === 4 ? offset : 0
  }

  protected override storeOwnBar(_bar: number, offset: number, bytes: number, value: number): void {
    this.stores.push([offset, bytes, value])
  }
}

/** A started function, with what it sent and what its pin is. */
export function createFunctionBench(words = new Int32Array(new SharedArrayBuffer(4 * BenchFunction.words))) {
  const sent: [low: number, high: number, data: number][] = []
  const state = { pin: false }
  const made: BenchFunction = new BenchFunction(words, {
    messages: { send: (low, high, data) => sent.push([low, high, data]) },
    pinChanged: () => {
      state.pin = made.pinAsserted
    },
  })
  if (made.state() === 'init') made.start()
  return { function: made, sent, state, words }
}
