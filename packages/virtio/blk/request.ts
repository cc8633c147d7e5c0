/**
 * One request of a block device's driver.
 *
 * ```
 *   readable: type, reserved, sector │ data to write, or ranges        writable: data to read │ status, 1 byte
 * ```
 * Errors: a request without a whole header or without room for its status proves the driver broken; whatever else is
 * wrong is the request's own failure, told in its status.
 * @spec virtio-1.2 "Device Operation"
 */

import type { Chain } from '../queue/chain.ts'
import type { BlkBackend, BlkOutcome } from './backend.ts'
import { type BlkDisk, blkIdBytes, rangeLimits, sectorBytes } from './config.ts'

export const requestType = { in: 0, out: 1, flush: 4, getId: 8, discard: 11, writeZeroes: 13 } as const
export const requestStatus = { ok: 0, ioError: 1, unsupported: 2 } as const

const headerBytes = 16
const rangeBytes = 16
const unmapFlag = 1

/** What became of a request: its status, and the bytes written before that. */
interface Answer {
  readonly status: number
  readonly written: number
}

const failed: Answer = { status: requestStatus.ioError, written: 0 }
const unsupported: Answer = { status: requestStatus.unsupported, written: 0 }

export class BlkRequests {
  private readonly disk: BlkDisk
  private readonly backend: BlkBackend
  private readonly header = new Uint8Array(headerBytes)
  private readonly view = new DataView(this.header.buffer)

  constructor(disk: BlkDisk, backend: BlkBackend) {
    this.disk = disk
    this.backend = backend
  }

  /** Serves one; answers the bytes written to the chain. */
  serve(chain: Chain): number | 'broken' {
    if (chain.writableBytes < 1 || !chain.read(0, this.header)) return 'broken'
    const sector = this.view.getUint32(12, true) * 2 ** 32 + this.view.getUint32(8, true)
    const { status, written } = this.perform(this.view.getUint32(0, true), sector, chain)
    if (!chain.write(chain.writableBytes - 1, Uint8Array.of(status))) return 'broken'
    return written + 1
  }

  private perform(type: number, sector: number, chain: Chain): Answer {
    switch (type) {
      case requestType.in:
        return this.readIn(sector, chain)
      case requestType.out:
        return this.writeOut(sector, chain)
      case requestType.flush:
        return answer(this.backend.flush(), 0)
      case requestType.getId:
        return this.getId(chain)
      case requestType.discard:
      case requestType.writeZeroes:
        return this.ranges(type, chain)
      default:
        return unsupported
    }
  }

  private readIn(sector: number, chain: Chain): Answer {
    const bytes = chain.writableBytes - 1
    if (!this.holds(sector, bytes)) return failed
    const into = chain.writablePieces(0, bytes)
    return into === undefined ? failed : answer(this.backend.read(into, sector * sectorBytes), bytes)
  }

  private writeOut(sector: number, chain: Chain): Answer {
    const bytes = chain.readableBytes - headerBytes
    if (this.disk.access === 'read-only' || !this.holds(sector, bytes)) return failed
    const from = chain.readablePieces(headerBytes, bytes)
    return from === undefined ? failed : answer(this.backend.write(from, sector * sectorBytes), 0)
  }

  /** The id as text; it is not ended by a zero when it fills its 20 bytes. */
  private getId(chain: Chain): Answer {
    const bytes = Math.min(blkIdBytes, chain.writableBytes - 1)
    const id = new Uint8Array(bytes)
    for (let i = 0; i < Math.min(bytes, this.disk.id.length); i++) id[i] = this.disk.id.charCodeAt(i)
    return chain.write(0, id) ? { status: requestStatus.ok, written: bytes } : failed
  }

  /** Discard and write-zeroes. All ranges are checked before the first is served. */
  private ranges(type: number, chain: Chain): Answer {
    if (this.disk.access === 'read-only') return failed
    const bytes = chain.readableBytes - headerBytes
    const count = bytes / rangeBytes
    const isZeroing = type === requestType.writeZeroes
    const { sectorsMax, rangesMax } = isZeroing ? rangeLimits.writeZeroes : rangeLimits.discard
    if (!Number.isInteger(count) || count < 1 || count > rangesMax) return failed
    const raw = new Uint8Array(bytes)
    if (!chain.read(headerBytes, raw)) return failed
    const view = new DataView(raw.buffer)
    const allowed = isZeroing ? unmapFlag : 0
    const ranges = Array.from({ length: count }, (_, i) => ({
      sector: view.getUint32(16 * i + 4, true) * 2 ** 32 + view.getUint32(16 * i, true),
      sectors: view.getUint32(16 * i + 8, true),
      flags: view.getUint32(16 * i + 12, true),
    }))
    if (ranges.some(({ flags }) => (flags & ~allowed) !== 0)) return unsupported
    for (const { sector, sectors } of ranges) {
      if (sectors > sectorsMax || !this.holds(sector, sectors * sectorBytes)) return failed
    }
    for (const { sector, sectors, flags } of ranges) {
      const [offset, length] = [sector * sectorBytes, sectors * sectorBytes]
      const space = (flags & unmapFlag) !== 0 ? 'free' : 'keep'
      const outcome = isZeroing
        ? this.backend.writeZeroes(offset, length, space)
        : this.backend.discard(offset, length)
      if (outcome === 'failed') return failed
    }
    return { status: requestStatus.ok, written: 0 }
  }

  /** Whether `bytes` from `sector` on are whole sectors of the disk. */
  private holds(sector: number, bytes: number): boolean {
    return bytes % sectorBytes === 0 && sector + bytes / sectorBytes <= this.disk.sectors
  }
}

function answer(outcome: BlkOutcome, written: number): Answer {
  return outcome === 'done' ? { status: requestStatus.ok, written } : failed
}
