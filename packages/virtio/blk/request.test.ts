/** The block device from the driver's side: what is refused and how, then what each request does. */
import { describe, expect, it } from 'vitest'
import { blkHandler, blkModel } from '../index.ts'
import { BytesDisk, type Part, TestDriver } from '../testing.ts'

const sectors = 64
const status = { ok: 0, ioError: 1, unsupported: 2 }

function open(access: 'read-write' | 'read-only' = 'read-write') {
  const backend = new BytesDisk(512 * sectors)
  backend.bytes.forEach((_, i) => {
    backend.bytes[i] = (i >> 9) + (i & 3)
  })
  const disk = { sectors, access, id: 'disk-1' }
  const driver = new TestDriver(blkModel('blk0', disk), blkHandler(disk, backend), {
    features: [28],
    queueSize: 32,
  })
  return { driver: driver.start(), backend }
}

function header(type: number, sector = 0): Uint8Array {
  const bytes = new Uint8Array(16)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, type, true)
  view.setUint32(8, sector % 2 ** 32, true)
  view.setUint32(12, Math.floor(sector / 2 ** 32), true)
  return bytes
}

function range(sector: number, count: number, flags = 0): Uint8Array {
  const bytes = new Uint8Array(16)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, sector, true)
  view.setUint32(8, count, true)
  view.setUint32(12, flags, true)
  return bytes
}

/** Serves one request; answers its status, the bytes written, and what came before the status. */
function ask({ driver }: ReturnType<typeof open>, ...parts: Part[]) {
  driver.submit(parts)
  driver.run()
  const [done] = driver.completed()
  if (done === undefined) throw new Error(`not completed: ${driver.broken.join()}`)
  return { status: done.data.at(-1), written: done.written, data: done.data.subarray(0, -1) }
}

describe('a request that proves the driver broken', () => {
  it.each([
    ['nothing to read', [1]],
    ['a header cut off', [new Uint8Array(15), 1]],
    ['no room for the status', [header(0)]],
  ])('%s', (_, parts) => {
    const { driver, backend } = open()
    driver.submit(parts)
    driver.run()
    expect([driver.status & 64, driver.completed(), backend.calls]).toEqual([64, [], []])
  })
})

describe('a request that fails', () => {
  it.each([
    ['of an unknown type', status.unsupported, [header(99), 1]],
    ['read beyond the end', status.ioError, [header(0, 63), 1024, 1]],
    ['read far beyond', status.ioError, [header(0, 2 ** 63), 512, 1]],
    ['read of half a sector', status.ioError, [header(0), 100, 1]],
    ['write beyond the end', status.ioError, [header(1, 64), new Uint8Array(512), 1]],
    ['write of half a sector', status.ioError, [header(1), new Uint8Array(513), 1]],
    ['discard without ranges', status.ioError, [header(11), 1]],
    ['discard of a range cut off', status.ioError, [header(11), new Uint8Array(17), 1]],
    ['discard beyond the end', status.ioError, [header(11), range(60, 5), 1]],
    ['discard of too many ranges', status.ioError, [header(11), new Uint8Array(17 * 16), 1]],
    ['discard that unmaps', status.unsupported, [header(11), range(0, 1, 1), 1]],
    ['zeroes with unknown flags', status.unsupported, [header(13), range(0, 1, 2), 1]],
    ['zeroes of two ranges', status.ioError, [header(13), range(0, 1), range(1, 1), 1]],
    ['discard, the second range wrong', status.ioError, [header(11), range(0, 1), range(64, 1), 1]],
  ] as const)('%s', (_, wanted, parts) => {
    const bench = open()
    const before = bench.backend.bytes.slice()
    expect(ask(bench, ...parts)).toMatchObject({ status: wanted, written: 1 })
    expect([bench.backend.calls, Buffer.compare(bench.backend.bytes, before)]).toEqual([[], 0])
  })

  it.each([
    ['write', [header(1), new Uint8Array(512), 1]],
    ['discard', [header(11), range(0, 1), 1]],
    ['zeroes', [header(13), range(0, 1), 1]],
  ] as const)('%s to a disk that is read-only', (_, parts) => {
    const bench = open('read-only')
    expect(ask(bench, ...parts)).toMatchObject({ status: status.ioError })
    expect(bench.backend.calls).toEqual([])
  })

  it.each([
    ['read', [header(0), 512, 1]],
    ['write', [header(1), new Uint8Array(512), 1]],
    ['flush', [header(4), 1]],
    ['zeroes', [header(13), range(0, 1), 1]],
  ] as const)('%s when the backend fails', (_, parts) => {
    const bench = open()
    bench.backend.outcome = 'failed'
    expect(ask(bench, ...parts)).toMatchObject({ status: status.ioError, written: 1 })
  })
})

describe('a request', () => {
  it('reads sectors, into buffers cut anyhow', () => {
    const bench = open()
    const { status: done, written, data } = ask(bench, header(0, 3), 1000, 24, 1)
    expect([done, written, bench.backend.calls]).toEqual([0, 1025, ['read 1536 1024']])
    expect(data).toEqual(bench.backend.bytes.slice(1536, 2560))
  })

  it('writes sectors, header and data cut anyhow', () => {
    const bench = open()
    const all = new Uint8Array(16 + 1024).fill(0xa5)
    all.set(header(1, 62))
    expect(ask(bench, all.slice(0, 9), all.slice(9, 700), all.slice(700), 1)).toMatchObject({
      status: 0,
      written: 1,
    })
    expect(bench.backend.bytes.slice(62 * 512)).toEqual(new Uint8Array(1024).fill(0xa5))
  })

  it('flushes', () => {
    const bench = open()
    expect(ask(bench, header(4), 1).status).toBe(0)
    expect(bench.backend.calls).toEqual(['flush'])
  })

  it('tells the id, as much as fits', () => {
    const bench = open()
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
    expect(text(ask(bench, header(8), 20, 1).data)).toBe(`disk-1${'\0'.repeat(14)}`)
    expect(text(ask(bench, header(8), 4, 1).data)).toBe('disk')
  })

  it('discards and zeroes ranges', () => {
    const bench = open()
    expect(ask(bench, header(11), range(1, 2), range(8, 8), 1).status).toBe(0)
    expect(ask(bench, header(13), range(20, 1), 1).status).toBe(0)
    expect(ask(bench, header(13), range(21, 1, 1), 1).status).toBe(0)
    expect(bench.backend.calls).toEqual([
      'discard 512 1024',
      'discard 4096 4096',
      'zeroes 10240 512 keep',
      'zeroes 10752 512 free',
    ])
  })
})

describe('the configuration', () => {
  it('says what the disk is', () => {
    const { driver } = open()
    const at = (offset: number, bytes: 1 | 2 | 4 = 4) => driver.read(4, offset, bytes)
    expect([at(0), at(4), at(12), at(20), at(24, 1), at(26, 2)]).toEqual([64, 0, 254, 512, 3, 8])
    expect([at(36), at(40), at(48), at(56, 1), at(60)]).toEqual([2 ** 21, 16, 2 ** 17, 1, 0])
    driver.write(4, 0, 5)
    expect(at(0)).toBe(64)
  })

  it.each([
    ['read-write', 0x3000_6654],
    ['read-only', 0x3000_0674],
  ] as const)('offers what a %s disk can', (access, offered) => {
    const { driver } = open(access)
    driver.write(1, 0, 0)
    expect(driver.read(1, 4)).toBe(offered)
  })
})
