/** The layers of the tree, and that each rule finds what it is for. */
import { describe, expect, it } from 'vitest'
import {
  dependenciesAreUsed,
  importsAreDeclared,
  packagesAreGivenTimeAndChance,
  packagesHaveFrontDoors,
  ranksGoDown,
  runtimeStandsAlone,
} from './layers.ts'
import { readTree, sampleTree } from './tree.ts'

const tree = readTree()
const manifest = (fields: object) => JSON.stringify(fields)

describe('ranks', () => {
  it('go down everywhere', () => expect(ranksGoDown(tree)).toEqual([]))

  it.each([
    ['up', { 'packages/base/a.ts': "import { b } from '@virga/wasm'" }, 'rank 1 is not below rank 0'],
    [
      'sideways',
      { 'packages/riscv/a.ts': "export { b } from '@virga/virtio'" },
      'rank 2 is not below rank 2',
    ],
    ['of a type', { 'packages/wasm/a.ts': "let x: import('@virga/vmm').X" }, 'rank 3 is not below rank 1'],
    ['from app to app', { 'apps/host/a.ts': "await import('@virga/cli')" }, 'rank 5 is not below rank 4'],
    ['to tests', { 'infra/a.ts': "import '../tests/framework/b.ts'" }, 'rank 7 is not below rank 6'],
    ['of a new app', { 'apps/new/a.ts': "import '@virga/base'" }, 'apps/new has no rank'],
    ['of a new package', { 'packages/new/a.ts': "import '@virga/base'" }, 'packages/new has no rank'],
    ['to a new package', { 'apps/cli/a.ts': "import '@virga/new'" }, '@virga/new, which has no rank'],
  ])('refuse an import %s', (_, files, fault) => {
    expect(ranksGoDown(sampleTree(files))).toEqual([expect.stringContaining(fault)])
  })

  it('allow an import down, and within', () => {
    const files = {
      'packages/vmm/a.ts': "import '@virga/base'\nimport './b.ts'",
      'apps/cli/a.ts': "import '@virga/host'",
      'tests/a.ts': "import '../infra/b.ts'",
    }
    expect(ranksGoDown(sampleTree(files))).toEqual([])
  })
})

describe('front doors', () => {
  it('are the only way in', () => expect(packagesHaveFrontDoors(tree)).toEqual([]))

  it('refuse a path into another package, and a door that is not there', () => {
    const files = {
      'packages/base/package.json': manifest({ exports: { '.': './index.ts' } }),
      'packages/vmm/a.ts': "import '../base/assert.ts'\nimport '@virga/base/assert'\nimport '@virga/base'",
      'apps/host/package.json': manifest({ exports: { '.': './index.ts' } }),
      'apps/cli/a.ts': "import '@virga/host'\nimport '@virga/host/inside'",
    }
    expect(packagesHaveFrontDoors(sampleTree(files))).toEqual([
      'packages/vmm/a.ts: imports ../base/assert.ts from outside packages/vmm',
      'packages/vmm/a.ts: imports @virga/base/assert, which packages/base does not export',
      'apps/cli/a.ts: imports @virga/host/inside, which apps/host does not export',
    ])
  })
})

describe('dependencies', () => {
  it('are declared by who imports them', () => expect(importsAreDeclared(tree)).toEqual([]))
  it('are imported by who declares them', () => expect(dependenciesAreUsed(tree)).toEqual([]))

  const files = {
    'package.json': manifest({ devDependencies: { vitest: '1' } }),
    'packages/guest/package.json': manifest({
      dependencies: { openpgp: '1', idle: '1' },
      devDependencies: { '@types/idle': '1' },
    }),
    'packages/guest/a.ts':
      "import 'openpgp/lightweight'\nimport '@scope/pkg/deep'\nimport 'vitest'\nimport 'node:fs'",
    'packages/guest/a.test.ts': "import 'vitest'\nimport 'undeclared'",
    'infra/b.ts': "import 'tool'",
  }
  it('are found when undeclared', () => {
    expect(importsAreDeclared(sampleTree(files))).toEqual([
      'packages/guest/a.ts: imports @scope/pkg, not in packages/guest/package.json',
      'packages/guest/a.ts: imports vitest, not in packages/guest/package.json',
      'packages/guest/a.test.ts: imports undeclared, not in packages/guest/package.json',
      'infra/b.ts: imports tool, not in package.json',
    ])
  })
  it('are found when idle', () => {
    expect(dependenciesAreUsed(sampleTree(files))).toEqual([
      'packages/guest/package.json: declares idle, which no file imports',
    ])
  })
})

describe('the AssemblyScript runtime', () => {
  it('stands alone', () => expect(runtimeStandsAlone(tree)).toEqual([]))

  it('may not reach out', () => {
    const text =
      "import { a } from './float/a'\nimport { b } from '../hart/b'\n@inline export function f(): void {}"
    expect(runtimeStandsAlone(sampleTree({ 'packages/riscv/runtime/index.ts': text }))).toEqual([
      'packages/riscv/runtime/index.ts: imports ../hart/b',
    ])
  })
})

describe('packages', () => {
  it('are given time and chance', () => expect(packagesAreGivenTimeAndChance(tree)).toEqual([]))

  it('may not take them', () => {
    const text = '// Date.now() in words is fine\nconst a = Date.now() + Math.random()\nconst b = new Date()'
    const files = { 'packages/vmm/a.ts': text, 'packages/vmm/a.test.ts': text, 'apps/cli/a.ts': text }
    expect(packagesAreGivenTimeAndChance(sampleTree(files))).toEqual([
      'packages/vmm/a.ts: Date.now',
      'packages/vmm/a.ts: Math.random',
      'packages/vmm/a.ts: new Date()',
    ])
  })
})
