/** A receiver over plain memory: what a machine's receive queue is to the fabric, for tests and benchmarks. */
import { loadVnetHeader, plainVnetHeader, type VnetHeader, vnetHeaderBytes } from '@virga/packet'
import { extract, PieceList } from '../frame/piece-list.ts'
import type { Receiver } from '../frame/receiver.ts'

/** What arrived. */
export interface Received {
  readonly vnet: VnetHeader
  readonly frame: Uint8Array
}

export class MemoryReceiver implements Receiver {
  offloads: number
  /** frames, in order of arrival */
  readonly received: Received[] = []
  /** how often `flush` was called */
  flushes = 0
  /** buffers that are free; each frame gives its buffers back unless `keep` */
  free: number
  private readonly bufferBytes: number
  private readonly memory: Uint8Array
  private reserved = new PieceList(0)
  private reservedBytes = 0

  constructor(
    options: { readonly offloads?: number; readonly bufferBytes?: number; readonly buffers?: number } = {},
  ) {
    const { offloads = 0, bufferBytes = 1536, buffers = 64 } = options
    this.offloads = offloads
    this.bufferBytes = bufferBytes
    this.free = buffers
    this.memory = new Uint8Array(bufferBytes * buffers)
  }

  reserve(byteLength: number, into: PieceList): number {
    const count = Math.ceil(byteLength / this.bufferBytes)
    into.clear(this.memory)
    if (count > this.free) return 0
    for (let i = 0; i < count; i++) into.add(i * this.bufferBytes, this.bufferBytes)
    this.reserved = into
    this.reservedBytes = byteLength
    return count
  }

  commit(): void {
    const bytes = extract(this.reserved, 0, this.reservedBytes)
    const vnet = plainVnetHeader()
    loadVnetHeader(bytes, 0, vnet)
    this.received.push({ vnet, frame: bytes.slice(vnetHeaderBytes) })
  }

  flush(): void {
    this.flushes++
  }

  /** What arrived since it was last asked. */
  take(): Received[] {
    return this.received.splice(0)
  }
}
