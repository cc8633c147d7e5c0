/** The network device from the driver's side: what is refused, then frames out, frames in, control and the link. */
import { describe, expect, it } from 'vitest'
import { NetDevice, netFeature, netModel, netOffload } from '../index.ts'
import { LoopWire, Places, TestDriver } from '../testing.ts'

const headerBytes = 12
const own = 0x0200_0000_0011
const [rx, tx, control] = [0, 1, 2]
const merging = [netFeature.mergeableBuffers]
const controlled = [
  netFeature.controlQueue,
  netFeature.controlReceive,
  netFeature.controlMac,
  netFeature.guestAnnounce,
]

function open(features: readonly number[] = merging, queueSize = 8) {
  const wire = new LoopWire()
  const device = new NetDevice(wire)
  const driver = new TestDriver(netModel('net0', { mac: own, mtu: 1450 }), device, {
    features: [...features, netFeature.status, 28, 29],
    queueSize,
  })
  return { wire, device, driver: driver.start() }
}

/** Header and frame of so many bytes: each is its index. */
const frame = (bytes: number, to = 0xffff_ffff_ffff) => {
  const all = Uint8Array.from({ length: headerBytes + bytes }, (_, i) => i)
  all.fill(0, 0, headerBytes)
  for (let i = 0; i < 6; i++) all[headerBytes + i] = Math.floor(to / 2 ** (40 - 8 * i))
  return all
}

describe('a driver that is broken', () => {
  it.each([
    ['sends nothing', tx, [headerBytes - 1]],
    ['sends less than a header', tx, [new Uint8Array(headerBytes - 1)]],
    ['sends a buffer to write', tx, [frame(60), 1]],
    ['gives a command without its header', control, [Uint8Array.of(0), 1]],
    ['gives a command without room for the answer', control, [Uint8Array.of(0, 0, 1)]],
  ])('%s and needs a reset', (_, queue, parts) => {
    const { driver, wire } = open(controlled)
    driver.queue(queue).submit(parts)
    driver.run(queue)
    expect([driver.status & 64, wire.sent]).toEqual([64, []])
  })

  it('has no buffer to write to receive into, and needs a reset', () => {
    const { driver, wire, device } = open()
    driver.queue(rx).submit([new Uint8Array(2000)])
    expect(wire.deliver(device, frame(60))).toBe(0)
    device.receiver.flush()
    expect(driver.status & 64).toBe(64)
  })

  it('comes back by a reset', () => {
    const { driver, device, wire } = open()
    driver.queue(tx).submit([new Uint8Array(3)])
    driver.run(tx)
    driver.status = 0
    const again = new TestDriver(driver.device.model, device, { words: driver.words }).start()
    again.queue(tx).submit([frame(60)])
    again.run(tx)
    expect([again.status & 64, wire.sent.length]).toEqual([0, 1])
  })
})

describe('frames out', () => {
  it('are handed on in order, however they are cut, and their buffers come back', () => {
    const { driver, wire } = open()
    const [one, two] = [frame(60), frame(1400)]
    driver.queue(tx).submit([one.subarray(0, 5), one.subarray(5)])
    driver.queue(tx).submit([two], 'indirect')
    driver.run(tx)
    expect(wire.sent).toEqual([one, two])
    expect(
      driver
        .queue(tx)
        .completed()
        .map(({ written }) => written),
    ).toEqual([0, 0])
    expect([wire.flushes > 0, driver.messages]).toEqual([true, [2]])
  })

  it('that can be none are dropped, and their buffers come back', () => {
    const { driver, wire } = open()
    driver.queue(tx).submit([frame(13)])
    driver.queue(tx).submit([frame(65_554)])
    driver.queue(tx).submit([frame(65_535 + 18)])
    driver.run(tx)
    expect([wire.sent.map((sent) => sent.length), driver.queue(tx).completed().length]).toEqual([
      [headerBytes + 65_553],
      3,
    ])
  })

  it('of more than a batch are published in between', () => {
    const { driver, wire } = open(merging, 64)
    for (let i = 0; i < 64; i++) driver.queue(tx).submit([frame(60)])
    driver.run(tx)
    expect([wire.sent.length, wire.flushes]).toEqual([64, 3])
  })
})

