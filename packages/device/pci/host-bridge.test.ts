/** The bridge's windows: who answers, who does not, and where pins end. */
import { describe, expect, it } from 'vitest'
import type { MmioDevice } from '../bus.ts'
import { header } from './config-header.ts'
import { drivePins, hostBridgeWindows, swizzle } from './host-bridge.ts'
import { createFunctionBench } from './testing.ts'

const config = { base: 0x3000_0000, bytes: 0x1000_0000 }
const memory = [{ base: 0x4000_0000, bytes: 0x4000_0000 }]

function openBridge() {
  const two = createFunctionBench().function
  const five = createFunctionBench().function
  const slots = [
    { device: 2, function: two },
    { device: 5, function: five },
  ]
  const [ecam, window] = hostBridgeWindows(slots, { config, memory }) as [MmioDevice, MmioDevice]
  return { two, five, slots, ecam, window }
}

const address = (bus: number, device: number, number = 0) => (bus << 20) | (device << 15) | (number << 12)

describe('slots', () => {
  it('hold one device each, and are 32', () => {
    const { two } = openBridge()
    const at = (...numbers: number[]) =>
      hostBridgeWindows(
        numbers.map((device) => ({ device, function: two })),
        { config, memory },
      )
    expect(() => at(3, 3)).toThrow('one device')
    expect(() => at(32)).toThrow('32 slots')
  })
})

describe('the configuration window', () => {
  it('reads all ones where there is no function', () => {
    const { ecam } = openBridge()
    for (const at of [address(0, 0), address(0, 2, 1), address(1, 2), address(255, 31, 7)]) {
      expect([ecam.load(at, 4), ecam.load(at, 2), ecam.load(at, 1)]).toEqual([0xffff_ffff, 0xffff, 0xff])
      ecam.store(at, 4, 0)
    }
  })

  it('reaches each function by its slot', () => {
    const { ecam, five } = openBridge()
    ecam.store(address(0, 5) + header.interruptLine, 1, 7)
    expect([ecam.load(address(0, 5) + header.interruptLine, 1), five.loadConfig(0x3c, 1)]).toEqual([7, 7])
    expect(ecam.load(address(0, 2) + header.interruptLine, 1)).toBe(0)
  })
})

describe('a memory window', () => {
  it('reads all ones where no BAR is', () => {
    const { window } = openBridge()
    expect(window.load(0x1234, 4)).toBe(0xffff_ffff)
    window.store(0x1234, 4, 0)
  })

  it('reaches the BAR that is there, and follows it when it moves', () => {
    const { window, ecam, two, five } = openBridge()
    for (const device of [2, 5]) {
      ecam.store(address(0, device) + header.bar + 16, 4, 0x4000_0000 + device * 0x10_0000)
      ecam.store(address(0, device) + header.command, 2, 2)
    }
    expect(window.load(0x20_0040, 4)).toBe(0x40)
    window.store(0x50_0008, 2, 99)
    expect([two.stores, five.stores]).toEqual([[], [[8, 2, 99]]])
    ecam.store(address(0, 5) + header.bar + 16, 4, 0x4070_0000)
    expect([window.load(0x50_0008, 4), window.load(0x70_0008, 4)]).toEqual([0xffff_ffff, 8])
  })
})

describe('pins', () => {
  it('are turned by the slot', () => {
    expect([1, 2, 3, 4].map((pin) => swizzle(0, pin))).toEqual([0, 1, 2, 3])
    expect([0, 1, 2, 3, 4].map((device) => swizzle(device, 1))).toEqual([0, 1, 2, 3, 0])
  })

  it('share a wire that is high while any of them is', () => {
    const { two, slots, five } = openBridge()
    const levels = [false, false, false, false]
    const shared = [...slots, { device: 6, function: createFunctionBench().function }]
    const lines = levels.map((_, i) => ({
      set: (level: boolean) => {
        levels[i] = level
      },
    }))
    two.pull(true)
    shared[2]?.function.pull(true)
    drivePins(shared, lines)
    expect(levels).toEqual([false, false, true, false])
    two.pull(false)
    five.pull(true)
    drivePins(shared, lines)
    expect(levels).toEqual([false, true, true, false])
  })
})
