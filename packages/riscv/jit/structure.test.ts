/** Arrangements of small graphs, written out. */

import { describe, expect, it } from 'vitest'
import { arrange, type Item } from './structure.ts'

/** Text of an arrangement: a loop is [headers: body]. */
function render(items: readonly Item[]): string {
  return items
    .map((item) =>
      item.kind === 'block' ? `${item.block}` : `[${item.headers.join()}: ${render(item.body)}]`,
    )
    .join(' ')
}

describe('arrange', () => {
  it.each([
    ['a line', [[1], [2], []], [0], '0 1 2'],
    ['a diamond, each before where it leads', [[1, 2], [3], [3], []], [0], '0 2 1 3'],
    ['a loop to itself', [[0, 1], []], [0], '[0: 0] 1'],
    ['a loop of two', [[1], [0, 2], []], [0], '[0: 0 1] 2'],
    ['a loop in a loop', [[1], [1, 2], [0, 3], []], [0], '[0: 0 [1: 1] 2] 3'],
    ['a loop entered in the middle: two headers', [[1], [2], [0, 3], []], [0, 2], '[0,2: 0 1 2] 3'],
    [
      'an entry in the outer loop leaves the inner one whole',
      [[1], [1, 2], [3], [0]],
      [0, 3],
      '[0,3: 0 [1: 1] 2 3]',
    ],
    ['blocks that nothing leads to are left out', [[], []], [0], '0'],
  ] as const)('%s', (_name, graph, entries, expected) => {
    expect(render(arrange(graph, entries))).toBe(expected)
  })

  it('puts every block that can be reached in exactly one place', () => {
    const graph = [[1, 2], [3, 4], [4, 1], [2, 5], [0, 5], [6, 3], []]
    const flat = (items: readonly Item[]): number[] =>
      items.flatMap((item) => (item.kind === 'block' ? [item.block] : flat(item.body)))
    expect(flat(arrange(graph, [0, 4, 5])).sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6])
  })
})
