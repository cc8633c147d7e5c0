/**
 * A driver that does anything: from a seed, it writes registers, configuration space, rings and descriptors, sane and
 * mad, and lets the device be served in between.
 *
 * Why: a guest may do all of this. Whatever it does, the device must not throw, not go on for ever, and touch nothing but
 * the guest's memory and what its backend lets it; a driver that behaves must be served again after a reset.
 */

import { assert } from '@virga/base'
import type { ChainHandler, VirtioModel } from '../model.ts'
import { TestDriver } from './driver.ts'
import { layout } from './driver-queue.ts'
import { Seeded } from './seeded.ts'

/** Bytes of memory of a driver under attack. */
const memoryBytes = 0x4_0000
const queueSize = 8
/** Where what the driver says lies in memory: it hits that more often than it would by chance. */
const targets = [layout.descriptors, layout.available, layout.used, layout.tables]
/** Values that are often the ones that were not thought of. */
const odd = [
  0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 64, 127, 255, 256, 4095, 4096, 0x7fff, 0x8000, 0xffff, 0xffff_ffff,
]

/** Something that a driver does. */
export type Move = (driver: TestDriver, random: Seeded) => void

/** A device to attack, on a bench of its own. */
export interface HostileTarget {
  readonly model: VirtioModel
  readonly handler: ChainHandler
  /** features that a driver of it may want, besides what every device has */
  readonly features: readonly number[]
  /** what a driver does with this device in particular, and what comes from its backend meanwhile */
  readonly moves: readonly Move[]
  /** asserts what must be so after the attack */
  verify(): void
  /** asserts that a driver that behaves is served; it has just started the device */
  behave(sane: TestDriver): void
}

/** Makes the target; the seed may choose how it is. */
export type MakeTarget = (random: Seeded) => HostileTarget

/** Does what `seed` stands for; throws when the device does what it must not. */
export function attack(make: MakeTarget, seed: number, steps = 60): void {
  const random = new Seeded(seed)
  const target = make(random)
  const driver = new TestDriver(target.model, target.handler, {
    features: [...target.features, 28, 29, 40].filter(() => random.below(2) === 0),
    queueSize,
    memoryBytes,
    interrupts: random.of(['message', 'pin']),
  })
  if (random.below(8) !== 0) driver.start()
  for (let step = 0; step < steps; step++) {
    random.of(random.below(2) === 0 ? target.moves : anyMoves)(driver, random)
  }
  target.verify()
  driver.device.storeConfig(0x20, 4, 0x4010_0000)
  driver.status = 0
  driver.serve()
  assert(driver.status === 0, 'a reset comes to its end')
  const { words } = driver
  target.behave(new TestDriver(target.model, target.handler, { words, memoryBytes }).start())
}

/** Any value, odd ones more often. */
export const anyValue = (random: Seeded) => (random.below(3) === 0 ? random.bits() : random.of(odd))

/** So many bytes of few values, so that some are sane. */
export const anyBytes = (random: Seeded, length: number) =>
  Uint8Array.from({ length }, () => random.below(random.of([2, 4, 256])))

const anyQueue = (driver: TestDriver, random: Seeded) => random.of(driver.queues)

function anyAddress(driver: TestDriver, random: Seeded): number {
  return random.below(6) === 0
    ? random.of([0, driver.memory.base - 8, driver.memory.base + memoryBytes - 8, 2 ** 40, 2 ** 53])
    : driver.memory.base + random.below(memoryBytes / 16) * 16
}

const anyMoves: readonly Move[] = [
  (driver) => driver.serve(),
  (driver) => driver.serve(),
  (driver) => driver.serve(),
  (driver, random) => driver.notify(random.of([0, 1, 2, 3, 4, 5, 31, 1000])),
  (driver, random) => driver.notify(anyQueue(driver, random).index),
  (driver, random) => driver.notify(anyQueue(driver, random).index),
  (driver, random) =>
    anyQueue(driver, random).makeAvailable(random.of([...odd.filter((n) => n < 0x1_0000), 0, 1, 2])),
  (driver, random) => {
    const queue = anyQueue(driver, random)
    const table = random.of([layout.descriptors, layout.tables + 0x200 * random.below(8)])
    queue.describe(queue.at + table, random.below(8), {
      gpa: anyAddress(driver, random),
      bytes: random.below(2) === 0 ? 16 * random.below(8) : anyValue(random),
      flags: random.below(8),
      next: random.below(10),
    })
  },
  // Anything in memory changes under the device.
  (driver, random) => {
    const at = anyQueue(driver, random).at + random.of(targets) + random.below(64)
    driver.memory.bytes[at] = random.below(256)
  },
  (driver, random) => {
    driver.memory.bytes[random.below(memoryBytes)] = random.below(256)
  },
  (driver, random) => driver.write(1, random.below(16) * 4, anyValue(random), random.of([1, 2, 4])),
  (driver, random) => driver.write(1, random.below(64), anyValue(random), 1),
  (driver, random) =>
    driver.write(random.of([3, 4]), random.below(64), anyValue(random), random.of([1, 2, 4])),
  (driver, random) => driver.read(random.of([1, 2, 3, 4]), random.below(16) * 4, random.of([1, 2, 4])),
  (driver, random) => driver.device.storeBar(1, random.below(1024) * 4, 4, anyValue(random)),
  (driver, random) => driver.device.loadBar(random.of([0, 1, 4, 5]), random.below(4096) * 4, 4),
  (driver, random) => driver.device.storeConfig(random.below(64) * 4, 4, anyValue(random)),
  (driver, random) => driver.device.loadConfig(random.below(64) * 4, 4),
  (driver, random) => {
    driver.status = random.of([0, 1, 3, 11, 15, 15, 64, 128, anyValue(random)])
  },
  (driver, random) => {
    driver.write(1, 22, random.below(driver.queues.length), 2)
    driver.write(1, 58, 1, 2)
    if (random.below(2) === 0) driver.setUpQueue(anyQueue(driver, random).index)
  },
  (driver) => {
    driver.device.storeConfig(4, 2, 6)
  },
]
