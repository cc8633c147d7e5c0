/** From a decision to an entry of the flow cache, and back. */
import type { ParsedFrame } from '@virga/packet'
import type { Frame } from '../frame/frame.ts'
import { type Decision, verdict } from './decision.ts'
import { flowField } from './flow-cache.ts'
import type { VpcState } from './vpc-state.ts'

const flag = { routed: 1, translates: 2, outInitiator: 4, inInitiator: 8 } as const

/** Remembers what was decided about packets like `packet` from `port`. */
export function remember(state: VpcState, port: number, packet: ParsedFrame, decision: Decision): void {
  const { cache, nat } = state
  const { words } = cache
  const at = cache.insert(port, packet, state.epoch)
  const isDrop = decision.drop !== 0
  words[at + flowField.verdict] = isDrop ? verdict.drop : decision.verdict
  words[at + flowField.target] = isDrop ? decision.drop : decision.target
  words[at + flowField.flags] =
    (decision.routed ? flag.routed : 0) |
    (decision.translates ? flag.translates : 0) |
    (decision.out.fromInitiator ? flag.outInitiator : 0) |
    (decision.in.fromInitiator ? flag.inInitiator : 0)
  words[at + flowField.entryOut] = decision.out.entry
  words[at + flowField.generationOut] = decision.out.generation
  words[at + flowField.entryIn] = decision.in.entry
  words[at + flowField.generationIn] = decision.in.generation
  words[at + flowField.binding] = decision.binding
  words[at + flowField.bindingGeneration] = decision.binding < 0 ? 0 : nat.generation(decision.binding)
  words[at + flowField.sourceWord] = decision.sourceWord
  words[at + flowField.sourcePort] = decision.sourcePort
}

/**
 * Puts the decision of the entry at `at` into `into`, and notes the packet in connections and bindings. False when the
 * slow path must be asked: something has ended, or this packet differs in what is not in the key.
 */
export function replay(
  state: VpcState,
  at: number,
  frame: Frame,
  tick: number,
  mtu: number,
  into: Decision,
): boolean {
  const { conntrack, nat, cache } = state
  const { words } = cache
  const { packet } = frame
  const kind = words[at + flowField.verdict] as 0 | 1 | 2 | 3 // only `remember` writes it
  const target = words[at + flowField.target] as number
  // A connection whose packet is refused is not noted, and the refusal stands until an answer could be one.
  const entryOut = words[at + flowField.entryOut] as number
  const entryIn = words[at + flowField.entryIn] as number
  const binding = words[at + flowField.binding] as number
  const flags = words[at + flowField.flags] as number
  const routed = (flags & flag.routed) !== 0
  if ((routed && packet.ttl <= 1) || frame.packetBytes > mtu) return false
  const { protocol, tcpFlags } = packet
  if (entryOut >= 0) {
    const generation = words[at + flowField.generationOut] as number
    if (!conntrack.isUsable(entryOut, generation, protocol, tcpFlags, tick)) return false
  }
  if (entryIn >= 0) {
    const generation = words[at + flowField.generationIn] as number
    if (!conntrack.isUsable(entryIn, generation, protocol, tcpFlags, tick)) return false
  }
  if (kind === verdict.drop) {
    into.drop = target
    return true
  }
  if (binding >= 0) {
    if (!nat.isLive(binding, words[at + flowField.bindingGeneration] as number, tick)) return false
    nat.touch(binding, tick)
  }
  if (entryOut >= 0) conntrack.touch(entryOut, (flags & flag.outInitiator) !== 0, protocol, tcpFlags, tick)
  if (entryIn >= 0) conntrack.touch(entryIn, (flags & flag.inInitiator) !== 0, protocol, tcpFlags, tick)
  into.drop = 0
  into.verdict = kind
  into.target = target
  into.routed = routed
  into.translates = (flags & flag.translates) !== 0
  into.binding = binding
  into.sourceWord = words[at + flowField.sourceWord] as number
  into.sourcePort = words[at + flowField.sourcePort] as number
  return true
}
