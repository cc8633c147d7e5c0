/**
 * Split virtqueue, device side. @spec virtio-1.2 "Split Virtqueues"
 *
 * ```
 *   avail ring ─► take: walk the descriptors, indirect ones too ─► Chain ─► device ─► complete ─► used ring ─► interrupt?
 * ```
 * Why: every device needs chains walked once, bounded and checked; none may touch the rings itself.
 * Invariants: a chain has at most as many descriptors as the queue, those of an indirect table counted, so a loop ends;
 * `used.idx` moves only in `complete`. Everything is read from guest memory once, since the guest may change it meanwhile.
 * Errors: a malformed chain is the guest's fault: `Broken`, never a throw.
 */

import type { DmaMemory } from '@virga/device'
import { Chain } from './chain.ts'
import { addressAt, queueWord } from './queue-words.ts'

/** Why a driver cannot be gone on with; for a person. */
export interface Broken {
  readonly broken: string
}

/** What a driver accepted that rings depend on. */
export interface QueueFeatures {
  readonly indirectDescriptors: boolean
  readonly eventIndex: boolean
}

const descriptorBytes = 16
const flag = { next: 1, write: 2, indirect: 4 } as const
const noInterrupt = 1
/** A chain carries less than 2^32 bytes, which is what the used ring can say. */
const chainBytesMax = 2 ** 32 - 1

/** A run of descriptors: the queue's own, or an indirect table. */
type TableKind = 'queue' | 'indirect'

/** Atomic operations order all others around them. */
const fence = new Int32Array(new SharedArrayBuffer(4))

export class SplitQueue {
  private readonly memory: DmaMemory
  private readonly words: Int32Array
  private readonly features: QueueFeatures
  private readonly size: number
  private readonly descriptors: number
  private readonly driver: number
  private readonly device: number
  private readonly raw = new Uint8Array(descriptorBytes)
  private readonly view = new DataView(this.raw.buffer)
  /** of the chain being walked */
  private walked = 0

  /** A view of the enabled queue that `words` (`queueWords` long) tell of, for as long as it stays enabled. */
  constructor(memory: DmaMemory, words: Int32Array, features: QueueFeatures) {
    this.memory = memory
    this.words = words
    this.features = features
    this.size = words[queueWord.size] as number
    this.descriptors = addressAt(words, queueWord.descriptors)
    this.driver = addressAt(words, queueWord.driver)
    this.device = addressAt(words, queueWord.device)
  }

  /** Takes the next chain that the driver made available; undefined when there is none. It is put into `into`. */
  take(into: Chain = new Chain(this.memory)): Chain | Broken | undefined {
    const chain = this.chainAt(0, into)
    if (chain instanceof Chain) this.advance(1)
    return chain
  }

  /**
   * Looks at the chain that is `ahead` chains after the next one, without taking any; undefined when there are not so
   * many. It is put into `into`.
   */
  chainAt(ahead: number, into: Chain): Chain | Broken | undefined {
    const next = this.words[queueWord.availNext] as number
    const available = this.memory.load16(this.driver + 2)
    if (available < 0) return { broken: 'the available ring is no memory' }
    const waiting = (available - next) & 0xffff
    if (waiting <= ahead) return undefined
    if (waiting > this.size) return { broken: `${waiting} chains are available in a queue of ${this.size}` }
    this.order()
    const head = this.memory.load16(this.driver + 4 + 2 * ((next + ahead) % this.size))
    if (head < 0) return { broken: 'the available ring is no memory' }
    into.begin(head)
    this.walked = 0
    return this.follow(this.descriptors, this.size, head, into, 'queue') ?? into
  }

  /** Takes the next `count` chains, which were looked at. */
  advance(count: number): void {
    const next = this.words[queueWord.availNext] as number
    this.words[queueWord.availNext] = (next + count) & 0xffff
  }

  /** Gives a chain back, with `written` bytes in its writable buffers. False when the used ring is no memory. */
  complete(head: number, written: number): boolean {
    return this.put(head, written) && this.publish()
  }

