/** Whether two readers agree on what a case leaves behind. */

import type { CsrValues, Hart } from '../evaluate/index.ts'
import { type Case, layout, type Outcome, RAM_BASE } from './case.ts'

const STCE = 1n << 63n
const STIP = 1n << 5n

const hex = (value: bigint) => `0x${value.toString(16)}`

/** While stimecmp drives it, STIP is no state of its own: a reader may keep it or work it out. */
function normalised(hart: Hart, input: Case): CsrValues {
  const { csr } = hart
  const driven = ((csr.menvcfg | input.hart.csr.menvcfg) & STCE) !== 0n
  return driven ? { ...csr, mip: csr.mip & ~STIP } : csr
}

function compareLists(name: string, a: readonly bigint[], b: readonly bigint[]): string[] {
  return a.flatMap((value, index) =>
    value === b[index] ? [] : [`${name}${index}: ${hex(value)}, ${hex(b[index] ?? -1n)}`],
  )
}

function compareCsrs(a: CsrValues, b: CsrValues): string[] {
  return (Object.keys(a) as (keyof CsrValues)[]).flatMap((name) => {
    const [left, right] = [a[name], b[name]]
    if (typeof left === 'bigint' && typeof right === 'bigint') {
      return left === right ? [] : [`${name}: ${hex(left)}, ${hex(right)}`]
    }
    return Array.isArray(left) && Array.isArray(right) ? compareLists(name, left, right) : []
  })
}

/** Eight bytes at a time, since RAM is mostly equal. */
function compareRam(a: Uint8Array, b: Uint8Array, exceptTables: boolean): string[] {
  const [left, right] = [new BigUint64Array(a.buffer), new BigUint64Array(b.buffer)]
  for (let index = 0; index < left.length; index++) {
    if (left[index] === right[index]) continue
    const offset = index * 8
    if (exceptTables && offset >= layout.tables && offset < layout.tablesEnd) continue
    return [
      `eight bytes at ${hex(RAM_BASE + BigInt(offset))}: ${hex(left[index] ?? 0n)}, ${hex(right[index] ?? 0n)}`,
    ]
  }
  return []
}

function describeReservation({ reservation }: Hart): string {
  return reservation === undefined ? 'none' : `${hex(reservation.address)} ${hex(reservation.value)}`
}

/** What differs, as «field: first, second»; empty when the outcomes agree. */
export function differences(
  input: Case,
  a: Outcome,
  b: Outcome,
  options: { readonly exceptTables?: boolean } = {},
): string[] {
  const simple = (name: string, left: unknown, right: unknown) =>
    left === right ? [] : [`${name}: ${left}, ${right}`]
  return [
    ...simple('pc', hex(a.hart.pc), hex(b.hart.pc)),
    ...simple('privilege', a.hart.privilege, b.hart.privilege),
    ...simple('reservation', describeReservation(a.hart), describeReservation(b.hart)),
    ...compareLists('x', a.hart.x, b.hart.x),
    ...compareLists('f', a.hart.f, b.hart.f),
    ...compareCsrs(normalised(a.hart, input), normalised(b.hart, input)),
    ...compareRam(a.ram, b.ram, options.exceptTables === true),
  ]
}
