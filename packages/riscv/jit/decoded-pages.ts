/**
 * Decoded pages as a linker sees them: the code that one was decoded from, its records and the heat of its places.
 *
 * A page is given by its arena address, a place in it by its byte offset. See `codePage` in hart/layout.ts.
 */

import { codePage, heat } from '../hart/layout.ts'
import { pseudo, regionRecord } from '../interpreter/pseudo.ts'
import {
  IMM_B,
  IMM_CB,
  IMM_CJ,
  IMM_J,
  type Immediate,
  instructionLength,
  readImmediate,
} from '../isa/encoding.ts'
import { opcode } from '../isa/formats.ts'

const pageBytes = 4096
const halfwords = pageBytes / 2
/** Offsets of direct jumps, by major opcode, and by quadrant and function of C.J, C.BEQZ and C.BNEZ. */
const jumps = new Map<number, Immediate>([
  [opcode.JAL, IMM_J],
  [opcode.BRANCH, IMM_B],
])
const shortJumps = new Map([
  [0xa001, IMM_CJ],
  [0xc001, IMM_CB],
  [0xe001, IMM_CB],
])
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

  /** Says which code it is, by the number that the linker gave it; see `verify` in region.ts. */
  setContent(page: number, number: number): void {
    this.#words[(page + codePage.content) >>> 2] = number
  }

  /**
   * Calls `visit` with the page distance of each direct jump that leads out of the page, and of going on at its end, of
   * what was run.
   */
  visitDistances(page: number, visit: (distance: number) => void): void {
    const halves = new Uint16Array(this.#bytes.buffer, page, halfwords)
    const first = recordAt(page, 0)
    for (let i = 0; i < halfwords; i++) {
      if (((this.#words[first + i * 2] ?? 0) & 0xffff) === pseudo.undecoded) continue
      const distance = distanceOf(halves[i] ?? 0, halves[i + 1] ?? 0, i * 2)
      if (distance !== 0) visit(distance)
    }
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

/** How many pages ahead the instruction of two halfwords at `offset` may lead, by itself or to the next one. */
function distanceOf(low: number, high: number, offset: number): number {
  const isShort = instructionLength(low) === 2
  const immediate = isShort ? shortJumps.get(low & 0xe003) : jumps.get(low & 0x7f)
  if (immediate !== undefined) return (offset + readImmediate(immediate, low | (high << 16))) >> 12
  return offset + (isShort ? 2 : 4) >= pageBytes ? 1 : 0
}
