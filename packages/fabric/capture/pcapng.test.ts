/** The format, byte by byte; tcpdump's opinion of it is in tests/conformance/capture. */
import { expect, it } from 'vitest'
import { PcapngWriter } from './pcapng.ts'

it('a capture is a section, then an interface before its first packet', () => {
  const blocks: Uint8Array[] = []
  const writer = new PcapngWriter((bytes) => blocks.push(bytes))
  const frame = Uint8Array.of(1, 2, 3, 4, 5)
  writer.write({ port: 'web', heading: 'in', frame, atMs: 2 ** 32 / 1000 + 0.007, comment: 'hey' })
  writer.write({ port: 'web', heading: 'out', frame, atMs: 0 })
  expect(blocks.map((block) => [...block])).toEqual([
    [10, 13, 13, 10, 28, 0, 0, 0, 0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, ...Array(8).fill(255), 28, 0, 0, 0],
    [1, 0, 0, 0, 32, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 3, 0, 119, 101, 98, 0, 0, 0, 0, 0, 32, 0, 0, 0],
    [
      ...[6, 0, 0, 0, 60, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0, 5, 0, 0, 0, 5, 0, 0, 0],
      ...[
        1, 2, 3, 4, 5, 0, 0, 0, 2, 0, 4, 0, 1, 0, 0, 0, 1, 0, 3, 0, 104, 101, 121, 0, 0, 0, 0, 0, 60, 0, 0, 0,
      ],
    ],
    [
      ...[6, 0, 0, 0, 52, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 5, 0, 0, 0],
      ...[1, 2, 3, 4, 5, 0, 0, 0, 2, 0, 4, 0, 2, 0, 0, 0, 0, 0, 0, 0, 52, 0, 0, 0],
    ],
  ])
})
