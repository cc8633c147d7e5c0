/**
 * All that a network remembers, in one buffer that threads can share: counters, connections, translations, flows. Memory
 * of zeros is a network that remembers nothing.
 *
 *   counters (doubles) │ epoch, seed │ connections in each zone │ connections │ bindings inside, outside │ flows
 */
import type { RandomWord } from '@virga/base'
import { Counters, counterBytes } from '../counters.ts'
import { KeyTable, tableWords } from '../key-table.ts'
import { Conntrack, conntrackShape } from './conntrack.ts'
import { FlowCache, flowCacheWords } from './flow-cache.ts'
import { Nat, natInsideShape, natOutsideShape } from './nat.ts'
import { portsMax } from './port-table.ts'

/** How much a network remembers. All but `connectionsPerPort` are powers of two. */
export interface VpcLimits {
  readonly connections: number
  readonly connectionsPerPort: number
  readonly bindings: number
  readonly flows: number
}

/** What a host gives a network: some 9 MiB. */
export const usualLimits: VpcLimits = {
  connections: 65_536,
  connectionsPerPort: 16_384,
  bindings: 32_768,
  flows: 16_384,
}

const control = { epoch: 0, seed: 1 } as const
const controlWords = 2

/** Bytes of a network's state. */
export function vpcStateBytes(limits: VpcLimits): number {
  const words =
    controlWords +
    portsMax +
    tableWords(conntrackShape(limits.connections)) +
    tableWords(natInsideShape(limits.bindings)) +
    tableWords(natOutsideShape(limits.bindings)) +
    flowCacheWords(limits.flows)
  return counterBytes(portsMax) + words * 4
}

export class VpcState {
  readonly counters: Counters
  readonly conntrack: Conntrack
  readonly nat: Nat
  readonly cache: FlowCache
  private readonly control: Int32Array

  /** A view of the state in `buffer`, of `vpcStateBytes(limits)`. */
  constructor(buffer: ArrayBufferLike, limits: VpcLimits, random: RandomWord) {
    const doubles = counterBytes(portsMax)
    this.counters = new Counters(new Float64Array(buffer, 0, doubles / 8))
    let at = doubles
    const take = (words: number) => {
      const view = new Int32Array(buffer, at, words)
      at += words * 4
      return view
    }
    this.control = take(controlWords)
    if (this.control[control.seed] === 0) this.control[control.seed] = random() | 1
    if (this.control[control.epoch] === 0) this.control[control.epoch] = 1
    const seed = this.control[control.seed] as number
    const zones = take(portsMax)
    const table = (shape: ReturnType<typeof conntrackShape>) =>
      new KeyTable(take(tableWords(shape)), shape, seed)
    this.conntrack = new Conntrack(
      table(conntrackShape(limits.connections)),
      zones,
      limits.connectionsPerPort,
    )
    const inside = table(natInsideShape(limits.bindings))
    this.nat = new Nat(inside, table(natOutsideShape(limits.bindings)), random)
    this.cache = new FlowCache(take(flowCacheWords(limits.flows)), limits.flows, seed)
  }

  /** Number of the policy in force, never 0. */
  get epoch(): number {
    return this.control[control.epoch] as number
  }

  /** A policy has changed: nothing that was decided before counts. */
  nextEpoch(): void {
    this.control[control.epoch] = this.epoch + 1 === 0 ? 1 : (this.epoch + 1) | 0
  }
}
