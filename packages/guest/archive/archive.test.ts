/** The Debian side: syntax, order of versions, index and choice of packages. */

import { describe, expect, it } from 'vitest'
import { parseStanzas } from './deb822.ts'
import { PackageIndex } from './package-index.ts'
import { parseDependencies, relationText } from './relation.ts'
import { resolvePackages } from './resolve.ts'
import { compareVersions, satisfies } from './version.ts'

describe('parseStanzas', () => {
  it('reads fields, continuations, comments and odd spacing', () => {
    const text = [
      '# a comment',
      'Package: a',
      'Description: short',
      ' long',
      ' .',
      '# in between',
      ' end',
      'Empty:',
      'Url: http://x/y: z',
      '',
      '   ',
      'PACKAGE:b\r',
      'no colon here',
      '',
    ].join('\n')
    expect(parseStanzas(text).map((stanza) => Object.fromEntries(stanza))).toEqual([
      { package: 'a', description: 'short\nlong\n.\nend', empty: '', url: 'http://x/y: z' },
      { package: 'b' },
    ])
  })

  it('finds nothing in nothing', () => {
    expect(parseStanzas('')).toEqual([])
    expect(parseStanzas(' continuation of nothing\n\n# only\n')).toEqual([])
  })
})

describe('compareVersions', () => {
  // Each is newer than the one before.
  const rising = [
    ...['0', '0+~', '0+', '1.0~~', '1.0~~a', '1.0~rc1', '1.0~rc1-1', '1.0', '1.0-1~bpo', '1.0-1', '1.0-1+b1'],
    ...['1.0-1+deb12u1', '1.0-2', '1.0-10', '1.0a', '1.0+', '1.0.1', '1.1', '1.2', '1.10', '2', '6.12.9-1'],
    ...[
      '6.12.10-1',
      '20240101',
      '99999999999999999999999',
      '100000000000000000000000',
      '1:0.1',
      '1:0.1-1',
      '2:0',
    ],
  ]

  it.each(rising.slice(1).map((newer, index) => [rising[index] ?? '', newer]))('%s < %s', (older, newer) => {
    expect(compareVersions(older, newer)).toBeLessThan(0)
    expect(compareVersions(newer, older)).toBeGreaterThan(0)
  })

  it.each([
    ['1.0', '1.0'],
    ['1.0', '0:1.0'],
    ['1.00', '1.0'],
    ['1.0-0', '1.0'],
    ['007-1', '7-01'],
  ])('%s = %s', (a, b) => {
    expect(compareVersions(a, b)).toBe(0)
  })

  it('answers the five operators', () => {
    const truths = (version: string) =>
      (['<<', '<=', '=', '>=', '>>'] as const).map((operator) => satisfies(version, operator, '2'))
    expect(truths('1')).toEqual([true, true, false, false, false])
    expect(truths('2')).toEqual([false, true, true, true, false])
    expect(truths('3')).toEqual([false, false, false, true, true])
  })
})

describe('parseDependencies', () => {
  it('reads groups, alternatives, versions and qualifiers', () => {
    const text = 'libc6 (>= 2.41), a:any (<<3)|b-c+ , virt (= 1:2-3), old (< 5)'
    expect(parseDependencies(text).map((group) => group.map(relationText))).toEqual([
      ['libc6 (>= 2.41)'],
      ['a (<< 3)', 'b-c+'],
      ['virt (= 1:2-3)'],
      ['old (<= 5)'],
    ])
  })

  it('has no groups in an empty field', () => {
    expect(parseDependencies('')).toEqual([])
    expect(parseDependencies(' , ')).toEqual([])
  })
})

/** An index of packages given as `name version` and fields. */
function index(packages: Readonly<Record<string, Readonly<Record<string, string>>>>): PackageIndex {
  const stanzas = Object.entries(packages).map(([nameVersion, fields]) => {
    const [name = '', version = ''] = nameVersion.split(' ')
    const path = `pool/${name}.deb`
    const all = {
      Package: name,
      Version: version,
      ...fields,
      Filename: path,
      Size: '7',
      SHA256: 'f'.repeat(64),
    }
    return Object.entries(all)
      .map(([field, value]) => `${field}: ${value}\n`)
      .join('')
  })
  return new PackageIndex(stanzas.join('\n'))
}

function chosen(
  packages: PackageIndex,
  names: string[],
  follow?: (name: string) => boolean,
): string[] | string {
  const result = resolvePackages(packages, { packages: names, ...(follow === undefined ? {} : { follow }) })
  return result.ok ? result.value.map(({ name, version }) => `${name} ${version}`) : result.error.message
}

