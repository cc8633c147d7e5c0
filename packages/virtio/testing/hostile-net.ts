/** A network device under attack: frames come from the wire at any time, and what is sent has bounds. */

import { assert } from '@virga/base'
import { NetDevice, netFeature, netModel } from '../index.ts'
import { anyBytes, anyValue, type HostileTarget, type Move } from './hostile-driver.ts'
import { LoopWire } from './loop-wire.ts'
import type { Seeded } from './seeded.ts'

const [rx, tx, control] = [0, 1, 2]
const sentBytesMax = 12 + 18 + 0xffff

/** A network device whose wire keeps what is sent. */
export function hostileNet(_random: Seeded): HostileTarget {
  const wire = new LoopWire()
  const device = new NetDevice(wire)
  const arrives: Move = (_driver, random) => {
    for (let frames = random.below(4); frames >= 0; frames--)
      wire.deliver(device, anyBytes(random, 12 + random.of([14, 60, 60, 900])))
    device.receiver.flush()
  }
  const plugs: Move = (_driver, random) => device.setLink(random.of(['up', 'up', 'down']))
  return {
    model: netModel('net0', { mac: 0x0200_0000_0001, mtu: 1500 }),
    handler: device,
    features: Object.values(netFeature),
    moves: [arrives, arrives, room, room, sends, sends, commands, commands, plugs, () => device.announce()],
    verify: () => assert(wire.sent.every(fits), 'a frame that is sent has its bounds'),
    behave: (sane) => {
      device.setLink('up')
      wire.sent.length = 0
      sane.queue(tx).submit([new Uint8Array(72)])
      sane.run(tx)
      sane.queue(rx).submit([100])
      assert(wire.sent.length === 1 && sane.queue(tx).completed().length === 1, 'a sane frame is sent')
      assert(wire.deliver(device, new Uint8Array(72)) === 1, 'there is room for a frame')
      device.receiver.flush()
      assert(sane.queue(rx).completed()[0]?.written === 72, 'which is received')
    },
  }
}

const fits = ({ length }: Uint8Array) => length >= 12 + 14 && length <= sentBytesMax

const shapes = ['direct', 'indirect'] as const

const room: Move = (driver, random) => {
  const sizes = [1, 11, 12, 100, 1536, 1536, 4096]
  const parts = Array.from({ length: 1 + random.below(3) }, () => random.of(sizes))
  driver.queue(rx).submit(parts, random.of(shapes))
}

const sends: Move = (driver, random) => {
  const frame =
    random.below(16) === 0 ? new Uint8Array(70_000) : anyBytes(random, random.of([1, 14, 60, 900]))
  const parts = [anyBytes(random, 12), frame]
  driver.queue(tx).submit(random.below(8) === 0 ? [...parts, 4] : parts, random.of(shapes))
  driver.notify(tx)
}

const commands: Move = (driver, random) => {
  const [kind, command] = [random.of([0, 1, 1, 3, 9]), random.below(3)]
  const data = random.of([
    new Uint8Array(5000),
    anyBytes(random, random.of([0, 1, 6, 8, 20])),
    Uint8Array.of(1, 0, 0, 0, 2, 0, 0, 0, 0, 1, anyValue(random) % 3, 0, 0, 0),
  ])
  driver.queue(control).submit([Uint8Array.of(kind, command, ...data), random.of([0, 1, 1, 1])])
  driver.notify(control)
}
