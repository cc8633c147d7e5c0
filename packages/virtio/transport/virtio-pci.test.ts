/** The transport from the driver's side: what may be negotiated and set when, resets, and the other ways in. */
import { describe, expect, it } from 'vitest'
import { rngHandler, rngModel } from '../index.ts'
import { TestDriver } from '../testing.ts'

const handler = rngHandler((count) => new Uint8Array(count).fill(7))
const open = (options = {}) => new TestDriver(rngModel('rng0'), handler, options)

describe('negotiation', () => {
  it.each([
    ['without VERSION_1', [28]],
    ['with a feature that was not offered', [32, 5]],
    ['with another that was not offered', [32, 63]],
  ])('%s is refused', (_, features) => {
    const driver = open()
    expect(driver.negotiate(features)).toBe(false)
    driver.status = 15
    expect(driver.status & 12).toBe(0)
  })

  it('offers what the device has, in words of 32', () => {
    const driver = open()
    const words = [0, 1, 2, 99].map((select) => {
      driver.write(1, 0, select)
      return driver.read(1, 4)
    })
    expect(words).toEqual([0x3000_0000, 0x101, 0, 0])
  })

  it('is over with FEATURES_OK', () => {
    const driver = open()
    driver.negotiate([28, 32])
    driver.write(1, 8, 0)
    driver.write(1, 12, 0)
    expect(driver.read(1, 12)).toBe(1 << 28)
  })
})

describe('queues', () => {
  it('that do not exist have size 0 and keep nothing', () => {
    const driver = open()
    expect(driver.read(1, 18, 2)).toBe(1)
    driver.write(1, 22, 1, 2)
    for (const offset of [24, 26, 28, 32, 52]) driver.write(1, offset, 1, 4)
    expect([driver.read(1, 24, 2), driver.read(1, 26, 2), driver.read(1, 28, 2), driver.read(1, 32)]).toEqual(
      [0, 0xffff, 0, 0],
    )
  })

  it('take sizes that are powers of two and not too large', () => {
    const driver = open()
    for (const [size, kept] of [
      [0, 64],
      [3, 64],
      [128, 64],
      [0x8000, 64],
      [16, 16],
      [1, 1],
    ] as const) {
      driver.write(1, 24, size, 2)
      expect([size, driver.read(1, 24, 2)]).toEqual([size, kept])
    }
  })

  it('are not enabled before FEATURES_OK, and do not change after', () => {
    const driver = open()
    driver.setUpQueue()
    expect(driver.read(1, 28, 2)).toBe(0)
    driver.negotiate()
    driver.setUpQueue()
    expect(driver.read(1, 28, 2)).toBe(1)
    driver.write(1, 24, 4, 2)
    driver.write(1, 32, 0)
    driver.write(1, 28, 0, 2)
    expect([driver.read(1, 24, 2), driver.read(1, 32), driver.read(1, 28, 2)]).toEqual([8, 0x8000_0000, 1])
  })

  it.each([
    [32, 8],
    [40, 1],
    [48, 2],
  ])('with register %i off by %i need a reset', (register, off) => {
    const driver = open()
    driver.negotiate()
    driver.write(1, register, 0x8000_0000 + off)
    driver.write(1, 28, 1, 2)
    expect([driver.read(1, 28, 2), driver.status & 64]).toEqual([0, 64])
  })

  it('have only vectors that exist', () => {
    const driver = open()
    for (const offset of [16, 26]) {
      driver.write(1, offset, 1, 2)
      expect(driver.read(1, offset, 2)).toBe(1)
      driver.write(1, offset, 2, 2)
      expect(driver.read(1, offset, 2)).toBe(0xffff)
    }
  })

  it('are not served before DRIVER_OK, nor without bus mastering', () => {
    const driver = open()
    driver.negotiate()
    driver.setUpQueue()
    driver.submit([4])
    driver.run()
    expect(driver.completed()).toEqual([])
    driver.status = 15
    driver.device.storeConfig(4, 2, 2)
    driver.run()
    expect(driver.completed()).toEqual([])
    driver.device.storeConfig(4, 2, 6)
    driver.run()
    expect(driver.completed()).toMatchObject([{ written: 4, data: Uint8Array.of(7, 7, 7, 7) }])
  })
})

describe('a kick', () => {
  it('sets a bit and rings, and does no more', () => {
    const driver = open().start()
    driver.submit([4])
    const rung = driver.bell.count()
    driver.notify()
    expect([driver.bell.count(), driver.completed()]).toEqual([rung + 1, []])
    driver.serve()
    expect(driver.completed().length).toBe(1)
  })

  it('of a queue that does not exist is nothing', () => {
    const driver = open().start()
    const rung = driver.bell.count()
    driver.notify(1)
    driver.notify(900)
    expect(driver.bell.count()).toBe(rung)
  })
})

