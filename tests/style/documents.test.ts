/** What the tree says about itself, and that each rule finds what it is for. */
import { describe, expect, it } from 'vitest'
import {
  dependenciesAreExplained,
  filesSayWhatTheyAre,
  linksResolve,
  packagesAreAlike,
  specsAreListed,
} from './documents.ts'
import { readTree, sampleTree } from './tree.ts'

const tree = readTree()
const manifest = (fields: object) => JSON.stringify(fields)

describe('module docs', () => {
  it('begin every file', () => expect(filesSayWhatTheyAre(tree)).toEqual([]))

  it.each(['export const a = 1', '// a comment\nexport {}', '/** */\nexport {}', '/**\n */\nexport {}'])(
    'are missed in %j',
    (text) => expect(filesSayWhatTheyAre(sampleTree({ 'infra/a.ts': text }))).toHaveLength(1),
  )

  it.each(['/** What it is. */', '/**\n * What it is.\n */', '#!/usr/bin/env node\n/** What it is. */'])(
    'are seen in %j',
    (text) => expect(filesSayWhatTheyAre(sampleTree({ 'infra/a.ts': text }))).toEqual([]),
  )
})

describe('packages', () => {
  it('are alike', () => expect(packagesAreAlike(tree)).toEqual([]))

  it('are found when they differ', () => {
    const good = { name: '@virga/vmm', version: '1', private: true, type: 'module', license: 'Apache-2.0' }
    const files = {
      'package.json': manifest({ version: '1' }),
      'packages/vmm/package.json': manifest({
        ...good,
        version: '2',
        exports: { './testing': './testing.ts' },
      }),
      'packages/vmm/README.md': '',
      'apps/cli/package.json': manifest({ ...good, name: '@virga/cli', bin: { virga: './virga.ts' } }),
      'apps/cli/virga.ts': '',
    }
    expect(packagesAreAlike(sampleTree(files))).toEqual([
      'apps/cli/README.md: does not exist',
      'packages/vmm/package.json: version is not "1"',
      'packages/vmm/package.json: has no exports["."]',
      'packages/vmm/package.json: names ./testing.ts, which does not exist',
    ])
  })
})

describe('specifications', () => {
  it('are listed', () => expect(specsAreListed(tree)).toEqual([]))

  it('are found when they are not', () => {
    const files = {
      'docs/specs.md': '| name | title |\n| --- | --- |\n| `elf` | x |',
      'packages/vmm/a.ts': '/** @spec elf "Header" @spec dwarf "Lines" */',
    }
    expect(specsAreListed(sampleTree(files))).toEqual([
      'packages/vmm/a.ts: @spec dwarf is not in docs/specs.md',
    ])
  })
})

describe('dependencies', () => {
  it('are explained', () => expect(dependenciesAreExplained(tree)).toEqual([]))

  it('are found when new, gone or told twice', () => {
    const files = {
      'package.json': manifest({ devDependencies: { fresh: '1', kept: '1' } }),
      'packages/vmm/package.json': manifest({ dependencies: { '@virga/base': '*' } }),
      'docs/dependencies.md': '| `kept` | why |\n| `gone` | why |\n| `kept` | why |',
    }
    expect(dependenciesAreExplained(sampleTree(files))).toEqual([
      'docs/dependencies.md: no line for fresh',
      'docs/dependencies.md: nothing depends on gone',
      'docs/dependencies.md: two lines for kept',
    ])
  })
})

describe('links', () => {
  it('lead somewhere', () => expect(linksResolve(tree)).toEqual([]))

  it('are found when they do not', () => {
    const files = {
      'README.md':
        '[a](docs/a.md) [b](docs/b.md) [c](docs) [d](https://example.org/x) `[e](e.md)` [f](#two-words)',
      'docs/a.md': '# Two words\n[up](../README.md) [in](#two-words) [out](#three) [over](../a.md#x)',
    }
    expect(linksResolve(sampleTree(files))).toEqual([
      'README.md: link to docs/b.md leads nowhere',
      'README.md: link to #two-words leads nowhere',
      'docs/a.md: link to #three leads nowhere',
      'docs/a.md: link to ../a.md#x leads nowhere',
    ])
  })
})
