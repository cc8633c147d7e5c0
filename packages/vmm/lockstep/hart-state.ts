/**
 * The part of a hart block that an engine answers for: registers, CSRs, the count of instructions. What is a cache
 * (TLBs, contexts), a statistic or an address of the arena is left out.
 * Why in words: it is copied and compared some million times in a boot.
 */

import { defined } from '@virga/base'
import { hartFields, hartOffset } from '@virga/riscv/hart'

/** One hart in the words of its arena. */
export interface HartPlace {
  readonly i32: Int32Array
  /** arena address of the block */
  readonly address: number
}

/** A register that the two do not agree on. */
export interface FieldDifference {
  /** as in hart/layout.ts */
  readonly field: string
  readonly index: number
  readonly first: bigint
  readonly second: bigint
}

/** Compared after each slice, and copied before it. */
const compared =
  `x f pc prv reservationValid fflags frm mip mstatus medeleg mideleg mie mtvec mscratch mepc mcause mtval
  menvcfg mseccfg mcounteren mcountinhibit stvec sscratch sepc scause stval senvcfg scounteren satp stimecmp mcycle
  minstret retired mhpmcounter mhpmevent pmpcfg pmpaddr`.split(/\s+/)
/** Copied only: they are the host's. */
const copied = ['lines', 'requests', 'pmpActive']

type Range = readonly [firstWord: number, endWord: number]

/** Word offsets of fields, neighbours joined. */
function rangesOf(names: readonly string[]): Range[] {
  const ranges: [number, number][] = []
  const fields = names.map((name) =>
    defined(
      hartFields.find((field) => field.name === name),
      name,
    ),
  )
  for (const { offset, type, count } of fields.toSorted((a, b) => a.offset - b.offset)) {
    const first = offset / 4
    const end = first + count * (type === 'i64' ? 2 : 1)
    const last = ranges.at(-1)
    if (last !== undefined && last[1] === first) last[1] = end
    else ranges.push([first, end])
  }
  return ranges
}

const comparedRanges = rangesOf(compared)
const copiedRanges = rangesOf([...compared, ...copied])
const word = (name: string) => defined(hartOffset[name], name) / 4
const reservationValid = word('reservationValid')
const reservationAddr = word('reservationAddr')
const reservationValue = word('reservationValue')
const pageMask = 0xfff

/** Makes the state of `to` that of `from`. */
export function copyState(from: HartPlace, to: HartPlace): void {
  const [a, b] = [from.address >>> 2, to.address >>> 2]
  for (const [first, end] of copiedRanges) {
    for (let i = first; i < end; i++) to.i32[b + i] = from.i32[a + i] ?? 0
  }
}

/** Whether both are in the same state. */
export function isSameState(one: HartPlace, other: HartPlace): boolean {
  const [a, b] = [one.address >>> 2, other.address >>> 2]
  for (const [first, end] of comparedRanges) {
    for (let i = first; i < end; i++) if (one.i32[a + i] !== other.i32[b + i]) return false
  }
  return one.i32[a + reservationValid] === 0 || isSameReservation(one, other)
}

/** Frames may have other addresses in the other arena, but a place in its page is the same. */
function isSameReservation(one: HartPlace, other: HartPlace): boolean {
  const [a, b] = [one.address >>> 2, other.address >>> 2]
  const addresses = (one.i32[a + reservationAddr] ?? 0) ^ (other.i32[b + reservationAddr] ?? 0)
  return (addresses & pageMask) === 0 && one.i32[a + reservationValue] === other.i32[b + reservationValue]
}

/** What differs, field by field. */
export function stateDifferences(one: HartPlace, other: HartPlace): FieldDifference[] {
  const differences: FieldDifference[] = []
  for (const field of compared) {
    const { count } = defined(
      hartFields.find(({ name }) => name === field),
      field,
    )
    for (let index = 0; index < count; index++) {
      const [first, second] = [readField(one, field, index), readField(other, field, index)]
      if (first !== second) differences.push({ field, index, first, second })
    }
  }
  if (readField(one, 'reservationValid') === 1n && !isSameReservation(one, other)) {
    for (const field of ['reservationAddr', 'reservationValue']) {
      differences.push({ field, index: 0, first: readField(one, field), second: readField(other, field) })
    }
  }
  return differences
}

/** A field's value, unsigned. */
export function readField({ i32, address }: HartPlace, name: string, index = 0): bigint {
  const { offset, type } = defined(
    hartFields.find((field) => field.name === name),
    name,
  )
  const at = (address + offset) / 4 + index * (type === 'i64' ? 2 : 1)
  const low = BigInt((i32[at] ?? 0) >>> 0)
  return type === 'i64' ? (BigInt((i32[at + 1] ?? 0) >>> 0) << 32n) | low : low
}
