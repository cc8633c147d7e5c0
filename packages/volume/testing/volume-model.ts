/**
 * What a disk should be: plain bytes, and random things to do to a volume and to them alike. It knows what was written
 * before the last flush, and, of every sector, all that it may be after a crash.
 */

import { sectorBytes, type Volume } from '../volume.ts'
import type { Random } from './random.ts'

/** The model of one disk. */
export class VolumeModel {
  bytes: Uint8Array
  /** of each sector, what it has been since the last flush, the state at that flush first */
  #history: Map<number, Uint8Array[]> = new Map()

  constructor(bytes: Uint8Array) {
    this.bytes = bytes.slice()
  }

  /** Does one random thing to `volume` and to the model. Returns what it was. */
  step(volume: Volume, random: Random): string {
    const action = random.pick([
      'write',
      'write',
      'write',
      'write',
      'zero',
      'discard',
      'flush',
      'read',
    ] as const)
    const { offset, bytes } = this.#range(random)
    switch (action) {
      case 'write':
        this.write(volume, random, offset, bytes)
        break
      case 'zero':
        this.#change(offset, new Uint8Array(bytes))
        volume.writeZeroes(offset, bytes, random.pick(['keep', 'free']))
        break
      case 'discard':
        this.#discard(volume, offset, bytes)
        break
      case 'flush':
        volume.flush()
        this.flushed()
        break
      case 'read':
        break
    }
    return `${action} ${bytes} at ${offset}`
  }

  /** Writes random bytes, in one buffer or several. */
  write(volume: Volume, random: Random, offset: number, bytes: number): void {
    const content = random.bytes(bytes)
    const cut = random.below(bytes)
    // First, since somebody may look at the file while it is being written.
    this.#change(offset, content)
    volume.write(random.oneIn(2) ? [content] : [content.subarray(0, cut), content.subarray(cut)], offset)
  }

  /** All that was written has to survive from now on. */
  flushed(): void {
    this.#history.clear()
  }

  /** Takes another size. */
  resized(sizeBytes: number): void {
    const bytes = new Uint8Array(sizeBytes)
    bytes.set(this.bytes.subarray(0, sizeBytes))
    this.bytes = bytes
    this.flushed()
  }

  /** The first sector at which `found` is nothing that a disk may have after a crash; undefined when there is none. */
  impossibleSector(found: Uint8Array): number | undefined {
    for (let sector = 0; sector * sectorBytes < this.bytes.length; sector++) {
      const [from, to] = [sector * sectorBytes, (sector + 1) * sectorBytes]
      const here = found.subarray(from, to)
      const possible = [this.bytes.subarray(from, to), ...(this.#history.get(sector) ?? [])]
      if (!possible.some((bytes) => isEqual(bytes, here))) return sector
    }
    return undefined
  }

  /** The range that may be read back as zeros or as it was, is made to be what the volume says. */
  #discard(volume: Volume, offset: number, bytes: number): void {
    volume.discard(offset, bytes)
    const now = new Uint8Array(bytes)
    volume.read([now], offset)
    for (let at = 0; at < bytes; at++) {
      if (now[at] !== 0 && now[at] !== this.bytes[offset + at])
        throw new Error(`discard changed byte ${offset + at}`)
    }
    this.#change(offset, now)
  }

  #change(offset: number, content: Uint8Array): void {
    const last = Math.floor((offset + content.length - 1) / sectorBytes)
    for (let sector = Math.floor(offset / sectorBytes); sector <= last; sector++) {
      const before = this.bytes.slice(sector * sectorBytes, (sector + 1) * sectorBytes)
      const history = this.#history.get(sector) ?? []
      history.push(before)
      this.#history.set(sector, history)
    }
    this.bytes.set(content, offset)
  }

  #range(random: Random): { offset: number; bytes: number } {
    const { length } = this.bytes
    const offset = random.below(length / sectorBytes) * sectorBytes
    const bytesMax = random.pick([sectorBytes, 4096, 20_000, length])
    const sectors = Math.min(length - offset, bytesMax) / sectorBytes
    const bytes = (1 + random.below(Math.max(1, sectors))) * sectorBytes
    return { offset, bytes: Math.min(bytes, length - offset) }
  }
}

/** Whether two buffers have the same bytes. */
export function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false
  return true
}
