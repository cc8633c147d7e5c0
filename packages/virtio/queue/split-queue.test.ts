/** Split queues from the driver's side: malformed ones first, then direct and indirect chains, and notifications. */
import { describe, expect, it } from 'vitest'
import type { ChainHandler, VirtioModel } from '../model.ts'
import { layout, TestDriver } from '../testing.ts'

const indirect = 28
const eventIndex = 29
const model: VirtioModel = {
  name: 'echo',
  kind: 'echo',
  type: 1,
  classCode: 0,
  features: [],
  queueSizes: [8],
  config: new Uint8Array(0),
}
/** Writes back what it reads, as much as fits. */
const echo: ChainHandler = {
  serve(_queue, chain) {
    const bytes = new Uint8Array(Math.min(chain.readableBytes, chain.writableBytes))
    return chain.read(0, bytes) && chain.write(0, bytes) ? bytes.length : 'broken'
  },
}
const open = (features: readonly number[] = [], queueSize = 8) =>
  new TestDriver(model, echo, { features, queueSize }).start()
const bytes = (...values: number[]) => Uint8Array.from(values)
const base = 0x8000_0000
const buffer = { gpa: base + 0x9000, bytes: 16, flags: 0, next: 0 }

describe('a driver that is broken', () => {
  const wrong: [string, RegExp, (driver: TestDriver) => void][] = [
    ['names a head beyond the queue', /descriptor 8 of 8/, (d) => d.makeAvailable(8)],
    [
      'names a next descriptor beyond the queue',
      /descriptor 9 of 8/,
      (d) => {
        d.describe(0, 0, { ...buffer, flags: 1, next: 9 })
        d.makeAvailable(0)
      },
    ],
    [
      'makes a loop',
      /longer than the queue/,
      (d) => {
        d.describe(0, 0, { ...buffer, flags: 1, next: 1 })
        d.describe(0, 1, { ...buffer, flags: 1, next: 0 })
        d.makeAvailable(0)
      },
    ],
    [
      'makes a loop of one',
      /longer than the queue/,
      (d) => {
        d.describe(0, 0, { ...buffer, flags: 3, next: 0 })
        d.makeAvailable(0)
      },
    ],
    [
      'makes more available than the queue holds',
      /9 chains are available/,
      (d) => {
        for (let i = 0; i < 9; i++) d.makeAvailable(0)
      },
    ],
    [
      'reads after it writes',
      /to read follows one to write/,
      (d) => {
        d.describe(0, 0, { ...buffer, flags: 3, next: 1 })
        d.describe(0, 1, buffer)
        d.makeAvailable(0)
      },
    ],
    ...[0, 0x7fff_fff8, base + 2 ** 20 - 8, 2 ** 40, 2 ** 64 - 2 ** 12].map(
      (gpa): [string, RegExp, (driver: TestDriver) => void] => [
        `has a buffer at 0x${gpa.toString(16)}`,
        /buffer is no memory/,
        (d) => {
          d.describe(0, 0, { ...buffer, gpa })
          d.makeAvailable(0)
        },
      ],
    ),
    [
      'has a buffer of 4 GiB',
      /no memory/,
      (d) => {
        d.describe(0, 0, { ...buffer, bytes: 0xffff_ffff })
        d.makeAvailable(0)
      },
    ],
    [
      'uses an indirect table that was not negotiated',
      /not negotiated/,
      (d) => d.submit([bytes(1)], 'indirect'),
    ],
  ]
  it.each(wrong)('and %s needs a reset', (_, reason, act) => {
    const driver = open()
    act(driver)
    const before = driver.memory.bytes.slice()
    driver.run()
    expect([driver.broken.join(), driver.status & 64, driver.messages]).toEqual([
      expect.stringMatching(reason),
      64,
      [0],
    ])
    expect(Buffer.compare(driver.memory.bytes, before)).toBe(0)
    driver.submit([bytes(1), 1])
    driver.run()
    expect([driver.broken.length, driver.completed()]).toEqual([1, []])
  })

  const wrongTables: [string, RegExp, { gpa: number; bytes: number; flags: number }, number][] = [
    ['is empty', /table has 0 bytes/, { gpa: base + 0x3000, bytes: 0, flags: 4 }, 0],
    ['is cut off', /table has 24 bytes/, { gpa: base + 0x3000, bytes: 24, flags: 4 }, 0],
    ['is no memory', /descriptor is no memory/, { gpa: 0x1000, bytes: 16, flags: 4 }, 0],
    ['has a next one', /has a next one/, { gpa: base + 0x3000, bytes: 16, flags: 5 }, 0],
    ['names another', /in an indirect table/, { gpa: base + 0x3000, bytes: 16, flags: 4 }, 4],
    ['is a loop', /longer than the queue/, { gpa: base + 0x3000, bytes: 16, flags: 4 }, 1],
  ]
  it.each(wrongTables)('and has an indirect table that %s needs a reset', (_, reason, table, flags) => {
    const driver = open([indirect])
    driver.describe(layout.tables, 0, { ...buffer, flags })
    driver.describe(0, 0, { ...table, next: 0 })
    driver.makeAvailable(0)
    driver.run()
    expect(driver.broken.join()).toMatch(reason)
  })

  it('and has longer chains than the queue in an indirect table needs a reset', () => {
    const driver = open([indirect])
    driver.submit([...Array.from({ length: 8 }, () => bytes(1)), 1], 'indirect')
    driver.run()
    expect(driver.broken.join()).toMatch(/longer than the queue/)
  })

  it('comes back by a reset', () => {
    const driver = open()
    driver.makeAvailable(99)
    driver.run()
    driver.status = 0
    expect(driver.status).toBe(0)
    const again = new TestDriver(model, echo, { words: driver.words }).start()
    again.submit([bytes(1, 2), 2])
    again.run()
    expect(again.completed()).toMatchObject([{ written: 2, data: bytes(1, 2) }])
  })
})