  /** Puts a chain into the used ring, where the driver sees it after `publish`. False as above. */
  put(head: number, written: number): boolean {
    const used = this.words[queueWord.usedNext] as number
    const { view, raw } = this
    view.setUint32(0, head, true)
    view.setUint32(4, written, true)
    if (!this.memory.write(this.device + 4 + 8 * (used % this.size), raw.subarray(0, 8))) return false
    this.words[queueWord.usedNext] = (used + 1) & 0xffff
    return true
  }

  /** Shows the driver all that was put. False as above. */
  publish(): boolean {
    return this.memory.store16(this.device + 2, this.words[queueWord.usedNext] as number)
  }

  /** Whether the driver wants to hear of what was completed since the last time that this said yes. */
  wantsInterrupt(): boolean {
    this.order()
    const used = this.words[queueWord.usedNext] as number
    const before = this.words[queueWord.usedSignalled] as number
    if (used === before) return false
    if (this.features.eventIndex) {
      const event = this.memory.load16(this.driver + 4 + 2 * this.size)
      if (((used - event - 1) & 0xffff) >= ((used - before) & 0xffff)) return false
    } else if ((this.memory.load16(this.driver) & noInterrupt) !== 0) return false
    this.words[queueWord.usedSignalled] = used
    return true
  }

  /**
   * Asks the driver to notify when it makes a chain available from now on. True when there is one already: look again.
   */
  rearm(): boolean {
    const next = this.words[queueWord.availNext] as number
    if (this.features.eventIndex) this.memory.store16(this.device + 4 + 8 * this.size, next)
    this.order()
    return this.memory.load16(this.driver + 2) !== next
  }

  /** What is written before is seen before what is read after. */
  private order(): void {
    Atomics.add(fence, 0, 0)
  }

  /** Follows a chain in one table from descriptor `first` to its end. */
  private follow(
    tableGpa: number,
    count: number,
    first: number,
    chain: Chain,
    kind: TableKind,
  ): Broken | undefined {
    const { raw, view } = this
    for (let index = first; ; ) {
      if (index >= count) return { broken: `descriptor ${index} of ${count} is named` }
      if (++this.walked > this.size) return { broken: `a chain is longer than the queue, ${this.size}` }
      if (!this.memory.read(tableGpa + descriptorBytes * index, raw))
        return { broken: 'a descriptor is no memory' }
      const gpa = view.getUint32(4, true) * 2 ** 32 + view.getUint32(0, true)
      const bytes = view.getUint32(8, true)
      const flags = view.getUint16(12, true)
      const next = view.getUint16(14, true)
      if ((flags & flag.indirect) !== 0) {
        this.walked -= 1
        return this.followIndirect({ gpa, bytes, flags }, chain, kind)
      }
      const fault = this.append(gpa, bytes, (flags & flag.write) !== 0, chain)
      if (fault !== undefined) return fault
      if ((flags & flag.next) === 0) return undefined
      index = next
    }
  }

  /** @spec virtio-1.2 "Indirect Descriptors" */
  private followIndirect(
    { gpa, bytes, flags }: { readonly gpa: number; readonly bytes: number; readonly flags: number },
    chain: Chain,
    kind: TableKind,
  ): Broken | undefined {
    if (!this.features.indirectDescriptors) return { broken: 'an indirect descriptor was not negotiated' }
    if (kind === 'indirect') return { broken: 'an indirect table is named in an indirect table' }
    if ((flags & flag.next) !== 0) return { broken: 'an indirect descriptor has a next one' }
    if (bytes === 0 || bytes % descriptorBytes !== 0)
      return { broken: `an indirect table has ${bytes} bytes` }
    return this.follow(gpa, bytes / descriptorBytes, 0, chain, 'indirect')
  }

  private append(gpa: number, bytes: number, isWritable: boolean, chain: Chain): Broken | undefined {
    if (!isWritable && chain.hasWritable) return { broken: 'a buffer to read follows one to write' }
    if (chain.readableBytes + chain.writableBytes + bytes > chainBytesMax)
      return { broken: 'a chain has 4 GiB or more' }
    if (!this.memory.contains(gpa, bytes)) return { broken: 'a buffer is no memory' }
    chain.append(gpa, bytes, isWritable ? 'write' : 'read')
    return undefined
  }
}
