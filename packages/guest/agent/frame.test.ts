/** What a guest may send, in whatever pieces, and what of it is believed. */
import { describe, expect, it } from 'vitest'
import { encodeHostMessage, type GuestMessage, GuestMessageReader, lineBytesMax } from './frame.ts'

const encoder = new TextEncoder()
const read = (text: string): GuestMessage[] => new GuestMessageReader().read(encoder.encode(text))

describe('a message to the guest', () => {
  it('is a header with the length of what follows', () => {
    const message = { kind: 'in', session: 12, body: Uint8Array.of(0, 10, 255) } as const
    expect([...encodeHostMessage(message)]).toEqual([...encoder.encode('in 12 3\n'), 0, 10, 255])
    expect(new TextDecoder().decode(encodeHostMessage({ kind: 'hello', session: 0 }))).toBe('hello 0 0\n')
  })
})

describe('a line from the guest', () => {
  const cases: readonly (readonly [line: string, message: GuestMessage])[] = [
    ['hello 0 1 abc', { kind: 'hello', version: 1, token: 'abc' }],
    ['out 7 AP8K', { kind: 'out', session: 7, bytes: Uint8Array.of(0, 255, 10) }],
    ['err 7 AP8=', { kind: 'err', session: 7, bytes: Uint8Array.of(0, 255) }],
    ['ack 7 4096', { kind: 'ack', session: 7, byteCount: 4096 }],
    ['exit 7 130', { kind: 'exit', session: 7, status: 130 }],
    [
      'ready 0 hostname=a address=x address=y =z w',
      {
        kind: 'ready',
        facts: new Map([
          ['hostname', ['a']],
          ['address', ['x', 'y']],
        ]),
      },
    ],
  ]
  it.each(cases)('%s', (line, message) => {
    expect(read(`${line}\n`)).toEqual([message])
  })

  it.each([
    'out 7 AP8',
    'out 7 A=8=',
    'out 7 AP8K=',
    'out 7',
    'out x AP8K',
    'out 1234567890 AP8K',
    'ack 7 123456',
    'ack 7 -1',
    'exit 7 ',
    'exit 7 1e3',
    'hello 0 1',
    'hello 0 x y',
    'constructor 0 1',
    'out 7 AP8K\r',
    'ready 0 \u001b[2J',
    ' ',
  ])('%j is no message', (line) => {
    expect(read(`${line}\n`)).toEqual([{ kind: 'malformed' }])
  })
})

describe('a stream from the guest', () => {
  it('is the same messages, however it is cut', () => {
    const bytes = encoder.encode('\nhello 0 1 t\nout 1 YWJj\n\nexit 1 0\n')
    const whole = new GuestMessageReader().read(bytes)
    expect(whole).toHaveLength(3)
    for (let size = 1; size <= bytes.length; size++) {
      const reader = new GuestMessageReader()
      const messages: GuestMessage[] = []
      for (let at = 0; at < bytes.length; at += size) {
        messages.push(...reader.read(bytes.subarray(at, at + size)))
      }
      expect(messages).toEqual(whole)
    }
  })

  it('loses one line where it is torn or too long, and no more', () => {
    const long = `out 1 ${'A'.repeat(lineBytesMax * 3)}`
    expect(read(`out 1 YW\nhello 0 1 t\n${long}\nexit 1 0\n`)).toEqual([
      { kind: 'malformed' },
      { kind: 'hello', version: 1, token: 't' },
      { kind: 'malformed' },
      { kind: 'exit', session: 1, status: 0 },
    ])
  })

  it('without a line in it says nothing, however long', () => {
    const reader = new GuestMessageReader()
    const noise = new Uint8Array(65_536).fill(0x41)
    for (let count = 0; count < 50; count++) expect(reader.read(noise)).toEqual([])
    expect(reader.read(encoder.encode('\nexit 1 0\n'))).toEqual([
      { kind: 'malformed' },
      { kind: 'exit', session: 1, status: 0 },
    ])
  })
})
