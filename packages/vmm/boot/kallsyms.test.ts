/** The kernel's own symbols: images without them, damaged ones, and good ones. */

import { describe, expect, it } from 'vitest'
import { readKallsyms } from './kallsyms.ts'
import { buildKallsyms, type KallsymsFixture } from './kallsyms-fixture.ts'

const base = 0xffff_ffff_8000_0000n
const few: KallsymsFixture = {
  base,
  symbols: [
    [0, 'T', '_start'],
    [0x2000, 't', 'sys_read'],
    [0x2abc, 'T', 'handle_exception'],
    [0x9000, 'D', 'init_task'],
  ],
}

describe('an image without good tables has no symbols:', () => {
  const damaged = (change: (view: DataView, at: ReturnType<typeof buildKallsyms>['at']) => void) => {
    const { bytes, at } = buildKallsyms(few)
    change(new DataView(bytes.buffer), at)
    return bytes
  }
  it.each([
    ['nothing', new Uint8Array(0)],
    ['zeros', new Uint8Array(8192)],
    ['only the digits', new TextEncoder().encode([...'0123456789', ''].join('\0'))],
    ['a token index that disagrees', damaged((view, at) => view.setUint16(at.tokenIndex + 20, 7, true))],
    ['no first marker', damaged((view, at) => view.setUint32(at.markers, 1, true))],
    ['another number of names', damaged((view, at) => view.setUint32(at.count, 700, true))],
    ['cut off behind the tokens', buildKallsyms(few).bytes.subarray(0, buildKallsyms(few).at.tokenIndex)],
  ])('%s', (_, image) => expect(readKallsyms(image)).toEqual([]))
})

describe('an image with tables', () => {
  it('gives address, kind and name of each symbol', () => {
    expect(readKallsyms(buildKallsyms(few).bytes)).toEqual([
      { address: base, kind: 'T', name: '_start' },
      { address: base + 0x2000n, kind: 't', name: 'sys_read' },
      { address: base + 0x2abcn, kind: 'T', name: 'handle_exception' },
      { address: base + 0x9000n, kind: 'D', name: 'init_task' },
    ])
  })

  it('may have the digits elsewhere before, and names of any length', () => {
    const symbols = Array.from(
      { length: 1000 },
      (_, i) => [i * 16, 'T', `f${i}${'x'.repeat(i % 300)}`] as const,
    )
    const before = new Uint8Array(4096)
    before.set(new TextEncoder().encode([...'0123456789', ''].join('\0')), 1000)
    const found = readKallsyms(buildKallsyms({ base, symbols, before }).bytes)
    expect(found.map(({ name }) => name)).toEqual(symbols.map(([, , name]) => name))
    expect(found.at(-1)?.address).toBe(base + 999n * 16n)
  })
})
