/** The power button from the driver's side: what it says of itself, and presses. */
import { describe, expect, it } from 'vitest'
import { ButtonDevice, buttonModel } from '../index.ts'
import { TestDriver } from '../testing.ts'

const open = () => new TestDriver(buttonModel('button0'), new ButtonDevice()).start()

/** What the device answers to a question of its configuration. */
function ask(driver: TestDriver, select: number, subselect: number): number[] {
  driver.write(4, 0, select, 1)
  driver.write(4, 1, subselect, 1)
  return Array.from({ length: driver.read(4, 2, 1) }, (_, i) => driver.read(4, 8 + i, 1))
}

/** Type, code and value of events that arrived. */
const events = (driver: TestDriver) => driver.completed().map(({ data }) => [data[0], data[2], data[4]])

describe('a question', () => {
  it.each([
    ['nobody knows', 0x12, 0],
    ['of keys of another type', 0x11, 2],
    ['of a second name', 1, 1],
    ['of nothing', 0, 0],
  ])('%s has no answer', (_, select, subselect) => expect(ask(open(), select, subselect)).toEqual([]))

  it('is answered: name, ids, keys', () => {
    const driver = open()
    expect(new TextDecoder().decode(Uint8Array.from(ask(driver, 1, 0)))).toBe('Virga power button')
    expect(ask(driver, 3, 0)).toEqual([6, 0, 0xf4, 0x1a, 1, 0, 1, 0])
    expect(ask(driver, 0x11, 1)).toEqual([...new Array<number>(14).fill(0), 1 << 4])
    driver.write(4, 8, 0xff, 1)
    driver.write(4, 2, 0xff, 1)
    expect([driver.read(4, 2, 1), driver.read(4, 8, 1)]).toEqual([15, 0])
  })
})

describe('a press', () => {
  it('is nothing while the driver has no room for all of it', () => {
    const driver = open()
    for (let i = 0; i < 3; i++) driver.submit([8])
    driver.device.ask()
    driver.serve()
    expect([events(driver), driver.messages, driver.status & 64]).toEqual([[], [], 0])
  })

  it('is the key down and up, with one interrupt', () => {
    const driver = open()
    for (let i = 0; i < 6; i++) driver.submit([8])
    driver.device.ask()
    driver.serve()
    expect(events(driver)).toEqual([
      [1, 116, 1],
      [0, 0, 0],
      [1, 116, 0],
      [0, 0, 0],
    ])
    expect(driver.messages).toEqual([1])
    driver.serve()
    expect(events(driver)).toEqual([])
  })

  it('before the driver is ready waits for it', () => {
    const driver = new TestDriver(buttonModel('button0'), new ButtonDevice())
    driver.device.ask()
    driver.serve()
    for (let i = 0; i < 4; i++) driver.submit([8])
    driver.start()
    driver.serve()
    expect(events(driver).length).toBe(4)
  })

  it('into buffers that are too short proves the driver broken', () => {
    const driver = open()
    for (let i = 0; i < 4; i++) driver.submit([7])
    driver.device.ask()
    driver.serve()
    expect(driver.status & 64).toBe(64)
  })
})
