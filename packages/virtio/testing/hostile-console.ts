/** A console under attack: its backend takes little and gives much, and opens and closes ports meanwhile. */

import { assert } from '@virga/base'
import { ConsoleDevice, consoleFeature, consoleModel, consoleQueue } from '../index.ts'
import { anyBytes, type HostileTarget, type Move } from './hostile-driver.ts'
import type { Seeded } from './seeded.ts'

const ports = [{ name: 'tty', use: 'console' }, { name: 'agent' }] as const

/** A console of two ports. */
export function hostileConsole(_random: Seeded): HostileTarget {
  let room = 0
  let got = 0
  const device = new ConsoleDevice(ports, {
    output: (_port, pieces) => {
      const bytes = pieces.reduce((sum, { length }) => sum + length, 0)
      const taken = Math.min(room, bytes)
      room -= taken
      got += taken
      return taken
    },
    inputRoom: (port) => device.input(port, new Uint8Array(10)),
    guestOpened: (port) => device.setHostOpen(port, true),
  })
  const resumes: Move = (_driver, random) => {
    room = random.of([0, 1, 100, 10_000])
    device.resume(random.below(2))
  }
  const types: Move = (_driver, random) => {
    const bytes = anyBytes(random, random.of([0, 1, 100, 5000]))
    const given = device.input(random.below(2), bytes)
    assert(given >= 0 && given <= bytes.length, 'no more is taken than there is')
  }
  const opens: Move = (_driver, random) => device.setHostOpen(random.below(2), random.below(2) === 0)
  return {
    model: consoleModel('console0', ports),
    handler: device,
    features: Object.values(consoleFeature),
    moves: [
      resumes,
      types,
      types,
      opens,
      () => device.resize(80, 25),
      speaks,
      speaks,
      submits,
      submits,
      submits,
    ],
    verify: () => assert(room >= 0, 'the backend takes what it has room for'),
    behave: (sane) => {
      room = 1000
      got = 0
      sane.queue(consoleQueue.out(0)).submit([new Uint8Array(5)])
      sane.run(consoleQueue.out(0))
      assert(got === 5, 'output comes through')
      sane.queue(consoleQueue.in(0)).submit([100])
      assert(device.input(0, new Uint8Array(3)) === 3, 'and input')
    },
  }
}

const speaks: Move = (driver, random) => {
  const [port, event] = [random.of([0, 0, 1, 1, 2, 0xffff_ffff]), random.of([0, 3, 3, 6, 6, 7])]
  const message = new Uint8Array(Uint32Array.of(port, event | (random.below(2) << 16)).buffer)
  driver.queue(consoleQueue.controlOut).submit([message.subarray(0, random.of([8, 8, 8, 7]))])
  driver.notify(consoleQueue.controlOut)
}

const submits: Move = (driver, random) => {
  const queue = random.of(driver.queues)
  const parts = random.of([
    [anyBytes(random, random.of([1, 8, 400]))],
    [random.of([4096, 8, 1, 100])],
    [anyBytes(random, 10), 10],
  ])
  queue.submit(parts, random.of(['direct', 'indirect']))
  driver.notify(queue.index)
}