describe.each(['direct', 'indirect'] as const)('%s chains', (shape) => {
  it('are served in order, however they are cut, round and round', () => {
    const driver = open([indirect])
    for (let round = 0; round < 50; round++) {
      const heads = [
        driver.submit([bytes(round, 2, 3), bytes(4), 1, 3], shape),
        driver.submit([bytes(round), 2], shape),
      ]
      driver.run()
      expect(driver.completed()).toEqual([
        { head: heads[0], written: 4, data: bytes(round, 2, 3, 4) },
        { head: heads[1], written: 1, data: bytes(round, 0xee) },
      ])
    }
    expect(driver.broken).toEqual([])
  })

  it('may be as long as the queue', () => {
    const driver = open([indirect])
    driver.submit([...Array.from({ length: 7 }, (_, i) => bytes(i)), 7], shape)
    driver.run()
    expect(driver.completed()).toMatchObject([{ written: 7, data: bytes(0, 1, 2, 3, 4, 5, 6) }])
  })
})

describe('interrupts', () => {
  it('come with each completion, unless the driver says no', () => {
    const driver = open()
    driver.submit([bytes(1), 1])
    driver.submit([bytes(1), 1])
    driver.run()
    expect(driver.messages).toEqual([1, 1])
    driver.memory.view.setUint16(layout.available, 1, true)
    driver.submit([bytes(1), 1])
    driver.run()
    expect(driver.messages.length).toBe(2)
  })

  it('come when the event index is passed', () => {
    const driver = open([eventIndex])
    const event = layout.available + 4 + 2 * 8
    driver.memory.view.setUint16(event, 1, true)
    for (let i = 0; i < 3; i++) driver.submit([bytes(1), 1])
    driver.run()
    expect(driver.messages).toEqual([1])
    driver.memory.view.setUint16(event, 3, true)
    driver.submit([bytes(1), 1])
    driver.run()
    expect(driver.messages).toEqual([1, 1])
  })
})

describe('notifications', () => {
  it('are asked for by the event index where the device stopped', () => {
    const driver = open([eventIndex])
    for (let i = 0; i < 3; i++) driver.submit([bytes(1), 1])
    driver.run()
    expect(driver.memory.view.getUint16(layout.used + 4 + 8 * 8, true)).toBe(3)
  })

  it('a pass ends after as many chains as the queue has, so that others get their turn', () => {
    const endless: ChainHandler = {
      serve: (_queue, chain) => {
        driver.makeAvailable(chain.head)
        return ++served > 20 ? 'broken' : 0
      },
    }
    let served = 0
    const driver: TestDriver = new TestDriver(model, endless, {}).start()
    driver.submit([bytes(1)])
    driver.notify()
    expect([driver.service.serve(), served]).toEqual(['more', 8])
    expect([driver.service.serve(), served]).toEqual(['more', 16])
  })
})
