/** A power button under attack: it is pressed at any time. */

import { assert } from '@virga/base'
import { ButtonDevice, buttonModel } from '../index.ts'
import { anyBytes, type HostileTarget, type Move } from './hostile-driver.ts'
import type { Seeded } from './seeded.ts'

/** A power button. */
export function hostileButton(_random: Seeded): HostileTarget {
  const presses: Move = (driver) => driver.device.ask()
  const selects: Move = (driver, random) => {
    driver.write(4, 0, random.of([0, 1, 2, 3, 0x10, 0x11, 0x12, 255]), 1)
    driver.write(4, 1, random.below(3), 1)
    assert(driver.read(4, 2, 1) <= 128, 'an answer fits')
  }
  const submits: Move = (driver, random) => {
    const queue = random.of(driver.queues)
    queue.submit([random.of([8, 8, 8, 7, anyBytes(random, 8)])], random.of(['direct', 'indirect']))
    driver.notify(queue.index)
  }
  return {
    model: buttonModel('button0'),
    handler: new ButtonDevice(),
    features: [],
    moves: [presses, selects, submits, submits, submits, submits],
    verify: () => undefined,
    behave: (sane) => {
      sane.serve()
      sane.completed()
      for (let i = 0; i < 4; i++) sane.submit([8])
      sane.device.ask()
      sane.serve()
      assert(sane.completed().length === 4, 'a press is heard')
    },
  }
}
