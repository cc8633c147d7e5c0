/**
 * The arena that a test hart lives in, made by hand: guest memory of 4 MiB at 0x8000_0000 behind a SLAT whose frames
 * are not in order, so that a forgotten translation shows.
 *
 * ```
 *  0x010000 hart block     0x0c0000 code map      0x0d0000 decoded pages
 *  0x120000 SLAT tables    0x200000 guest memory  (guest page n is frame n XOR 1)
 * ```
 */
import { hartFields, hartOffset } from '../../hart/layout.ts'

/** Size of the arena in pages of 64 KiB. */
export const arenaPages = 112
/** Where its parts are. */
export const at = {
  hart: 0x10000,
  codeMap: 0xc0000,
  codePages: 0xd0000,
  slat: 0x120000,
  ram: 0x200000,
} as const

/** Where guest memory is, in guest-physical addresses. */
export const ramBase = 0x8000_0000
const ramPages = 1024
/** Decoded page slots: few, so that tests see them evicted. */
export const codeSlots = 8

/** Page table entry bits. */
export const pte = {
  V: 1n,
  R: 2n,
  W: 4n,
  X: 8n,
  U: 16n,
  G: 32n,
  A: 64n,
  D: 128n,
  N: 1n << 63n,
  PBMT: 1n << 61n,
} as const
/** A leaf that a kernel can read, write and execute, already accessed and dirty. */
export const kernelLeaf = pte.V | pte.R | pte.W | pte.X | pte.A | pte.D
/** The same for user programs. */
export const userLeaf = kernelLeaf | pte.U
const slatLeaf = userLeaf

const fieldTypes = new Map(hartFields.map((field) => [field.name, field.type]))

/** The fields of the hart block by name; those of 64 bits are unsigned, those of 32 bits signed. */
export function hartState(view: DataView) {
  function addressOf(name: string, index: number): number {
    const offset = hartOffset[name]
    if (offset === undefined) throw new Error(`no field ${name}`)
    return at.hart + offset + index * (fieldTypes.get(name) === 'i64' ? 8 : 4)
  }
  return {
    get(name: string, index = 0): bigint {
      const address = addressOf(name, index)
      return fieldTypes.get(name) === 'i64'
        ? view.getBigUint64(address, true)
        : BigInt(view.getInt32(address, true))
    },
    set(name: string, value: bigint | number, index = 0): void {
      const address = addressOf(name, index)
      if (fieldTypes.get(name) === 'i64') {
        view.setBigUint64(address, BigInt.asUintN(64, BigInt(value)), true)
      } else view.setInt32(address, Number(value), true)
    },
  }
}

/** Maps guest memory by 4 KiB leaves; entries can be changed afterwards. */
export function makeSlat(view: DataView) {
  const [root, second, third, leaves] = [at.slat, at.slat + 0x4000, at.slat + 0x5000, at.slat + 0x6000]
  const pointer = (table: number) => BigInt(((table >>> 12) << 10) | 1)
  const frameOf = (page: number) => at.ram + (page ^ 1) * 4096
  view.setBigUint64(root, pointer(second), true)
  view.setBigUint64(second + (ramBase / 2 ** 30) * 8, pointer(third), true)
  for (let table = 0; table < ramPages / 512; table++) {
    view.setBigUint64(third + table * 8, pointer(leaves + table * 4096), true)
  }
  const slotOf = (gpa: number) => leaves + ((gpa - ramBase) >>> 12) * 8
  const leafOf = (page: number, bits: bigint) => (BigInt(frameOf(page)) >> 2n) | bits
  for (let page = 0; page < ramPages; page++)
    view.setBigUint64(leaves + page * 8, leafOf(page, slatLeaf), true)
  return {
    frameOf,
    /** The SLAT leaf of `gpa`. */
    get: (gpa: number) => view.getBigUint64(slotOf(gpa), true),
    /** Maps the page of `gpa` with these bits; 0n unmaps it. */
    set(gpa: number, bits: bigint): void {
      view.setBigUint64(slotOf(gpa), bits === 0n ? 0n : leafOf((gpa - ramBase) >>> 12, bits), true)
    },
    /** Makes the 2 MiB at `gpa` one leaf on arena address `arena`. */
    setLarge(gpa: number, arena: number, bits: bigint): void {
      view.setBigUint64(third + ((gpa - ramBase) >>> 21) * 8, (BigInt(arena) >> 2n) | bits, true)
    },
  }
}
