/** Paths as text: loops once, the last writes marked, what is not there any more, and no end of lines. */

import { describe, expect, it } from 'vitest'
import { pathText } from './path-text.ts'

const base = 0x8000_0000n
/** c.addi a0,1; addi a1,a0,4; bne a0,a1,.-6; sd a1,0(a0) */
const halfwords = [0x0505, 0x0593, 0x0045, 0x1de3, 0xfeb5, 0x3023, 0x00b5]
const halfword = (address: bigint) => halfwords[Number(address - base) / 2]
const [add, addi, branch, store] = [base, base + 2n, base + 6n, base + 10n]

describe('a path', () => {
  it('tells a loop once, with how often it ran', () => {
    const pcs = [add, addi, branch, add, addi, branch, add, addi, branch, store]
    expect(pathText({ pcs, halfword, wrong: new Set() })).toEqual([
      '  (2 times)',
      '  0000000080000000  c.addi a0,1',
      '  0000000080000002  addi a1,a0,4',
      '  0000000080000006  bne a0,a1,0x80000000',
      '',
      '  0000000080000000  c.addi a0,1',
      '  0000000080000002  addi a1,a0,4',
      '  0000000080000006  bne a0,a1,0x80000000',
      '  000000008000000a  sd a1,0(a0)',
    ])
  })

  it('marks the last write of what is wrong, and no store', () => {
    const pcs = [add, addi, branch, store]
    const marked = pathText({ pcs, halfword, wrong: new Set(['a0', 'a1', 'mepc']) }).filter((line) =>
      line.includes('◄'),
    )
    expect(marked).toEqual([
      `  0000000080000000  c.addi a0,1${' '.repeat(25)}  ◄ a0`,
      `  0000000080000002  addi a1,a0,4${' '.repeat(24)}  ◄ a1`,
    ])
  })

  it('says what is not mapped any more', () => {
    expect(pathText({ pcs: [0x1000n], halfword: () => undefined, wrong: new Set() })).toEqual([
      '  0000000000001000  (not mapped any more)',
    ])
  })

  it('marks writes of CSRs, through their views too', () => {
    const csrrci = [0x7573, 0x1001]
    const [line] = pathText({
      pcs: [base],
      halfword: (address) => csrrci[Number(address - base) / 2],
      wrong: new Set(['mstatus', 'a0']),
    })
    expect(line).toMatch(/csrrci a0,sstatus,2 +◄ a0, mstatus$/)
  })

  it('is cut where it is long, but not where something is marked', () => {
    const pcs = Array.from({ length: 1000 }, (_, index) => base + BigInt(index * 4))
    const nops = (address: bigint) => (address === base + 2n * 4n ? 0x0505 : 0x0001)
    const lines = pathText({ pcs, halfword: nops, wrong: new Set(['a0']) })
    expect(lines.length).toBeLessThan(130)
    expect(lines.slice(0, 5)).toEqual(['  …', '', expect.stringContaining('◄ a0'), '', '  …'])
    expect(lines.at(-1)).toContain((base + 3996n).toString(16))
  })
})
