/** Which loads and stores share a look in the TLB. */

import { defined } from '@virga/base'
import { describe, expect, it } from 'vitest'
import { encode } from '../isa/encode.ts'
import { groupAccesses } from './accesses.ts'
import { placedAt } from './facts.ts'

const ld = (rd: number, rs1: number, imm: number) => encode('ld', { rd, rs1, imm })
const sd = (rs2: number, rs1: number, imm: number) => encode('sd', { rs2, rs1, imm })

/** For each access of the instructions, which stand at 0x100 of a page: the number of its group, from 0. */
function groupsOf(code: readonly number[]): number[] {
  const at = (offset: number) =>
    (defined(code[(offset - 0x100) >> 2], 'code') >>> ((offset & 2) * 8)) & 0xffff
  const placed = code.map((_, index) => defined(placedAt(at, 0x100 + index * 4), 'an instruction'))
  const groups = groupAccesses(placed)
  const distinct = [...new Set(groups.values())]
  return placed.flatMap((each) =>
    groups.has(each) ? [distinct.indexOf(defined(groups.get(each), 'group'))] : [],
  )
}

describe('accesses', () => {
  it.each([
    ['from the same register', [ld(6, 5, 0), ld(7, 5, 8), ld(8, 5, -8)], [0, 0, 0]],
    ['of different kinds', [ld(6, 5, 0), sd(7, 5, 8), ld(8, 5, 8)], [0, 1, 0]],
    ['from a register that was written', [ld(6, 5, 0), ld(5, 5, 8), ld(7, 5, 0)], [0, 0, 1]],
    ['too far apart', [ld(6, 5, 0), ld(7, 5, 256)], [0, 1]],
    [
      'of two pages, by lui',
      [
        encode('lui', { rd: 5, imm: 0x5e5 }),
        encode('addi', { rd: 5, rs1: 5, imm: -808 }),
        ld(6, 5, 816),
        ld(7, 5, 784),
      ],
      [0, 1],
    ],
    [
      'of one page, by lui',
      [
        encode('lui', { rd: 5, imm: 0x5e5 }),
        encode('addi', { rd: 5, rs1: 5, imm: -808 }),
        ld(6, 5, 816),
        ld(7, 5, 808),
      ],
      [0, 0],
    ],
    [
      'of two pages, by auipc',
      [encode('auipc', { rd: 5, imm: 3 }), ld(6, 5, -0x100), ld(7, 5, -0x108)],
      [0, 1],
    ],
    [
      'of one page, by auipc',
      [encode('auipc', { rd: 5, imm: 3 }), ld(6, 5, -0x100), ld(7, 5, -0xf8)],
      [0, 0],
    ],
    ['of two pages, around address 0', [ld(6, 0, 0), ld(7, 0, -8)], [0, 1]],
    [
      'from what is not known any more',
      [
        encode('auipc', { rd: 5, imm: 3 }),
        encode('add', { rd: 5, rs1: 5, rs2: 6 }),
        ld(6, 5, -0x100),
        ld(7, 5, -0x108),
      ],
      [0, 0],
    ],
  ])('%s', (_what, code, expected) => {
    expect(groupsOf(code)).toEqual(expected)
  })
})
