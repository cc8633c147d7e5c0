/**
 * A driver that does anything: from a seed, it writes registers, configuration space, rings and descriptors, sane and
 * mad, and lets the device be served in between.
 *
 * Why: a guest may do all of this. Whatever it does, the device must not throw, not go on for ever, and touch nothing but
 * the guest's memory and its disk; a driver that behaves must be served again after a reset.
 */

import { assert } from '@virga/base'
import { blkHandler, blkModel } from '../index.ts'
import type { ChainHandler } from '../model.ts'
import { BytesDisk } from './bytes-disk.ts'
import { layout, TestDriver } from './driver.ts'

const sectors = 256
const memoryBytes = 0x2_0000
const queueSize = 8
/** Where what the driver says lies in memory: it hits that more often than it would by chance. */
const targets = [layout.descriptors, layout.available, layout.used, layout.tables, layout.buffers]
const odd = [
  0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 64, 127, 255, 256, 4095, 4096, 0x7fff, 0x8000, 0xffff, 0xffff_ffff,
]

/** xorshift32: the same numbers for the same seed, everywhere. */
export class Seeded {
  #state: number

  constructor(seed: number) {
    this.#state = (Math.imul(seed + 1, 0x9e37_79b1) | 1) >>> 0
    for (let i = 0; i < 8; i++) this.bits()
  }

  /** 32 random bits. */
  bits(): number {
    let x = this.#state
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    this.#state = x >>> 0
    return this.#state
  }

  /** 0 to `end` - 1. */
  below(end: number): number {
    return this.bits() % end
  }

  /** One of `values`. */
  of<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T
  }
}

/** A disk that asserts what a device may ask of it. Its access is the seed's choice. */
function makeBench(random: Seeded): { driver: TestDriver; disk: BytesDisk; isReadOnly: boolean } {
  const isReadOnly = random.below(4) === 0
  const disk = new BytesDisk(512 * sectors)
  const config = { sectors, access: isReadOnly ? 'read-only' : 'read-write', id: 'fuzz' } as const
  const handler: ChainHandler = blkHandler(config, disk)
  const features = [28, 29].filter(() => random.below(2) === 0)
  const driver = new TestDriver(blkModel('blk0', config), handler, {
    features,
    queueSize,
    memoryBytes,
    interrupts: random.of(['message', 'pin']),
  })
  if (random.below(8) !== 0) driver.start()
  return { driver, disk, isReadOnly }
}

/** Does what `seed` stands for; throws when the device does what it must not. */
export function attack(seed: number, steps = 60): void {
  const random = new Seeded(seed)
  const { driver, disk, isReadOnly } = makeBench(random)
  const before = disk.bytes.slice()
  for (let step = 0; step < steps; step++) random.of(moves)(driver, random)
  if (isReadOnly) assert(same(disk.bytes, before), 'a read-only disk stays as it is')
  behaveAgain(driver, disk)
}

/** After a reset the device does what it is asked. */
function behaveAgain(broken: TestDriver, disk: BytesDisk): void {
  broken.device.storeConfig(0x20, 4, 0x4010_0000)
  broken.status = 0
  broken.serve()
  assert(broken.status === 0, 'a reset comes to its end')
  const sane = new TestDriver(broken.device.model, broken.handler, {
    words: broken.words,
    memoryBytes,
  }).start()
  sane.submit([new Uint8Array(16), 512, 1])
  sane.run()
  const [done] = sane.completed()
  assert(done?.written === 513 && done.data[512] === 0, 'a driver that behaves is served')
  assert(same(done.data.subarray(0, 512), disk.bytes.subarray(0, 512)), 'and reads the disk')
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}

type Move = (driver: TestDriver, random: Seeded) => void

const value = (random: Seeded) => (random.below(3) === 0 ? random.bits() : random.of(odd))
const address = (driver: TestDriver, random: Seeded) =>
  random.below(6) === 0
    ? random.of([0, driver.memory.base - 8, driver.memory.base + memoryBytes - 8, 2 ** 40, 2 ** 53])
    : driver.memory.base + random.of(targets) + 16 * random.below(16)

function header(random: Seeded): Uint8Array {
  const bytes = new Uint8Array(random.below(6) === 0 ? random.below(17) : 16)
  if (bytes.length === 16) {
    const view = new DataView(bytes.buffer)
    view.setUint32(0, random.of([0, 0, 1, 1, 4, 8, 11, 13, value(random)]), true)
    view.setUint32(8, random.below(4) === 0 ? value(random) : random.below(sectors), true)
    view.setUint32(12, random.below(8) === 0 ? value(random) : 0, true)
  }
  return bytes
}

/** A request that is often a sane one. */
const request: Move = (driver, random) => {
  const data = Uint8Array.from({ length: random.of([16, 32, 512, 512, 1024, 17]) }, () => random.below(4))
  const room = random.of([0, 1, 20, 511, 512, 512, 1024])
  const shape = random.of(['direct', 'indirect'] as const)
  const parts = random.of([
    [header(random), room, 1],
    [header(random), data, 1],
    [header(random), 1],
    [header(random), data, room, 1],
    [room],
    [data],
  ])
  driver.submit(parts, shape)
}

const moves: readonly Move[] = [
  request,
  request,
  request,
  (driver) => driver.serve(),
  (driver) => driver.serve(),
  (driver, random) => driver.notify(random.of([0, 0, 0, 1, 31, 1000])),
  (driver) => driver.notify(),
  (driver, random) => driver.makeAvailable(random.of([...odd.filter((n) => n < 0x1_0000), 0, 1, 2])),
  (driver, random) =>
    driver.describe(
      random.of([layout.descriptors, layout.tables + 0x200 * random.below(8)]),
      random.below(8),
      {
        gpa: address(driver, random),
        bytes: random.below(2) === 0 ? 16 * random.below(8) : value(random),
        flags: random.below(8),
        next: random.below(10),
      },
    ),
  // Anything in memory changes under the device.
  (driver, random) => {
    const at = random.of(targets) + random.below(64)
    driver.memory.bytes[at] = random.below(256)
  },
  (driver, random) => driver.write(1, random.below(16) * 4, value(random), random.of([1, 2, 4])),
  (driver, random) => driver.write(1, random.below(64), value(random), 1),
  (driver, random) => driver.write(random.of([3, 4]), random.below(64), value(random), random.of([1, 2, 4])),
  (driver, random) => driver.read(random.of([1, 2, 3, 4]), random.below(16) * 4, random.of([1, 2, 4])),
  (driver, random) => driver.device.storeBar(1, random.below(1024) * 4, 4, value(random)),
  (driver, random) => driver.device.loadBar(random.of([0, 1, 4, 5]), random.below(4096) * 4, 4),
  (driver, random) => driver.device.storeConfig(random.below(64) * 4, 4, value(random)),
  (driver, random) => driver.device.loadConfig(random.below(64) * 4, 4),
  (driver, random) => {
    driver.status = random.of([0, 1, 3, 11, 15, 15, 64, 128, value(random)])
  },
  (driver) => {
    driver.device.storeConfig(4, 2, 6)
  },
]
