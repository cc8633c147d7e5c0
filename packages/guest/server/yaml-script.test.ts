/** The guest's reader of YAML on the host's awk: what it understands, and that it refuses the rest with its line. */
import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { makeGuestRoot } from '../testing/guest-root.ts'

const script = join(makeGuestRoot(fs, tmpdir()), 'usr/lib/virga/yaml.awk')

/** All values by path, or the line that refuses. */
function read(text: string): unknown {
  const folder = fs.mkdtempSync(join(tmpdir(), 'virga-yaml-'))
  const ran = spawnSync('awk', ['-v', `folder=${folder}`, '-f', script], { input: text, encoding: 'utf8' })
  if (ran.status !== 0) return ran.stderr
  const paths = fs
    .readFileSync(join(folder, 'paths'), 'utf8')
    .trim()
    .split('\n')
    .filter((path) => path !== '')
  expect(fs.readdirSync(folder).sort()).toEqual([...paths, 'paths'].sort())
  return Object.fromEntries(paths.map((path) => [path, fs.readFileSync(join(folder, path), 'utf8')]))
}

describe('YAML that is understood', () => {
  const cases: readonly (readonly [what: string, text: string, values: Record<string, string>])[] = [
    ['nothing', '', {}],
    ['comments only', '#cloud-config\n\n  # more\n', {}],
    ['plain text', 'a: b c\nd:   e # comment\nf: g#h\n', { a: 'b c', d: 'e', f: 'g#h' }],
    ['a document’s beginning', '#cloud-config\n---\na: 1\n', { a: '1' }],
    ['no value', 'a:\nb: ~\nc: null\nd: ""\n', { a: '', b: '', c: '', d: '' }],
    ['lines of Windows', 'a: b\r\nc: d\r\n', { a: 'b', c: 'd' }],
    ['single quotes', "a: 'it''s: # \\n'  # c\n", { a: "it's: # \\n" }],
    ['double quotes', 'a: "x\\ty\\n\\"\\\\: #" # c\n', { a: 'x\ty\n"\\: #' }],
    ['a mapping in a mapping', 'a:\n  b: 1\n  c:\n    d: 2\ne: 3\n', { 'a.b': '1', 'a.c.d': '2', e: '3' }],
    ['a list', 'a:\n  - x\n  - y z\n', { 'a.0': 'x', 'a.1': 'y z' }],
    ['a list that is not indented', 'a:\n- x\n- y\nb: z\n', { 'a.0': 'x', 'a.1': 'y', b: 'z' }],
    [
      'a list of mappings',
      'a:\n  - b: 1\n    c: 2\n  -\n    b: 3\n  - b:\n    - 4\n',
      { 'a.0.b': '1', 'a.0.c': '2', 'a.1.b': '3', 'a.2.b.0': '4' },
    ],
    [
      'a list of lists',
      'a:\n- - x\n  - y\n- [p, "q,]", \'r\']\n',
      { 'a.0.0': 'x', 'a.0.1': 'y', 'a.1.0': 'p', 'a.1.1': 'q,]', 'a.1.2': 'r' },
    ],
    ['brackets in brackets', 'a: [[x, y], z] # c\n', { 'a.0.0': 'x', 'a.0.1': 'y', 'a.1': 'z' }],
    [
      'literal text',
      'a: |\n  x\n    y\n\n  z # no comment\n\nb: 1\n',
      { a: 'x\n  y\n\nz # no comment\n', b: '1' },
    ],
    ['literal text, cut', 'a: |-\n  x\n\nb: 1\n', { a: 'x', b: '1' }],
    ['literal text, kept', 'a: |+\n  x\n\nb: 1\n', { a: 'x\n\n', b: '1' }],
    ['literal text in a list', 'a:\n- |\n  x: y\n  - z\n- p\n', { 'a.0': 'x: y\n- z\n', 'a.1': 'p' }],
    ['literal text with a tab', 'a: |\n  x:\n  \ty\n', { a: 'x:\n\ty\n' }],
    ['folded text', 'a: >\n  x\n  y\n\n  z\n    code\n  end\n', { a: 'x y\nz\n  code\nend\n' }],
    ['folded text, cut', 'a: >-\n  x\n  y\n', { a: 'x y' }],
    ['text like YAML in quotes', 'a: "b: c"\nd: "- e"\n', { a: 'b: c', d: '- e' }],
    ['addresses and times', 'a: http://x/y\nb: 10:20\n', { a: 'http://x/y', b: '10:20' }],
  ]
  it.each(cases)('%s', (_, text, values) => {
    expect(read(text)).toEqual(values)
  })
})

describe('YAML that is refused', () => {
  it.each([
    ['a mapping in braces', 'a: {b: c}\n', 1],
    ['an anchor', 'a: &x b\n', 1],
    ['an alias', 'b: 1\na: *x\n', 2],
    ['a tag', 'a: !!binary x\n', 1],
    ['text over two lines', 'a: b\n  c\n', 2],
    ['quotes over two lines', 'a: "b\n  c"\n', 1],
    ['brackets over two lines', 'a: [b,\n  c]\n', 1],
    ['a key twice', 'a: 1\nb: 2\na: 3\n', 3],
    ['a colon in plain text', 'runcmd:\n  - echo a: b\n', 2],
    ['a key in quotes', '"a": b\n', 1],
    ['a key with blanks', 'a b: c\n', 1],
    ['a key that leads out of the folder', '../a: b\n', 1],
    ['a tab', 'a:\n\tb: c\n', 2],
    ['something behind quotes', 'a: "b" c\n', 1],
    ['an unknown escape', 'a: "\\q"\n', 1],
    ['wrong indentation', 'a:\n    b: 1\n  c: 2\n', 3],
    ['a list where a mapping was', 'a: 1\n- b\n', 2],
    ['a mapping where a list was', '- a\nb: 1\n', 2],
    ['an indentation of literal text', 'a: |2\n   x\n', 1],
    ['no YAML', 'hello\n', 1],
    ['a second document', 'a: 1\n---\nb: 2\n', 2],
  ])('%s', (_, text, line) => {
    expect(read(text)).toMatch(new RegExp(`^line ${line} [^\\n]+\\n$`))
  })

  it('writes nothing outside of its folder', () => {
    read('a: 1\n/tmp/virga-never: 1\n')
    expect(fs.existsSync('/tmp/virga-never')).toBe(false)
  })
})