describe('frames in', () => {
  it('find no room without buffers, nor in too few, and take none then', () => {
    const { driver, wire, device } = open()
    expect(wire.deliver(device, frame(60))).toBe(0)
    driver.queue(rx).submit([100])
    expect(wire.deliver(device, frame(100))).toBe(0)
    expect(wire.deliver(device, frame(88))).toBe(1)
    device.receiver.flush()
    expect(driver.queue(rx).completed()).toMatchObject([{ written: 100, data: frame(88) }])
    expect([device.receiver.refused, driver.messages]).toEqual([2, [1]])
  })

  it('are spread over buffers, with one interrupt for a batch', () => {
    const { driver, wire, device } = open()
    for (let i = 0; i < 4; i++) driver.queue(rx).submit([40, 60])
    const [one, two] = [frame(238), frame(60)]
    expect([wire.deliver(device, one), wire.deliver(device, two)]).toEqual([3, 1])
    expect([driver.queue(rx).completed(), driver.messages]).toEqual([[], []])
    device.receiver.flush()
    const done = driver.queue(rx).completed()
    expect(done.map(({ written }) => written)).toEqual([100, 100, 50, 72])
    const bytes = done.slice(0, 3).flatMap(({ data, written }) => [...data.subarray(0, written)])
    expect(Uint8Array.from(bytes)).toEqual(one)
    expect(done[3]?.data.subarray(0, 72)).toEqual(two)
    expect(driver.messages).toEqual([1])
  })

  it('go into one chain where buffers are not merged', () => {
    const { driver, wire, device } = open([])
    driver.queue(rx).submit([100])
    driver.queue(rx).submit([100])
    expect([wire.deliver(device, frame(100)), wire.deliver(device, frame(60))]).toEqual([0, 1])
  })

  it('that were reserved and not committed leave the buffers', () => {
    const { driver, wire, device } = open()
    driver.queue(rx).submit([100])
    expect(device.receiver.reserve(72, new Places())).toBe(1)
    expect(wire.deliver(device, frame(80))).toBe(1)
    device.receiver.flush()
    expect(driver.queue(rx).completed()).toMatchObject([{ written: 92 }])
  })

  it('go nowhere before the driver is ready, and what it agreed to is told after', () => {
    const wire = new LoopWire()
    const device = new NetDevice(wire)
    const driver = new TestDriver(netModel('net0', { mac: own, mtu: 1500 }), device, {
      features: [1, 7, 9],
    })
    driver.queue(rx).submit([100])
    expect([wire.deliver(device, frame(60)), device.receiver.offloads]).toEqual([0, 0])
    driver.start()
    expect(device.receiver.offloads).toBe(netOffload.checksum | netOffload.tcp4 | netOffload.ecn)
    expect(wire.deliver(device, frame(60))).toBe(1)
    driver.status = 0
    expect(driver.status).toBe(15)
    device.receiver.flush()
    driver.serve()
    expect([driver.status, device.receiver.offloads]).toEqual([0, 0])
  })
})

