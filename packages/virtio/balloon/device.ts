/**
 * Memory balloon: pages that a guest does without go back to the host.
 *
 * ```
 *   inflate   ─► numbers of pages ─┐
 *   reporting ─► runs of free memory ─► BalloonBackend.release        deflate ─► nothing to do: touching a page gives it
 *   statistics ─► kept until somebody asks, which gives the driver its buffer back to fill it anew
 * ```
 * Invariants: a page is released only after the guest said that it does without, and whatever it says, only memory is.
 */

import type { ChainHandler, ChainResult, DeviceAccess, ServiceLeft } from '../model.ts'
import type { Chain } from '../queue/chain.ts'
import { balloonFeature, balloonPageBytes, balloonQueue } from './config.ts'
import { type BalloonStatistics, readStatistics, statisticsBytesMax } from './statistics.ts'

/** Pages that follow each other, from a guest-physical address on that is a multiple of 4096. */
export interface PageRun {
  readonly gpa: number
  readonly pages: number
}

/** Where memory goes that a guest does without. */
export interface BalloonBackend {
  /** Takes these pages, as far as they are memory. They read as zeros when the guest touches them again. */
  release(runs: readonly PageRun[]): void
}

/** Numbers of pages in one buffer; Linux has 256. */
const numbersMax = 4096
const numberBytes = 4

export class BalloonDevice implements ChainHandler {
  /** what the guest said last */
  statistics: BalloonStatistics = {}
  /** how often it said something */
  statisticsCount = 0
  private readonly backend: BalloonBackend
  private access: DeviceAccess | undefined
  /** head of the buffer that comes back with the next question */
  private held: number | undefined

  constructor(backend: BalloonBackend) {
    this.backend = backend
  }

  attach(access: DeviceAccess): void {
    this.access = access
    this.reset()
  }

  /** Asks the driver for fresh statistics. False: it has none to give yet. */
  askStatistics(): boolean {
    const { access } = this
    if (access === undefined || !access.hold()) return false
    // Looked at only now: holding may have told of a reset.
    const { held } = this
    const queue = access.queue(balloonQueue.statistics)
    const given = held !== undefined && queue !== undefined
    if (given) {
      this.held = undefined
      if (queue.complete(held, 0)) access.interrupt(balloonQueue.statistics, queue)
      else access.giveUp('the used ring is no memory')
    }
    access.release()
    return given
  }

  kicked(queue: number): ServiceLeft | 'serve' {
    return queue === balloonQueue.statistics ? this.takeStatistics() : 'serve'
  }

  serve(queue: number, chain: Chain): ChainResult {
    if (queue === balloonQueue.inflate) return this.inflate(chain)
    if (queue === balloonQueue.reporting) return this.report(chain)
    return 0
  }

  asked(): void {
    this.askStatistics()
  }

  queueReset(queue: number): void {
    if (queue === balloonQueue.statistics) this.held = undefined
  }

  reset(): void {
    this.held = undefined
  }

  private inflate(chain: Chain): ChainResult {
    const { readableBytes } = chain
    if (chain.hasWritable || readableBytes % numberBytes !== 0 || readableBytes > numbersMax * numberBytes)
      return 'broken'
    const numbers = new Uint8Array(readableBytes)
    if (!chain.read(0, numbers)) return 'broken'
    const view = new DataView(numbers.buffer)
    const runs = Array.from({ length: readableBytes / numberBytes }, (_, i) => ({
      gpa: view.getUint32(i * numberBytes, true) * balloonPageBytes,
      pages: 1,
    }))
    this.backend.release(runs)
    return 0
  }

  /** Whole pages of what is reported. */
  private report(chain: Chain): ChainResult {
    if (chain.readableBytes > 0 || this.access?.hasFeature(balloonFeature.reporting) !== true) return 'broken'
    const runs: PageRun[] = []
    chain.visitWritable((gpa, bytes) => {
      const first = Math.ceil(gpa / balloonPageBytes)
      const pages = Math.floor((gpa + bytes) / balloonPageBytes) - first
      if (pages > 0) runs.push({ gpa: first * balloonPageBytes, pages })
    })
    this.backend.release(runs)
    return 0
  }

  /** Reads what the driver says; its buffer is kept. It has one. */
  private takeStatistics(): ServiceLeft {
    const { access } = this
    const queue = access?.queue(balloonQueue.statistics)
    if (access === undefined || queue === undefined) return 'idle'
    do {
      const chain = queue.take()
      if (chain === undefined) continue
      if ('broken' in chain) return this.giveUp(chain.broken)
      if (chain.hasWritable || this.held !== undefined) return this.giveUp('statistics are malformed')
      const bytes = new Uint8Array(Math.min(chain.readableBytes, statisticsBytesMax))
      if (!chain.read(0, bytes)) return this.giveUp('statistics are no memory')
      this.statistics = readStatistics(bytes)
      this.statisticsCount++
      this.held = chain.head
    } while (queue.rearm())
    return 'idle'
  }

  private giveUp(reason: string): ServiceLeft {
    this.access?.giveUp(reason)
    return 'idle'
  }
}
