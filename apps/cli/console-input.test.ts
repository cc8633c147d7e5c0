/** Piped console input over the life of one process, which may start a machine several times. */

import { PassThrough } from 'node:stream'
import { finished } from 'node:stream/promises'
import { describe, expect, it } from 'vitest'
import { openPipe } from './console-input.ts'

const takeAll = () => Promise.resolve()

describe('piped input', () => {
  it('is passed on, and its end told', async () => {
    const input = new PassThrough()
    const taken: string[] = []
    const ended = new Promise<void>((onEnd) => {
      openPipe({ input, onBytes: async (bytes) => void taken.push(Buffer.from(bytes).toString()), onEnd })
    })
    input.end('echo hello\n')
    await ended
    expect(taken.join('')).toBe('echo hello\n')
  })

  it('that has ended before a machine started again is at its end at once', async () => {
    const input = new PassThrough()
    input.end()
    input.resume()
    await finished(input)
    let ends = 0
    openPipe({ input, onBytes: takeAll, onEnd: () => ends++ })
    expect(ends).toBe(1)
  })

  it('leaves nothing behind when it is closed', () => {
    const input = new PassThrough()
    const listeners = () => ['data', 'end', 'error'].map((event) => input.listenerCount(event))
    const before = listeners()
    openPipe({ input, onBytes: takeAll, onEnd: takeAll }).close()
    expect(listeners()).toEqual(before)
  })
})
