/**
 * What guest code asked of its host in one slice and what it was answered, so that a second run of the same
 * instructions sees the same world.
 *
 * ```
 *  compiled code ──► recording host ──► clock, devices          interpreter ──► replaying host
 *                         └──────────► HostRecording ─────────────────────────────┘
 * ```
 * First touches of memory are not recorded: each machine serves its own.
 * Invariants: requests are replayed in order; one that differs from the recorded one is noted, and ends the second
 * run by a `CameApart`: there is no answer to it.
 */

import { defined } from '@virga/base'
import { type EngineHost, hartOffset } from '@virga/riscv/hart'
import type { HartBlock } from '../hart-block.ts'

/** What both runs asked where they came apart; undefined: nothing more. */
export interface HostMismatch {
  readonly compiled: string | undefined
  readonly interpreter: string | undefined
}

const mmioValue = defined(hartOffset.mmioValue, 'mmioValue')
/** Numbers of one request: kind (0 load, 1 store, 2 clock), address, log2 of the width, data (2 words), answer, interrupt lines after it. */
const stride = 7
const clockKind = 2

/** Thrown through guest code to the replay's caller, who finds why in `mismatch`. */
export class CameApart extends Error {}

/** A hart's block, and the words of the arena that it is in. */
export interface HartWords {
  readonly hart: HartBlock
  readonly i32: Int32Array
}

/** The requests of one slice. */
export class HostRecording {
  readonly #values: number[] = []
  #count = 0
  #replayed = 0
  mismatch: HostMismatch | undefined

  /** Forgets everything, for the next slice. */
  clear(): void {
    this.#count = 0
    this.#replayed = 0
    this.mismatch = undefined
  }

  /** Notes requests that were recorded and not made again. */
  conclude(): void {
    if (this.mismatch === undefined && this.#replayed < this.#count) {
      this.mismatch = { compiled: this.#recordedText(), interpreter: undefined }
    }
  }

  /** A host that answers as `host` does. Interrupt lines are shown to the guest when it has used a device. */
  recorder(host: EngineHost, { hart, i32 }: HartWords): EngineHost {
    const value = (hart.address + mmioValue) >>> 2
    return {
      slatFault: host.slatFault,
      clock: () => {
        const ticks = host.clock()
        this.#record(clockKind, ticks, 0, 0, 0, 0, 0)
        return ticks
      },
      mmio: (address, gpa, log2, write) => {
        const [low, high] = [i32[value] ?? 0, i32[value + 1] ?? 0]
        const answer = host.mmio(address, gpa, log2, write)
        const data = write === 0 ? [i32[value] ?? 0, i32[value + 1] ?? 0] : [low, high]
        this.#record(write, gpa, log2, data[0] ?? 0, data[1] ?? 0, answer, hart.publishLines())
        return answer
      },
    }
  }

  /** A host that gives the recorded answers. */
  replayer(slatFault: EngineHost['slatFault'], { hart, i32 }: HartWords): EngineHost {
    const value = (hart.address + mmioValue) >>> 2
    return {
      slatFault,
      clock: () => {
        if (!this.#next(clockKind, -1, 0, 0, 0)) this.#comeApart('read the clock')
        return this.#taken(1)
      },
      mmio: (_address, gpa, log2, write) => {
        const [low, high] = write === 0 ? [0, 0] : [i32[value] ?? 0, i32[value + 1] ?? 0]
        if (!this.#next(write, gpa, log2, low, high)) this.#comeApart(accessText(write, gpa, log2, low, high))
        if (write === 0) {
          i32[value] = this.#taken(3)
          i32[value + 1] = this.#taken(4)
        }
        hart.write32('lines', this.#taken(6))
        return this.#taken(5)
      },
    }
  }

  #record(...request: readonly [number, number, number, number, number, number, number]): void {
    const at = this.#count * stride
    for (let i = 0; i < stride; i++) this.#values[at + i] = request[i] ?? 0
    this.#count += 1
  }

  /** Takes the next recorded request if it is this one. A negative address is any; data matters in stores only. */
  #next(kind: number, gpa: number, log2: number, low: number, high: number): boolean {
    const at = this.#replayed * stride
    const values = this.#values
    if (this.#replayed >= this.#count || values[at] !== kind || values[at + 2] !== log2) return false
    if (gpa >= 0 && values[at + 1] !== gpa) return false
    if (kind === 1 && (values[at + 3] !== low || values[at + 4] !== high)) return false
    this.#replayed += 1
    return true
  }

  /** A number of the request taken last. */
  #taken(index: number): number {
    return this.#values[(this.#replayed - 1) * stride + index] ?? 0
  }

  #comeApart(interpreter: string): never {
    this.mismatch = { compiled: this.#recordedText(), interpreter }
    throw new CameApart()
  }

  #recordedText(): string | undefined {
    if (this.#replayed >= this.#count) return undefined
    const at = this.#replayed * stride
    const [kind = 0, gpa = 0, log2 = 0, low = 0, high = 0] = this.#values.slice(at, at + stride)
    return kind === clockKind ? 'read the clock' : accessText(kind, gpa, log2, low, high)
  }
}

function accessText(write: number, gpa: number, log2: number, low: number, high: number): string {
  const place = `${8 << log2} bits at 0x${gpa.toString(16)}`
  if (write === 0) return `load ${place}`
  const data = BigInt.asUintN(8 << log2, (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0))
  return `store ${place}, 0x${data.toString(16)}`
}
