/**
 * A split virtqueue in shared memory, both sides of it: what a driver and a device do for each frame, and no more. It
 * stands for virtio-net in the benchmark of the switch. @spec virtio-1.2 "Split Virtqueues"
 *
 *   descriptors (16 bytes each) │ avail: flags, idx, ring │ used: flags, idx, ring │ buffers
 */
import type { PieceList, Receiver } from '@virga/fabric'

/** Descriptors of a ring. */
export const queueSize = 1024

/** Where a ring's parts are in memory, in words of 16 and 32 bits. */
class Ring {
  readonly bytes: Uint8Array
  protected readonly halves: Uint16Array
  protected readonly words: Uint32Array
  protected readonly descriptorsAt: number
  protected readonly availAt: number
  protected readonly usedAt: number
  protected availSeen = 0
  private availEnd = 0
  private offered = 0
  protected usedIndex = 0

  constructor(memory: WebAssembly.Memory, at: number) {
    this.bytes = new Uint8Array(memory.buffer)
    this.halves = new Uint16Array(memory.buffer)
    this.words = new Uint32Array(memory.buffer)
    this.descriptorsAt = at / 4
    this.availAt = (at + 16 * queueSize) / 2
    this.usedAt = (at + 16 * queueSize + 4096) / 4
  }

  /** Driver: describes `length` bytes at `address` by descriptor `index`; `next` is the one that follows, or -1. */
  describe(index: number, address: number, length: number, next: number): void {
    const at = this.descriptorsAt + index * 4
    this.words[at] = address
    this.words[at + 1] = 0
    this.words[at + 2] = length
    this.words[at + 3] = (next < 0 ? 0 : 1) | ((next & 0xffff) << 16)
  }

  /** Driver: offers the chain that begins with `head`, from the next `kick` on. */
  offer(head: number): void {
    this.halves[this.availAt + 2 + (this.offered & (queueSize - 1))] = head
    this.offered = (this.offered + 1) & 0xffff
  }

  /** Driver: publishes what was offered. */
  kick(): void {
    Atomics.store(this.halves, this.availAt + 1, this.offered)
  }

  /** Device: the head of the next chain, or -1. */
  protected next(): number {
    if (this.availSeen === this.availEnd) {
      this.availEnd = Atomics.load(this.halves, this.availAt + 1)
      if (this.availSeen === this.availEnd) return -1
    }
    const head = this.halves[this.availAt + 2 + (this.availSeen & (queueSize - 1))] as number
    this.availSeen = (this.availSeen + 1) & 0xffff
    return head
  }

  /** Device: adds the chain's pieces; at most as many as the ring has. */
  protected addChain(head: number, into: PieceList): void {
    for (let index = head, count = 0; count < queueSize; count++) {
      const at = this.descriptorsAt + index * 4
      into.add(this.words[at] as number, this.words[at + 2] as number)
      const flags = this.words[at + 3] as number
      if ((flags & 1) === 0) return
      index = flags >>> 16
    }
  }

  /** Device: gives a chain back, not yet published. */
  protected use(head: number, length: number): void {
    const at = this.usedAt + 1 + (this.usedIndex & (queueSize - 1)) * 2
    this.words[at] = head
    this.words[at + 1] = length
    this.usedIndex = (this.usedIndex + 1) & 0xffff
  }

  /** Device: publishes what was given back. */
  protected publish(): void {
    Atomics.store(this.halves, this.usedAt * 2 + 1, this.usedIndex)
  }
}

/** What a machine sends by. */
export class SendRing extends Ring {
  /** Takes the next chain into `into`; false when there is none. It is given back at once, published by `flush`. */
  take(into: PieceList): boolean {
    const head = this.next()
    if (head < 0) return false
    into.clear(this.bytes)
    this.addChain(head, into)
    this.use(head, 0)
    return true
  }

  flush(): void {
    this.publish()
  }
}

/** What a machine receives by: buffers of one size, that one frame may take several of. */
export class ReceiveRing extends Ring implements Receiver {
  offloads: number
  private readonly heads = new Uint16Array(queueSize)
  private readonly bufferBytes: number
  private reserved = 0
  private reservedBytes = 0

  constructor(
    memory: WebAssembly.Memory,
    at: number,
    options: { readonly offloads: number; readonly bufferBytes: number },
  ) {
    super(memory, at)
    this.offloads = options.offloads
    this.bufferBytes = options.bufferBytes
  }

  reserve(byteLength: number, into: PieceList): number {
    // What was reserved and not committed is taken back.
    this.availSeen = (this.availSeen - this.reserved) & 0xffff
    into.clear(this.bytes)
    this.reserved = 0
    while (into.byteLength < byteLength) {
      const head = this.next()
      if (head < 0) return 0
      this.heads[this.reserved++] = head
      this.addChain(head, into)
    }
    this.reservedBytes = byteLength
    return this.reserved
  }

  commit(): void {
    let left = this.reservedBytes
    for (let i = 0; i < this.reserved; i++) {
      this.use(this.heads[i] as number, Math.min(left, this.bufferBytes))
      left -= this.bufferBytes
    }
    this.reserved = 0
  }

  flush(): void {
    this.publish()
  }

  /** Driver: offers again every buffer that was used, and returns how many there were. */
  recycle(from: number): number {
    const used = Atomics.load(this.halves, this.usedAt * 2 + 1)
    const count = (used - from) & 0xffff
    for (let i = 0; i < count; i++)
      this.offer(this.words[this.usedAt + 1 + ((from + i) & (queueSize - 1)) * 2] as number)
    if (count > 0) this.kick()
    return count
  }
}
