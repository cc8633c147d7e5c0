/** What a pull shows: lines where there is no terminal, bars where there is one. */
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { PullEvent } from '@virga/guest'
import { describe, expect, it } from 'vitest'
import { PullProgress } from './pull-progress.ts'

const mebibyte = 2 ** 20
const fetching = (label: string, received: number, total: number): PullEvent => ({
  kind: 'fetching',
  label,
  receivedBytes: received * mebibyte,
  totalBytes: total * mebibyte,
})
const events: readonly PullEvent[] = [
  { kind: 'waiting' },
  fetching('kernel', 0, 100),
  fetching('kernel', 50, 100),
  fetching('kernel', 100, 100),
  { kind: 'verified', label: 'kernel' },
  fetching('busybox', 0, 2),
  fetching('busybox', 2, 2),
  { kind: 'verified', label: 'busybox' },
  { kind: 'unpacking', label: 'micro' },
  { kind: 'built', name: 'micro', bytes: 40 * mebibyte },
]

/** Shows the events to an output with these properties of a terminal, and gives what was written. */
async function shown(properties: object): Promise<string> {
  const stream = new PassThrough()
  // A terminal is a stream with more to it; what of that is used is in `properties`.
  const progress = new PullProgress(Object.assign(stream, properties) as unknown as NodeJS.WriteStream)
  for (const event of events) progress.show(event)
  await progress.close()
  stream.end()
  return await text(stream)
}

describe('PullProgress', () => {
  it('prints a line for each step where there is no terminal', async () => {
    expect(await shown({ isTTY: false })).toBe(
      [
        'waiting for another virga that is pulling',
        'fetching kernel (100.0 MiB)',
        'fetching busybox (2.0 MiB)',
        'building image micro',
        'built image micro (40.0 MiB)',
        '',
      ].join('\n'),
    )
  })

  it('draws a bar for each file on a terminal', async () => {
    const terminal = { isTTY: true, columns: 80, cursorTo: () => true, clearLine: () => true }
    const drawn = await shown({ ...terminal, moveCursor: () => true })
    expect(drawn).toMatch(/kernel .*100\.0 MiB of 100\.0 MiB/)
    expect(drawn).toMatch(/busybox .*2\.0 MiB of 2\.0 MiB/)
    expect(drawn).toMatch(/building image micro\nbuilt image micro \(40\.0 MiB\)\n$/)
  })
})