describe('PackageIndex', () => {
  it('gives what it says of a package', () => {
    const packages = index({
      'a 1.0': {
        'Pre-Depends': 'p',
        Depends: 'd (>= 1) | e',
        Provides: 'v (= 2)',
        Breaks: 'x',
        Conflicts: 'y',
      },
    })
    expect(packages.candidates({ name: 'a' })).toEqual([
      {
        name: 'a',
        version: '1.0',
        depends: [[{ name: 'p' }], [{ name: 'd', version: { operator: '>=', wanted: '1' } }, { name: 'e' }]],
        provides: [{ name: 'v', version: { operator: '=', wanted: '2' } }],
        conflicts: [{ name: 'y' }, { name: 'x' }],
        path: 'pool/a.deb',
        bytes: 7,
        sha256: 'f'.repeat(64),
      },
    ])
  })

  it('puts the newest first, and real packages before those that provide', () => {
    const packages = index({ 'zz 1': { Provides: 'a' }, 'a 1.9': {}, 'a 1.10': {}, 'b 3': { Provides: 'a' } })
    const names = packages.candidates({ name: 'a' }).map(({ name, version }) => `${name} ${version}`)
    expect(names).toEqual(['a 1.10', 'a 1.9', 'b 3', 'zz 1'])
    expect(packages.candidates({ name: 'none' })).toEqual([])
  })
})

describe('resolvePackages', () => {
  it('follows dependencies, each package once, also round a circle', () => {
    const packages = index({ 'a 1': { Depends: 'b, c' }, 'b 1': { Depends: 'c' }, 'c 1': { Depends: 'a' } })
    expect(chosen(packages, ['a', 'b'])).toEqual(['a 1', 'b 1', 'c 1'])
  })

  it('takes the first alternative that there is, or one that is chosen already', () => {
    const packages = index({ 'a 1': { Depends: 'gone | b | c' }, 'b 1': {}, 'c 1': {} })
    expect(chosen(packages, ['a'])).toEqual(['a 1', 'b 1'])
    expect(chosen(packages, ['c', 'a'])).toEqual(['c 1', 'a 1'])
  })

  it('keeps to versions', () => {
    const packages = index({ 'a 1': { Depends: 'b (<< 2)' }, 'b 1': {}, 'b 2': {} })
    expect(chosen(packages, ['a'])).toEqual(['a 1', 'b 1'])
    expect(chosen(packages, ['b (>= 2)'])).toEqual(['b 2'])
    expect(chosen(packages, ['b (>= 3)'])).toMatch('no package b (>= 3)')
  })

  it('lets a package stand in for a name that it provides, with a version only if it gives one', () => {
    const packages = index({
      'a 1': { Depends: 'mta' },
      'b 1': { Depends: 'mta (>= 2)' },
      'c 1': { Depends: 'api (>= 2)' },
      'exim 4': { Provides: 'mta' },
      'impl 1': { Provides: 'api (= 3)' },
    })
    expect(chosen(packages, ['a'])).toEqual(['a 1', 'exim 4'])
    expect(chosen(packages, ['c'])).toEqual(['c 1', 'impl 1'])
    expect(chosen(packages, ['b'])).toMatch('no package mta (>= 2), which b needs')
  })

  it('follows only what it is asked to', () => {
    const packages = index({ 'meta 1': { Depends: 'real-1, tools' }, 'real-1 1': { Depends: 'tools' } })
    expect(chosen(packages, ['meta'], (name) => name.startsWith('real'))).toEqual(['meta 1', 'real-1 1'])
  })

  it('reports two packages that exclude each other', () => {
    const packages = index({
      'a 1': { Conflicts: 'shell' },
      'b 1': { Provides: 'shell' },
      'c 1': { Breaks: 'd (<< 2)' },
    })
    expect(chosen(packages, ['a', 'b'])).toMatch('a and b exclude each other')
    expect(chosen(packages, ['b', 'a'])).toMatch('b and a exclude each other')
    const withD = index({ 'c 1': { Breaks: 'd (<< 2)' }, 'd 2': {} })
    expect(chosen(withD, ['c', 'd'])).toEqual(['c 1', 'd 2'])
  })

  it('takes the next alternative when a chosen package excludes the first', () => {
    const packages = index({
      'a 1': { Depends: 'mta-1 | mta-2, mta' },
      'b 1': { Conflicts: 'mta-1' },
      'mta-1 1': { Provides: 'mta' },
      'mta-2 1': { Provides: 'mta' },
    })
    expect(chosen(packages, ['a'])).toEqual(['a 1', 'mta-1 1'])
    expect(chosen(packages, ['b', 'a'])).toEqual(['b 1', 'a 1', 'mta-2 1'])
  })

  it('chooses no package in two versions', () => {
    const packages = index({ 'a 1': { Depends: 'b (<< 2)' }, 'b 1': {}, 'b 2': {} })
    expect(chosen(packages, ['b', 'a'])).toMatch('package b is needed in two versions, 2 and 1')
  })

  it('builds on what is given, and does not look at what that depends on', () => {
    const packages = index({
      'a 1': { Depends: 'shell, c' },
      'given 1': { Provides: 'shell', Depends: 'gone', Conflicts: 'd' },
      'c 1': {},
      'd 1': {},
    })
    const given = packages.candidates({ name: 'given' })
    const names = (asked: string[]) => {
      const result = resolvePackages(packages, { packages: asked, given })
      return result.ok ? result.value.map(({ name }) => name) : result.error.message
    }
    expect(names(['a', 'given'])).toEqual(['given', 'a', 'c'])
    expect(names(['d'])).toMatch('given and d exclude each other')
  })

  it('does not let a package that provides and conflicts with its own name exclude itself', () => {
    const packages = index({ 'a 1': { Provides: 'mta', Conflicts: 'mta' } })
    expect(chosen(packages, ['a', 'mta'])).toEqual(['a 1'])
  })
})
