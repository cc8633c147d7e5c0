/** The queue gives any part of what was written, whatever chunks it came in and however much is gone. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { SendQueue } from './send-queue.ts'

it('copies from anywhere, and forgets from the front', () =>
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 9 })),
      fc.nat(60),
      fc.nat(60),
      fc.nat(60),
      (chunks, gone, a, b) => {
        const queue = new SendQueue()
        for (const chunk of chunks) queue.push(chunk)
        const all = Uint8Array.from(chunks.flatMap((chunk) => [...chunk]))
        queue.drop(gone)
        const rest = all.subarray(gone)
        expect(queue.byteLength).toBe(rest.length)
        const [from, to] = [Math.min(a, b, rest.length), Math.min(Math.max(a, b), rest.length)]
        const out = new Uint8Array(to - from)
        queue.copy(from, to - from, out, 0)
        expect(out).toEqual(rest.slice(from, to))
      },
    ),
  ))