describe('control', () => {
  const ask = ({ driver }: ReturnType<typeof open>, ...bytes: number[]) => {
    driver.queue(control).submit([Uint8Array.from(bytes), 1])
    driver.run(control)
    return driver.queue(control).completed()[0]?.data[0]
  }
  const mac = (value: number) =>
    Array.from({ length: 6 }, (_, i) => Math.floor(value / 2 ** (40 - 8 * i)) & 255)
  const [friend, group] = [0x0200_0000_0022, 0x0100_5e00_0001]

  it.each([
    ['of an unknown class', [9, 0, 1]],
    ['unknown in its class', [0, 9, 1]],
    ['with too much', [0, 0, 1, 1]],
    ['of tables cut off', [1, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0]],
    ['of tables without end', [1, 0, 255, 255, 255, 255]],
    ['of tables with more behind', [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]],
    ['of a group address', [1, 1, ...mac(group)]],
    ['of no address', [1, 1, ...mac(0)]],
    ['of 5 kB', [1, 0, ...new Array<number>(5000).fill(0)]],
  ])('refuses a command %s', (_, bytes) => expect(ask(open(controlled), ...bytes)).toBe(1))

  it('refuses what was not negotiated', () => {
    const bench = open([netFeature.controlQueue])
    expect([ask(bench, 0, 0, 0), ask(bench, 1, 1, ...mac(friend)), ask(bench, 3, 0)]).toEqual([1, 1, 1])
  })

  it('lets pass what the driver wants, and counts the rest', () => {
    const bench = open(controlled, 64)
    const { driver, device, wire } = bench
    const passes = () => {
      const found = [own, friend, group, 0xffff_ffff_ffff].map((to) => {
        driver.queue(rx).submit([100])
        wire.deliver(device, frame(60, to))
        device.receiver.flush()
        return driver.queue(rx).completed().length
      })
      return found.join('')
    }
    expect(passes()).toBe('1111')
    expect([ask(bench, 0, 0, 0), passes()]).toEqual([0, '1001'])
    expect([ask(bench, 0, 1, 1), passes()]).toEqual([0, '1011'])
    expect([ask(bench, 0, 1, 0), passes()]).toEqual([0, '1001'])
    expect([ask(bench, 1, 0, 1, 0, 0, 0, ...mac(friend), 1, 0, 0, 0, ...mac(group)), passes()]).toEqual([
      0,
      '1111',
    ])
    expect([ask(bench, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0), passes()]).toEqual([0, '1001'])
    expect([ask(bench, 1, 1, ...mac(friend)), passes()]).toEqual([0, '0101'])
    expect([driver.read(4, 0, 4), driver.read(4, 4, 2)]).toEqual([2, 0x2200])
    expect(device.receiver.filtered).toBe(2 + 1 + 2 + 2 + 2)
  })
})

describe('the link', () => {
  it('is told, with a new generation and an interrupt, and carries nothing while it is down', () => {
    const { driver, device, wire } = open()
    expect([driver.read(4, 6, 2), driver.read(4, 10, 2)]).toEqual([1, 1450])
    const before = driver.read(1, 21, 1)
    device.setLink('down')
    expect([driver.read(4, 6, 2), driver.read(1, 21, 1) - before, driver.messages]).toEqual([0, 1, [0]])
    driver.queue(rx).submit([100])
    driver.queue(tx).submit([frame(60)])
    driver.run(tx)
    expect([wire.sent, driver.queue(tx).completed().length, wire.deliver(device, frame(60))]).toEqual([
      [],
      1,
      0,
    ])
    device.setLink('down')
    expect(driver.messages).toEqual([0, 2])
    device.setLink('up')
    expect([driver.read(4, 6, 2), wire.deliver(device, frame(60))]).toEqual([1, 1])
  })

  it('is announced until the driver has seen it', () => {
    const bench = open(controlled)
    bench.device.announce()
    expect([bench.driver.read(4, 6, 2), bench.driver.messages]).toEqual([3, [0]])
    bench.driver.queue(control).submit([Uint8Array.of(3, 0), 1])
    bench.driver.run(control)
    expect(bench.driver.read(4, 6, 2)).toBe(1)
  })

  it('leaves the configuration as it is when a driver writes there', () => {
    const { driver } = open()
    for (let at = 0; at < 12; at += 2) driver.write(4, at, 0xffff, 2)
    expect([driver.read(4, 0, 4), driver.read(4, 6, 2), driver.read(4, 10, 2)]).toEqual([2, 1, 1450])
  })
})
