/** A disk under attack: it asserts what a device may ask of it, and is written to only as far as its access allows. */

import { assert } from '@virga/base'
import { blkHandler, blkModel } from '../index.ts'
import { BytesDisk } from './bytes-disk.ts'
import { anyBytes, anyValue, type HostileTarget, type Move } from './hostile-driver.ts'
import type { Seeded } from './seeded.ts'

const sectors = 256

/** A disk; its access is the seed's choice. */
export function hostileBlk(random: Seeded): HostileTarget {
  const isReadOnly = random.below(4) === 0
  const disk = new BytesDisk(512 * sectors)
  const before = disk.bytes.slice()
  const config = { sectors, access: isReadOnly ? 'read-only' : 'read-write', id: 'fuzz' } as const
  return {
    model: blkModel('blk0', config),
    handler: blkHandler(config, disk),
    features: [],
    moves: [request, request, request, (driver) => driver.run()],
    verify: () => {
      if (isReadOnly) assert(same(disk.bytes, before), 'a read-only disk stays as it is')
    },
    behave: (sane) => {
      sane.submit([new Uint8Array(16), 512, 1])
      sane.run()
      const [done] = sane.completed()
      assert(done?.written === 513 && done.data[512] === 0, 'a driver that behaves is served')
      assert(same(done.data.subarray(0, 512), disk.bytes.subarray(0, 512)), 'and reads the disk')
    },
  }
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}

function header(random: Seeded): Uint8Array {
  const bytes = new Uint8Array(random.below(6) === 0 ? random.below(17) : 16)
  if (bytes.length === 16) {
    const view = new DataView(bytes.buffer)
    view.setUint32(0, random.of([0, 0, 1, 1, 4, 8, 11, 13, anyValue(random)]), true)
    view.setUint32(8, random.below(4) === 0 ? anyValue(random) : random.below(sectors), true)
    view.setUint32(12, random.below(8) === 0 ? anyValue(random) : 0, true)
  }
  return bytes
}

/** A request that is often a sane one. */
const request: Move = (driver, random) => {
  const data = anyBytes(random, random.of([16, 32, 512, 512, 1024, 17]))
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
