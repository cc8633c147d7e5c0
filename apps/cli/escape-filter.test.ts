/** What a person types, split into the guest's bytes and the program's commands. */
import { describe, expect, it } from 'vitest'
import { EscapeFilter } from './escape-filter.ts'

/** Feeds chunks and gives what came out, in order: text for the guest, commands in angle brackets. */
function filtered(...chunks: string[]): string {
  const filter = new EscapeFilter()
  let seen = ''
  for (const chunk of chunks) {
    filter.feed(
      new TextEncoder().encode(chunk),
      (bytes) => (seen += new TextDecoder().decode(bytes)),
      (command) => (seen += `<${command}>`),
    )
  }
  return seen
}

describe('EscapeFilter', () => {
  it.each([
    ['passes everything else', ['ls\r\x03\x04\x1b[A'], 'ls\r\x03\x04\x1b[A'],
    [
      'leaves on x, of either case, with Ctrl kept pressed or not',
      ['\x01x\x01X\x01\x18'],
      '<leave><leave><leave>',
    ],
    ['helps on h and ?', ['\x01h\x01?'], '<help><help>'],
    ['keeps the order', ['one\x01htwo'], 'one<help>two'],
    ['sees a sequence in two pieces', ['one\x01', 'xtwo'], 'one<leave>two'],
    ['gives Ctrl-A when it is pressed twice', ['\x01\x01'], '\x01'],
    ['gives Ctrl-A x when Ctrl-A is doubled before it', ['\x01\x01x'], '\x01x'],
    ['gives both keys when it does not know the second', ['\x01e'], '\x01e'],
  ])('%s', (_, chunks, seen) => {
    expect(filtered(...chunks)).toBe(seen)
  })
})
