/** What is printed for people fits in 80 columns and lines up. */
import { describe, expect, it } from 'vitest'
import { similarMnemonics } from './isa/similar-mnemonics.ts'
import { textTable } from './text-table.ts'
import { wrapped } from './wrapped.ts'

describe('wrapped', () => {
  it('breaks between words, at 80 columns, and indents', () => {
    const text = wrapped('word '.repeat(40), '    ', '  - ')
    const [first = '', ...rest] = text.split('\n')
    expect(first).toBe(`  - ${'word '.repeat(15).trim()}`)
    expect(rest.every((line) => /^ {4}word/.test(line) && line.length <= 80)).toBe(true)
    expect(text.match(/word/g)).toHaveLength(40)
  })

  it('leaves a word alone that is too long, and no line empty', () => {
    expect(wrapped(`a ${'x'.repeat(90)} b`)).toBe(`a\n${'x'.repeat(90)}\nb`)
    expect(wrapped(`${'x'.repeat(90)}`, '  ')).toBe(`  ${'x'.repeat(90)}`)
  })
})

describe('textTable', () => {
  it('lines columns up under a head', () => {
    const text = textTable({
      head: ['name', 'made from'],
      rows: [
        ['micro', 'one\ntwo'],
        ['m', ''],
      ],
    })
    expect(text).toBe('name   made from\n─────  ─────────\nmicro  one\n       two\nm\n')
  })
})

describe('similarMnemonics', () => {
  it.each([
    ['addx', ['addi', 'add', 'addw']],
    ['csrw', ['csrrw']],
    ['qqqqqq', []],
  ])('for %s', (text, guesses) => {
    expect(similarMnemonics(text)).toEqual(guesses)
  })
})
