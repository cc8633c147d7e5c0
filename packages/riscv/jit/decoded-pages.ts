/**
 * Decoded pages as a linker sees them: the code that one was decoded from, its records and the heat of its places.
 *
 * A page is given by its arena address, a place in it by its byte offset. See `codePage` in hart/layout.ts.
 */

import { codePage, heat } from '../hart/layout.ts'
import { pseudo, regionRecord } from '../interpreter/pseudo.ts'

const pageBytes = 4096
const halfwords = pageBytes / 2
/** A place that was arrived at this often is compiled along with a hot one beside it. */
const warmArrivals = 32

/** The decoded pages of one memory. */
export class DecodedPages {
  readonly #bytes: Uint8Array
  readonly #words: Int32Array

  constructor(memory: WebAssembly.Memory) {
    this.#bytes = new Uint8Array(memory.buffer)
    this.#words = new Int32Array(memory.buffer)
  }

  /** Hash of the page's code. */
  hashOf(page: number): number {
    let hash = 0x811c9dc5
    for (let word = page >>> 2, end = word + pageBytes / 4; word < end; word++) {
      hash = Math.imul(hash ^ (this.#words[word] ?? 0), 0x01000193)
      hash ^= hash >>> 15
    }
    return hash
  }

  /** Whether the page was decoded from these 4 KiB, on a boundary of four bytes. */
  holds(page: number, code: Uint8Array): boolean {
    const words = new Int32Array(code.buffer, code.byteOffset, pageBytes / 4)
    const first = page >>> 2
    for (let i = 0; i < words.length; i++) if (words[i] !== this.#words[first + i]) return false
    return true
  }

  /** A copy of the page's code. */
  codeOf(page: number): Uint8Array {
    return this.#bytes.slice(page, page + pageBytes)
  }

  /** Arena address of the frame that the code came from. */
  frameOf(page: number): number {
    return this.#words[(page + codePage.source) >>> 2] ?? 0
  }

  /** The fetch epoch that the code was last compared in. */
  epochOf(page: number): number {
    return this.#words[(page + codePage.epoch) >>> 2] ?? 0
  }

  heatOf(page: number, offset: number): number {
    return this.#bytes[page + codePage.heat + (offset >> 1)] ?? 0
  }

  setHeat(page: number, offset: number, to: number): void {
    this.#bytes[page + codePage.heat + (offset >> 1)] = to
  }

  /** Has the record at a place start a region, at one of its entries. */
  startRegion(page: number, offset: number, index: number, entry: number): void {
    const word = recordAt(page, offset)
    this.#words[word] = pseudo.region | (entry << (regionRecord.entry * 8))
    this.#words[word + regionRecord.index / 4] = index
    this.setHeat(page, offset, heat.told)
  }

  /** Gives a place back to the interpreter: a record that starts a region is decoded anew when it is next run. */
  endRegion(page: number, offset: number): void {
    const word = recordAt(page, offset)
    if (((this.#words[word] ?? 0) & 0xffff) !== pseudo.region) return
    this.#words[word] = pseudo.undecoded
    this.#words[word + 1] = 0
  }

  /** Sets a bit of `ran`, by halfword, for each place that has a record: it was run. */
  noteRan(page: number, ran: Uint8Array): void {
    const first = recordAt(page, 0)
    for (let i = 0; i < halfwords; i++) {
      if (((this.#words[first + i * 2] ?? 0) & 0xffff) !== pseudo.undecoded)
        ran[i >> 3] = (ran[i >> 3] ?? 0) | (1 << (i & 7))
    }
  }

  /** The places that were arrived at more than a few times. */
  warmIn(page: number): number[] {
    const warm: number[] = []
    for (let i = 0; i < halfwords; i++) {
      if ((this.#bytes[page + codePage.heat + i] ?? 0) >= warmArrivals) warm.push(i * 2)
    }
    return warm
  }
}

/** Where the record of a place is, in words. */
function recordAt(page: number, offset: number): number {
  return (page + codePage.records + (offset >> 1) * codePage.recordBytes) >>> 2
}
