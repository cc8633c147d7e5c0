/** The bridge as a function of its own bus, which `lspci` lists first: it has no registers beyond its header. */

import { PciFunction, type PciFunctionPlan, type PciWires, pciFunctionWords } from './pci-function.ts'

/** As QEMU's generic host bridge says it, so that tools know its name. */
const plan: PciFunctionPlan = {
  vendorId: 0x1b36,
  deviceId: 0x0008,
  revision: 0,
  classCode: 0x060000,
  subsystemVendorId: 0x1af4,
  subsystemId: 0x1100,
  bars: [],
  capabilities: [],
  interruptPin: 0,
}

export class RootFunction extends PciFunction {
  /** Words of state. */
  static readonly words = pciFunctionWords(plan) + 1

  constructor(words: Int32Array, wires: PciWires) {
    super({ name: 'pci0', kind: 'pci-root', version: 1 }, plan, { words, ownWords: 0, wires })
  }
}