describe('a reset', () => {
  it('undoes all that a driver set up', () => {
    const driver = open().start()
    driver.status = 0
    expect([driver.status, driver.read(1, 28, 2), driver.read(1, 24, 2), driver.read(1, 26, 2)]).toEqual([
      0, 0, 64, 0xffff,
    ])
    driver.write(1, 8, 1)
    expect([driver.read(1, 12), driver.read(1, 32), driver.read(1, 16, 2)]).toEqual([0, 0, 0xffff])
  })

  it('waits while the device is being served, and the driver sees that', () => {
    const driver = open().start()
    expect(driver.device.acquire()).toBe(true)
    driver.status = 0
    expect([driver.status, driver.device.resetAsked]).toEqual([15, true])
    expect(driver.device.release()).toBe(true)
    driver.serve()
    expect([driver.status, driver.device.resetAsked]).toEqual([0, false])
  })
})

describe('the reset of a queue', () => {
  const ringReset = 40

  it('that was not agreed on is nothing', () => {
    const driver = open().start()
    driver.write(1, 58, 1, 2)
    expect([driver.read(1, 28, 2), driver.read(1, 58, 2)]).toEqual([1, 0])
  })

  it('undoes what the driver set up of it, and it may be set up again', () => {
    const driver = open({ features: [ringReset] }).start()
    driver.submit([4])
    driver.run()
    driver.write(1, 58, 1, 2)
    expect([driver.read(1, 58, 2), driver.read(1, 28, 2), driver.read(1, 24, 2), driver.status]).toEqual([
      0, 0, 64, 15,
    ])
    driver.memory.bytes.fill(0, 0, 0x3000)
    const again = new TestDriver(driver.device.model, handler, { words: driver.words })
    again.setUpQueue()
    again.submit([4])
    again.run()
    expect(again.completed()).toMatchObject([{ written: 4 }])
  })

  it('waits while the device is being served, and the driver sees that', () => {
    const driver = open({ features: [ringReset] }).start()
    expect(driver.device.acquire()).toBe(true)
    driver.write(1, 58, 1, 2)
    expect([driver.read(1, 58, 2), driver.read(1, 28, 2)]).toEqual([1, 1])
    driver.device.release()
    driver.serve()
    expect([driver.read(1, 58, 2), driver.read(1, 28, 2)]).toEqual([0, 0])
  })
})

describe('without MSI-X', () => {
  it('the pin is pulled, and reading the ISR takes it back', () => {
    const driver = open({ interrupts: 'pin' }).start()
    driver.submit([4])
    driver.run()
    expect([driver.pin, driver.messages]).toEqual([true, []])
    expect([driver.read(3, 0, 1), driver.pin, driver.read(3, 0, 1)]).toEqual([1, false, 0])
    driver.makeAvailable(77)
    driver.run()
    expect([driver.pin, driver.read(3, 0, 1)]).toEqual([true, 2])
  })
})

describe('access by configuration space', () => {
  const access = (driver: TestDriver, bar: number, offset: number, length: number) => {
    const at = driver.capabilityAt(5)
    driver.device.storeConfig(at + 4, 1, bar)
    driver.device.storeConfig(at + 8, 4, offset)
    driver.device.storeConfig(at + 12, 4, length)
    return at + 16
  }

  it('reaches the registers', () => {
    const driver = open()
    const data = access(driver, 4, 20, 1)
    driver.device.storeConfig(data, 1, 3)
    expect([driver.status, driver.device.loadConfig(data, 1)]).toEqual([3, 3])
  })

  it.each([
    ['a BAR that is not there', 0, 0, 4],
    ['beyond the BAR', 4, 0x4000, 4],
    ['far beyond', 4, 0xffff_fffc, 4],
    ['a length that is none', 4, 0, 3],
    ['an offset that is not aligned', 4, 2, 4],
  ])('%s does nothing', (_, bar, offset, length) => {
    const driver = open()
    const data = access(driver, bar, offset, length)
    driver.device.storeConfig(data, 4, 0x55)
    expect(driver.device.loadConfig(data, 4)).toBe(0x55)
  })
})

describe('snapshot', () => {
  it('carries a queue under way to fresh objects', async () => {
    const one = open().start()
    one.submit([4])
    one.run()
    await one.device.pause()
    const words = one.words.slice()
    const snapshot = one.device.snapshot()
    const two = new TestDriver(rngModel('rng0'), handler)
    await two.device.pause()
    expect(two.device.restore(snapshot).ok).toBe(true)
    expect(two.words.subarray(1)).toEqual(words.subarray(1))
  })
})
