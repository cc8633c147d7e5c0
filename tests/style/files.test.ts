/** Names, lengths and leftovers, and that each rule finds what it is for. */
import { describe, expect, it } from 'vitest'
import {
  filesAreShort,
  linesMax,
  namesSaySomething,
  noTestIsConditional,
  nothingIsLeftOpen,
  testsAreRun,
} from './files.ts'
import { readTree, sampleTree } from './tree.ts'

const tree = readTree()
const lines = (count: number) => 'x\n'.repeat(count)

describe('names', () => {
  it('say something', () => expect(namesSaySomething(tree)).toEqual([]))

  it.each([
    ['packages/vmm/memory-utils.ts', 'utils says nothing'],
    ['packages/vmm/helpers/walk.ts', 'helpers says nothing'],
    ['packages/vmm/slat.manager.ts', 'manager says nothing'],
    ['packages/vmm/pageWalk.ts', 'is not kebab-case'],
    ['packages/vmm/page_walk.ts', 'is not kebab-case'],
    ['packages/vmm/Memory/walk.ts', 'is not kebab-case'],
  ])('refuse %s', (path, fault) => {
    expect(namesSaySomething(sampleTree({ [path]: '' }))).toEqual([expect.stringContaining(fault)])
  })

  it('allow the names others chose', () => {
    const files = {
      'README.md': '',
      '.gitignore': '',
      '.ci/run': '',
      'docs/rfd/0001-how.md': '',
      'a/plic-1.0.test.ts': '',
    }
    expect(namesSaySomething(sampleTree(files))).toEqual([])
  })
})

describe('lengths', () => {
  it('are bounded', () => expect(filesAreShort(tree)).toEqual([]))

  it.each([
    ['packages/vmm/slat.ts', linesMax.source],
    ['packages/riscv/runtime/walk.ts', linesMax.source],
    ['packages/vmm/slat.test.ts', linesMax.table],
    ['packages/riscv/isa/opcode-table.ts', linesMax.table],
    ['packages/vmm/index.ts', linesMax.frontDoor],
  ])('of %s end at %i lines', (path, max) => {
    expect(filesAreShort(sampleTree({ [path]: lines(max) }))).toEqual([])
    expect(filesAreShort(sampleTree({ [path]: lines(max + 1) }))).toEqual([
      `${path}: ${max + 1} lines, at most ${max}`,
    ])
  })
})

describe('test files', () => {
  it('are all run', () => expect(testsAreRun(tree)).toEqual([]))

  it('are found where none is looked for', () => {
    const files = { 'tests/other/a.test.ts': '', 'packages/vmm/a.spec.ts': '', 'packages/vmm/a.test.ts': '' }
    expect(testsAreRun(sampleTree(files)).map((line) => line.split(':')[0])).toEqual([
      'tests/other/a.test.ts',
      'packages/vmm/a.spec.ts',
    ])
  })

  it('run without condition', () => expect(noTestIsConditional(tree)).toEqual([]))

  it.each([`it.skip${''}If(!qemu)('x', f)`, `describe.skip${''}('x', f)`, `it.to${''}do('x')`])(
    'refuse %s',
    (text) => {
      expect(noTestIsConditional(sampleTree({ 'packages/vmm/a.test.ts': text }))).toHaveLength(1)
      expect(noTestIsConditional(sampleTree({ 'packages/vmm/a.test.ts': `// ${text}` }))).toEqual([])
    },
  )
})

describe('leftovers', () => {
  it('are none', () => expect(nothingIsLeftOpen(tree)).toEqual([]))

  it.each([`// TO${''}DO later`, `/* FIX${''}ME */`, `throw new Error('not implement${''}ed')`])(
    'refuse %s',
    (text) => {
      expect(nothingIsLeftOpen(sampleTree({ 'apps/cli/a.ts': text, 'STYLE.md': text }))).toHaveLength(1)
    },
  )
})
