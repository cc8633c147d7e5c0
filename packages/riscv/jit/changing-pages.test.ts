/** Which changing code is worth compiling. */

import { describe, expect, it } from 'vitest'
import { ChangingPages } from './changing-pages.ts'

const frame = 0x4000

/** How often a place must get hot until it is time, after `changes` changes; undefined when `patience` is not enough. */
function waitAfter(changes: number, patience: number): number | undefined {
  const pages = new ChangingPages()
  for (let hash = 0; hash < changes; hash++) pages.isWorthwhile(frame, hash, hash)
  const epoch = changes
  for (let hot = 1; hot <= patience; hot++) {
    if (pages.isTooEarly(frame, epoch)) continue
    if (pages.isWorthwhile(frame, epoch, changes)) return hot
  }
  return undefined
}

describe('a page', () => {
  it.each([
    [0, 1],
    [1, 1],
    [4, 1],
    [5, 2],
    [6, 4],
    [10, 64],
    [14, 1024],
    [5000, 1024],
  ])('that changed %i times is worth it when it got hot %i times', (changes, hot) => {
    expect(waitAfter(changes, 2000)).toBe(hot)
  })

  it('whose code stays the same has not changed, whatever its epoch', () => {
    const pages = new ChangingPages()
    for (let epoch = 0; epoch < 100; epoch++) expect(pages.isWorthwhile(frame, epoch, 7)).toBe(true)
  })

  it('does not make others wait', () => {
    const pages = new ChangingPages()
    for (let hash = 0; hash < 100; hash++) pages.isWorthwhile(frame, hash, hash)
    expect(pages.isWorthwhile(frame + 4096, 0, 7)).toBe(true)
    expect([pages.isRestless(frame), pages.isRestless(frame + 4096)]).toEqual([true, false])
  })
})
