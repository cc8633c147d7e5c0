/**
 * Where a network puts frames: what stands for a machine's receive queue. Virtio-net implements it over its rings, tests
 * and benchmarks over plain memory; the fabric knows neither.
 *
 * For each frame: `reserve`, then the bytes are written to the pieces, then `commit`. A `reserve` without `commit` is
 * taken back by the next one. After a batch: `flush`, which may publish and interrupt once for all.
 */
import type { PieceList } from './piece-list.ts'

/** What a receiver has agreed to take: partial checksums, and frames of many segments. */
export const offload = { checksum: 1, tcp4: 2, tcp6: 4, udp: 8, ecn: 16 } as const

export interface Receiver {
  /** bits of `offload`, as negotiated; may change when a driver resets its device */
  readonly offloads: number
  /**
   * Finds room for `byteLength` bytes (virtio-net header and frame) and puts it into `into`, which is cleared first.
   * Returns the number of buffers it takes, which goes into the header; 0 when there is no room.
   */
  reserve(byteLength: number, into: PieceList): number
  /** Hands what was last reserved, now written, to the receiver. */
  commit(): void
  /** The batch has ended. */
  flush(): void
}
