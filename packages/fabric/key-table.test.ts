/** The table against a Map, through random lives; and that memory is all there is to it. */
import { seededRandom } from '@virga/base'
import { describe, expect, it } from 'vitest'
import { KeyTable, tableWords } from './key-table.ts'

const shape = { capacity: 16, keyWords: 2, valueWords: 1 } as const
const words = () => new Int32Array(tableWords(shape))

describe('a table', () => {
  it('holds what a map would hold, until it is full', () => {
    const random = seededRandom(11)
    const memory = words()
    const [writer, reader] = [new KeyTable(memory, shape, 5), new KeyTable(memory, shape, 5)]
    const model = new Map<string, number>()
    for (let step = 0; step < 20_000; step++) {
      const key = [random() % 5, random() % 6] as const
      writer.probe.set(key)
      reader.probe.set(key)
      const at = writer.find()
      expect(reader.find()).toBe(at)
      expect(at < 0 ? undefined : reader.get(at, 0)).toBe(model.get(key.join()))
      if (at >= 0 && random() % 2 === 0) {
        const generation = writer.generation(at)
        writer.remove(at)
        model.delete(key.join())
        expect([writer.isLive(at), writer.generation(at) === generation]).toEqual([false, false])
      } else if (at < 0) {
        const added = writer.insert()
        expect(added < 0).toBe(model.size === shape.capacity)
        if (added < 0) continue
        expect(writer.get(added, 0)).toBe(0)
        writer.set(added, 0, step)
        model.set(key.join(), step)
      }
      expect(reader.count).toBe(model.size)
    }
  })

  it('sweeps over every record in turn', () => {
    const table = new KeyTable(words(), shape, 5)
    expect(table.nextInSweep()).toBe(-1)
    for (let i = 0; i < 3; i++) {
      table.probe[0] = i
      table.insert()
    }
    expect([1, 2, 3, 4].map(() => table.nextInSweep())).toEqual([0, 1, 2, 0])
  })

  it('is a power of two', () => {
    expect(() => new KeyTable(new Int32Array(0), { ...shape, capacity: 12 }, 1)).toThrow('power of two')
  })
})
