/** Guest page tables for tests: built in the hart's guest memory, from 0x8020_0000 up. */
import { pte, type TestHart } from './hart.ts'

/** The modes of satp that translate, with the number of levels. */
export const modes = {
  sv39: { mode: 8, levels: 3 },
  sv48: { mode: 9, levels: 4 },
  sv57: { mode: 10, levels: 5 },
} as const
export type Mode = keyof typeof modes

const tablesBase = 0x8020_0000
const nextTables = new WeakMap<TestHart, number>()

/** An empty address space in `mode`; more than one can be made on a hart. */
export function makeTables(hart: TestHart, mode: Mode, asid = 0) {
  const { levels, mode: number } = modes[mode]
  const allocate = () => {
    const table = nextTables.get(hart) ?? tablesBase
    nextTables.set(hart, table + 4096)
    return table
  }
  const root = allocate()
  /** Guest-physical address of the entry for `va` at `level` (0 = 4 KiB), making tables above it. */
  function slot(va: bigint, level = 0): number {
    let table = root
    for (let at = levels - 1; ; at--) {
      const entry = table + Number((va >> BigInt(12 + 9 * at)) & 511n) * 8
      if (at === level) return entry
      if (hart.read(entry) === 0n) hart.write(entry, (BigInt(allocate()) >> 2n) | pte.V)
      table = Number((hart.read(entry) >> 10n) << 12n)
    }
  }
  const satp = (BigInt(number) << 60n) | (BigInt(asid) << 44n) | (BigInt(root) >> 12n)
  return {
    satp,
    root,
    slot,
    /** Maps `va` to guest-physical `pa` by a leaf at `level` with `bits`; returns where the entry is. */
    map(va: bigint, pa: number | bigint, bits: bigint, level = 0): number {
      const entry = slot(va, level)
      hart.write(entry, (BigInt(pa) >> 2n) | bits)
      return entry
    },
    /** Makes this the current address space. */
    use(): void {
      hart.outcome(() => hart.call('csr', 0x180, 0, satp, 3))
    },
  }
}
