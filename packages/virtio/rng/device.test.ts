/** The entropy device: broken requests, then random bytes. */
import { describe, expect, it } from 'vitest'
import { rngHandler, rngModel } from '../index.ts'
import { TestDriver } from '../testing.ts'

const open = () =>
  new TestDriver(
    rngModel('rng0'),
    rngHandler((count) => new Uint8Array(count).fill(9)),
  ).start()

describe('a request', () => {
  it.each([
    ['with bytes to read', [Uint8Array.of(1), 4]],
    ['without room', [0]],
  ])('%s is a broken driver', (_, parts) => {
    const driver = open()
    driver.submit(parts)
    driver.run()
    expect(driver.status & 64).toBe(64)
  })

  it('is filled, up to 4 KiB', () => {
    const driver = open()
    driver.submit([3, 5])
    driver.submit([9000])
    driver.run()
    expect(driver.completed()).toMatchObject([
      { written: 8, data: new Uint8Array(8).fill(9) },
      { written: 4096 },
    ])
  })
})
