/** A balloon under attack: somebody asks for statistics and changes its size at any time. */

import { assert } from '@virga/base'
import { BalloonDevice, balloonFeature, balloonModel, type PageRun } from '../index.ts'
import { anyBytes, anyValue, type HostileTarget, type Move } from './hostile-driver.ts'
import type { Seeded } from './seeded.ts'

const [inflate, deflate, statistics, reporting] = [0, 1, 2, 3]

/** A balloon whose pages are listed. */
export function hostileBalloon(_random: Seeded): HostileTarget {
  const released: PageRun[] = []
  const device = new BalloonDevice({ release: (runs) => released.push(...runs) })
  const asks: Move = () => device.askStatistics()
  const resizes: Move = (driver, random) =>
    driver.device.changeConfig(0, new Uint8Array(Uint32Array.of(anyValue(random)).buffer))
  return {
    model: balloonModel('balloon0'),
    handler: device,
    features: Object.values(balloonFeature),
    moves: [asks, asks, resizes, submits, submits, submits],
    verify: () => assert(released.every(isWhole), 'whole pages are released'),
    behave: (sane) => {
      released.length = 0
      sane.queue(inflate).submit([Uint8Array.of(1, 0, 8, 0)])
      sane.run(inflate)
      assert(released[0]?.gpa === 0x8000_1000 && released.length === 1, 'a page is released')
      sane.queue(statistics).submit([new Uint8Array(10)])
      sane.run(statistics)
      assert(device.askStatistics(), 'there are statistics')
    },
  }
}

const isWhole = ({ gpa, pages }: PageRun) => gpa % 4096 === 0 && pages > 0 && gpa >= 0 && pages <= 2 ** 20

const submits: Move = (driver, random) => {
  const queue = driver.queue(
    random.of([inflate, inflate, deflate, statistics, statistics, reporting, reporting]),
  )
  const parts = random.of([
    [anyBytes(random, random.of([4, 8, 400, 7]))],
    [random.of([4096, 8192, 1, 10_000])],
    [anyBytes(random, 10), 10],
  ])
  queue.submit(parts, random.of(['direct', 'indirect']))
  driver.notify(queue.index)
}
