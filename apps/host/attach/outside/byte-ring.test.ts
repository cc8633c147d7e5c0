/** Rings of messages: order, wrapping, fullness, and two threads at once. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { seededRandom } from '@virga/base'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteRing, ringMemory } from './byte-ring.ts'
import { Outbox } from './outbox.ts'

const bytes = (length: number, first = 0) => Uint8Array.from({ length }, (_, at) => first + at)

function pair(capacity: number): { writer: ByteRing; reader: ByteRing } {
  const memory = ringMemory(capacity)
  return { writer: new ByteRing(memory), reader: new ByteRing(memory) }
}

describe('a ring', () => {
  it('gives messages whole and in order, wherever they wrap', () => {
    const { writer, reader } = pair(64)
    for (let round = 0; round < 200; round++) {
      expect(writer.write(round, round * 7, [bytes(round % 3, round), bytes(1, 200)])).toBe(true)
      expect(reader.read()).toEqual({
        kind: round,
        id: round * 7,
        body: Uint8Array.of(...bytes(round % 3, round), 200),
      })
      expect(reader.read()).toBeUndefined()
    }
  })

  it('refuses what has no room, tells the reader so, and takes it later', () => {
    const { writer, reader } = pair(64)
    expect([1, 2, 3].map((id) => writer.write(1, id, [bytes(4)]))).toEqual([true, true, true])
    expect(reader.takeWanted()).toBe(false)
    expect([writer.write(1, 4, [bytes(4)]), writer.write(1, 5, [])]).toEqual([true, false])
    reader.read()
    expect([reader.takeWanted(), reader.takeWanted()]).toEqual([true, false])
    expect(writer.write(1, 5, [])).toBe(true)
  })

  it('refuses a message that would never fit', () => {
    const { writer } = pair(1024)
    expect(() => writer.write(1, 1, [bytes(writer.bodyBytesMax + 1)])).toThrow('a message fits its ring')
  })

  it('loses and changes nothing, whatever is written and read when', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 52 }))), (steps) => {
        const { writer, reader } = pair(256)
        const expected: { kind: number; id: number; body: Uint8Array }[] = []
        steps.forEach(([isWrite, length], id) => {
          if (!isWrite) expect(reader.read()).toEqual(expected.shift())
          else if (writer.write(length, id, [bytes(length, id)]))
            expected.push({ kind: length, id, body: bytes(length, id) })
        })
        for (const message of expected) expect(reader.read()).toEqual(message)
      }),
    )
  })

  it('carries 20,000 messages between two threads, over and over full', async () => {
    const [there, back] = [ringMemory(4096), ringMemory(64)]
    const url = (name: string) => JSON.stringify(new URL(name, import.meta.url).href)
    const worker = new Worker(
      `const { ByteRing } = await import(${url('./byte-ring.ts')})
       const { workerData } = await import('node:worker_threads')
       const [ring, back] = workerData.map((memory) => new ByteRing(memory))
       // A thread that only waits for a bell has nothing to live for.
       const life = setInterval(() => undefined, 1000)
       for (let id = 0; id < 20000; ) {
         const seen = back.bell.count()
         if (ring.write(id % 100, id, [new Uint8Array(id % 900).fill(id)])) { id++; ring.bell.ring() }
         else await back.bell.rung(seen)
       }
       clearInterval(life)`,
      { eval: true, workerData: [there, back] },
    )
    const ended = once(worker, 'exit')
    const [ring, room] = [new ByteRing(there), new ByteRing(back)]
    for (let id = 0; id < 20_000; ) {
      const seen = ring.bell.count()
      const message = ring.read()
      if (message === undefined) {
        await ring.bell.rung(seen)
        continue
      }
      const isRight = message.id === id && message.body.length === id % 900
      if (!isRight || message.body.some((byte) => byte !== id % 256))
        throw new Error(`message ${id} is another`)
      if (ring.takeWanted()) room.bell.ring()
      id++
    }
    expect((await ended)[0]).toBe(0)
  })
})

describe('an outbox', () => {
  it('keeps what finds no room, in order, and wakes only for what is new', () => {
    const { writer, reader } = pair(64)
    let wakes = 0
    const outbox = new Outbox(writer, () => wakes++)
    const random = seededRandom(5)
    const read: number[] = []
    const sent = Array.from({ length: 100 }, (_, id) => id)
    for (const id of sent) {
      outbox.send(1, id, bytes(random() % 4))
      if (random() % 2 === 0) read.push(reader.read()?.id ?? -1)
    }
    for (;;) {
      outbox.flush()
      const message = reader.read()
      if (message === undefined) break
      read.push(message.id)
    }
    expect(read.filter((id) => id >= 0)).toEqual(sent)
    const before = wakes
    outbox.flush()
    expect(wakes).toBe(before)
  })

  it('loses a datagram rather than keep it', () => {
    const { writer, reader } = pair(64)
    const outbox = new Outbox(writer, () => undefined)
    for (let id = 0; id < 10; id++) outbox.sendOrLose(1, id, bytes(4))
    expect([0, 1, 2, 3].map(() => reader.read()?.id)).toEqual([0, 1, 2, 3])
    outbox.flush()
    expect(reader.read()).toBeUndefined()
  })
})
