/** The balloon from the driver's side: what is malformed, then pages given, free memory reported, and statistics. */
import { describe, expect, it } from 'vitest'
import { BalloonDevice, balloonFeature, balloonModel, type PageRun } from '../index.ts'
import { TestDriver } from '../testing.ts'

const [inflate, deflate, statistics, reporting] = [0, 1, 2, 3]

function open(features: readonly number[] = Object.values(balloonFeature)) {
  const released: PageRun[] = []
  const device = new BalloonDevice({ release: (runs) => released.push(...runs) })
  const driver = new TestDriver(balloonModel('balloon0'), device, { features }).start()
  return { released, device, driver }
}

const numbers = (...pages: number[]) => new Uint8Array(Uint32Array.from(pages).buffer)

/** Entries of a tag and a value below 2^32. */
function told(...entries: readonly [tag: number, value: number][]): Uint8Array {
  const bytes = new Uint8Array(10 * entries.length)
  const view = new DataView(bytes.buffer)
  for (const [i, [tag, value]] of entries.entries()) {
    view.setUint16(10 * i, tag, true)
    view.setUint32(10 * i + 2, value, true)
  }
  return bytes
}

describe('a driver that is broken', () => {
  it.each([
    ['cuts a number off', inflate, [new Uint8Array(7)]],
    ['wants an answer', inflate, [numbers(1), 4]],
    ['gives more pages at once than one could mean', inflate, [new Uint8Array(4 * 4097)]],
    ['reports what is to be read', reporting, [new Uint8Array(4096)]],
    ['wants an answer to statistics', statistics, [10]],
  ])('%s and needs a reset', (_, queue, parts) => {
    const { driver, released } = open()
    driver.queue(queue).submit(parts)
    driver.run(queue)
    expect([driver.status & 64, released]).toEqual([64, []])
  })

  it('reports without having agreed to', () => {
    const { driver } = open([])
    driver.queue(reporting).submit([4096])
    driver.run(reporting)
    expect(driver.status & 64).toBe(64)
  })

  it('gives two buffers for statistics', () => {
    const { driver } = open()
    driver.queue(statistics).submit([told()])
    driver.queue(statistics).submit([told()])
    driver.run(statistics)
    expect(driver.status & 64).toBe(64)
  })
})

describe('pages', () => {
  it('that go into the balloon are released, and those that come out need nothing', () => {
    const { driver, released } = open()
    driver.queue(inflate).submit([numbers(0x80000, 5), numbers(0xffff_ffff)])
    driver.run(inflate)
    driver.queue(deflate).submit([numbers(5)])
    driver.run(deflate)
    expect(released).toEqual([
      { gpa: 0x8000_0000, pages: 1 },
      { gpa: 5 * 4096, pages: 1 },
      { gpa: 0xffff_ffff * 4096, pages: 1 },
    ])
    const done = [inflate, deflate].map((queue) => driver.queue(queue).completed().length)
    expect([done, driver.status & 64]).toEqual([[1, 1], 0])
  })

  it('that are reported free are released, those that are whole', () => {
    const { driver, released } = open()
    const { base } = driver.memory
    const queue = driver.queue(reporting)
    const next = (bytes: number, offset: number) => ({ gpa: base + offset, bytes, flags: 3, next: 1 })
    queue.describe(queue.at, 0, next(8192 + 100, 0x20000 - 50))
    queue.describe(queue.at, 1, { ...next(4095, 0x30000), flags: 2 })
    queue.makeAvailable(0)
    driver.run(reporting)
    expect(released).toEqual([{ gpa: base + 0x20000, pages: 2 }])
  })
})

describe('the size', () => {
  it('wanted is told, and the one reached is the driver to say', () => {
    const { driver } = open()
    driver.device.changeConfig(0, numbers(100))
    expect([driver.read(4, 0), driver.messages]).toEqual([100, [0]])
    driver.write(4, 4, 77)
    driver.write(4, 0, 1)
    expect([driver.read(4, 4), driver.read(4, 0)]).toEqual([77, 100])
    driver.status = 0
    expect(driver.read(4, 4)).toBe(77)
  })
})

describe('statistics', () => {
  it('are read when they come, and the buffer goes back with the next question', () => {
    const { driver, device } = open()
    expect(device.askStatistics()).toBe(false)
    driver.queue(statistics).submit([told([4, 1000], [5, 2000], [99, 1])])
    driver.run(statistics)
    expect(device.statistics).toEqual({ freeBytes: 1000, totalBytes: 2000 })
    expect(driver.queue(statistics).completed()).toEqual([])
    expect([device.askStatistics(), device.askStatistics()]).toEqual([true, false])
    expect([driver.queue(statistics).completed().length, driver.messages]).toEqual([1, [3]])
    driver.queue(statistics).submit([told([4, 500])])
    driver.run(statistics)
    expect([device.statistics, device.statisticsCount]).toEqual([{ freeBytes: 500 }, 2])
  })

  it('of a driver that is gone are not asked for', () => {
    const { driver, device } = open()
    driver.queue(statistics).submit([told([4, 1])])
    driver.run(statistics)
    driver.status = 0
    const again = new TestDriver(driver.device.model, device, { words: driver.words }).start()
    expect(device.askStatistics()).toBe(false)
    again.queue(statistics).submit([told([4, 2])])
    again.run(statistics)
    expect(device.askStatistics()).toBe(true)
  })
})
